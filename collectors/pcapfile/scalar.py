"""A capture read record by record: slow, plainly right, and what the fast reader must equal. Finds single packets."""

import struct
from collections.abc import Iterator
from typing import Final

import msgspec

from collectors.pcapfile.info import MOST_BLOCK, MOST_CAPTURED
from collectors.pcapfile.source import Source
from collectors.pcapfile.ticks import Ticks

_PCAP: Final = {
    b"\xd4\xc3\xb2\xa1": ("<", 1000),
    b"\xa1\xb2\xc3\xd4": (">", 1000),
    b"\x4d\x3c\xb2\xa1": ("<", 1),
    b"\xa1\xb2\x3c\x4d": (">", 1),
}
_SECTION: Final = b"\x0a\x0d\x0d\x0a"
_ORDERS: Final = {b"\x4d\x3c\x2b\x1a": "<", b"\x1a\x2b\x3c\x4d": ">"}


class Record(msgspec.Struct, frozen=True):
    """One captured frame."""

    number: int
    t_ns: int
    length: int
    """Bytes on the wire."""
    link: int
    data: bytes


class _Interface(msgspec.Struct, frozen=True):
    link: int
    snaplen: int
    ticks: Ticks


def records(source: Source) -> Iterator[Record]:
    """Yield the frames of a capture up to its end or the first damage."""
    head = _take(source, 4)
    if head in _PCAP:
        yield from _pcap(source, *_PCAP[head])
    elif head == _SECTION:
        yield from _pcapng(source)


def find(source: Source, number: int) -> Record | None:
    """Return the frame with this number, counted from 1."""
    return next((record for record in records(source) if record.number == number), None)


def _take(source: Source, size: int) -> bytes:
    data = bytearray(size)
    return bytes(data[: source.fill(memoryview(data))])


def _pcap(source: Source, order: str, resolution_ns: int) -> Iterator[Record]:
    header = _take(source, 20)
    if len(header) < 20:
        return
    link = struct.unpack_from(order + "I", header, 16)[0] & 0xFFFF
    number = 0
    while len(head := _take(source, 16)) == 16:
        seconds, fraction, captured, length = struct.unpack(order + "IIII", head)
        if captured > MOST_CAPTURED or len(data := _take(source, captured)) < captured:
            return
        number += 1
        yield Record(number, seconds * 1_000_000_000 + fraction * resolution_ns, length, link, data)


def _pcapng(source: Source) -> Iterator[Record]:
    kind_bytes, order = _SECTION, "<"
    interfaces: list[_Interface] = []
    number, t_ns = 0, 0
    while len(kind_bytes) == 4:
        length_bytes = _take(source, 4)
        body = b""
        if kind_bytes == _SECTION:
            body = _take(source, 4)
            if body not in _ORDERS:
                return
            order, interfaces = _ORDERS[body], []
        if len(length_bytes) < 4:
            return
        kind, length = struct.unpack(order + "I", kind_bytes)[0], struct.unpack(order + "I", length_bytes)[0]
        if length < 12 + len(body) or length & 3 or (kind in (2, 3, 6) and length > MOST_BLOCK):
            return
        if not _skippable(kind, length):
            rest = _take(source, length - 12 - len(body))
            tail = _take(source, 4)
            if tail != length_bytes:
                return
            packet = None
            if kind == 1:
                interfaces += _interface(rest, order)
            elif kind in (2, 3, 6):
                packet = _packet(kind, rest, order, interfaces, t_ns)
            if packet is not None:
                number += 1
                length_on_wire, link, t_ns, data = packet
                yield Record(number, t_ns, length_on_wire, link, data)
        elif not _skip(source, length - 8):
            return
        kind_bytes = _take(source, 4)


def _skippable(kind: int, length: int) -> bool:
    """Tell whether a block is too long to hold in memory. Such blocks carry no packets."""
    return length > MOST_BLOCK and kind not in (2, 3, 6)


def _skip(source: Source, size: int) -> bool:
    while size:
        step = len(_take(source, min(size, MOST_BLOCK)))
        if not step:
            return False
        size -= step
    return True


def _interface(body: bytes, order: str) -> list[_Interface]:
    if len(body) < 8:
        return []
    link, _, snaplen = struct.unpack_from(order + "HHI", body)
    options, at = {}, 8
    while at + 4 <= len(body):
        code, size = struct.unpack_from(order + "HH", body, at)
        if code == 0 or at + 4 + size > len(body):
            break
        options[code] = body[at + 4 : at + 4 + size]
        at += 4 + (size + 3 & ~3)
    return [_Interface(link, snaplen, Ticks.from_options(options.get(9), options.get(14), order))]


def _packet(
    kind: int, body: bytes, order: str, interfaces: list[_Interface], before_ns: int
) -> tuple[int, int, int, bytes] | None:
    """Return length on the wire, link type, time and data of an enhanced (6), simple (3) or obsolete (2) block."""
    if len(body) < {6: 20, 3: 4, 2: 20}[kind]:
        return None
    if kind == 3:
        length, at, index = struct.unpack_from(order + "I", body)[0], 4, 0
        snaplen = interfaces[0].snaplen if interfaces else 0
        captured = min(length, len(body) - 4, snaplen or length)
    elif kind == 6:
        index, high, low, captured, length = struct.unpack_from(order + "IIIII", body)
        at = 20
    else:
        index, _, high, low, captured, length = struct.unpack_from(order + "HHIIII", body)
        at = 20
    if captured > min(len(body) - at, MOST_CAPTURED):
        return None
    interface = interfaces[index] if index < len(interfaces) else _Interface(-1, 0, Ticks())
    t_ns = before_ns if kind == 3 else interface.ticks.one_ns(high << 32 | low)
    return length, interface.link, t_ns, body[at : at + captured]
