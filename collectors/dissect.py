"""One packet in full, every field named, for a person who opens it. scapy is imported here, when it is needed."""

import logging
import struct
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from typing import Any, Final

import msgspec

from analysis.roce import mad, opcodes

_BTH: Final = 12
_ICRC: Final = 4
_UD_SEND, _QP1 = 0x64, 1
_MOST_RAW: Final = 64
_MODULES: Final = ("scapy.contrib.roce", "scapy.contrib.mac_control", "scapy.layers.vxlan")
"""Imported for what they add to the layers: which header follows which."""
_RAW_IP: Final = frozenset({12, 14, 101, 228, 229})


class Field(msgspec.Struct, frozen=True):
    """A header field: its name as the protocol has it and its value as text."""

    name: str
    value: str


class Layer(msgspec.Struct, frozen=True):
    """A header, or what is left as bytes."""

    name: str
    fields: tuple[Field, ...]


def dissect(data: bytes, link: int, length: int | None = None) -> tuple[Layer, ...]:
    """Return the layers of a frame; `length` is what it had on the wire. Never raises on what it holds."""
    scapy = _scapy()
    try:
        return tuple(_layers(scapy.first(link, data), cut=length is not None and len(data) < length))
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError, struct.error, scapy.error):
        return (_bytes("Raw", data),)  # scapy stumbles over headers that are cut or nonsense


def _layers(packet: Any, *, cut: bool) -> Iterator[Layer]:  # noqa: ANN401 - scapy has no types
    while packet is not None and packet.name != "NoPayload":
        if packet.name == "BTH":
            yield from _roce(packet, cut=cut)
            return
        if packet.name in ("Raw", "Padding"):
            yield _bytes(packet.name, packet.original or bytes(packet))
        else:
            yield _layer(packet)
        packet = packet.payload


class _Scapy:
    """The parts of scapy that are used; without the host's routes, which take long to read where there are many."""

    def __init__(self) -> None:
        logging.getLogger("scapy").setLevel(logging.CRITICAL)
        from scapy.config import conf

        conf.route_autoload = conf.route6_autoload = False
        for module in _MODULES:
            import_module(module)
        from scapy.error import Scapy_Exception
        from scapy.layers import inet, inet6, l2
        from scapy.packet import Raw

        self.error: type[Exception] = Scapy_Exception
        self._ip = {4: inet.IP, 6: inet6.IPv6}
        self._links = {1: l2.Ether, 113: l2.CookedLinux, 276: l2.CookedLinuxV2}
        self._raw = Raw

    def first(self, link: int, data: bytes) -> Any:  # noqa: ANN401
        """Return the frame as scapy's packet."""
        if link in _RAW_IP and data:
            return self._ip.get(data[0] >> 4, self._raw)(data)
        return self._links.get(link, self._raw)(data)


@cache
def _scapy() -> _Scapy:
    return _Scapy()


def _layer(packet: Any) -> Layer:  # noqa: ANN401
    fields = []
    for field in packet.fields_desc:
        if field.name in packet.fields:
            value = packet.fields[field.name]
            text = value.hex() if isinstance(value, bytes) else str(field.i2repr(packet, value))
            fields.append(Field(field.name, text))
    return Layer(packet.name, tuple(fields))


def _roce(packet: Any, *, cut: bool) -> list[Layer]:  # noqa: ANN401
    """Return BTH, extension headers, payload and ICRC. scapy knows few of the extension headers."""
    data = bytes(packet.original)
    opcode = data[0]
    fields = [Field("opcode", f"0x{opcode:02x} {opcodes.name(opcode)}")]
    fields += [one for one in _layer(packet).fields if one.name not in ("opcode", "icrc")]
    layers = [Layer("BTH", tuple(fields))]
    end = len(data) if cut else len(data) - _ICRC
    at = _BTH
    for name in opcodes.headers(opcode):
        layout = opcodes.HEADERS[name]
        size = sum(width for _, width in layout)
        if at + size > end:
            break
        layers.append(_extension(name, layout, data[at : at + size]))
        at += size
    if opcode == _UD_SEND and int.from_bytes(data[5:8], "big") == _QP1:
        management = list(_management(data[at:end]))
        layers += (layer for layer, _ in management)
        at += sum(size for _, size in management)
    if at < end:
        layers.append(_bytes("Payload", data[at:end]))
    if not cut:
        layers.append(Layer("ICRC", (Field("icrc", f"0x{int.from_bytes(data[end:], 'little'):08x}"),)))
    return layers


def _management(data: bytes) -> Iterator[tuple[Layer, int]]:
    """Yield the headers of a management datagram that are all there, each with its size."""
    if len(data) < mad.SIZE:
        return
    yield _extension("MAD", mad.HEADER, data[: mad.SIZE]), mad.SIZE
    named = mad.MESSAGES.get(int.from_bytes(data[16:18], "big")) if data[1] == mad.CM_CLASS else None
    if named is not None:
        name, layout = named
        size = mad.size(layout)
        if len(data) >= mad.SIZE + size:
            yield _extension(name, layout, data[mad.SIZE : mad.SIZE + size]), size


def _extension(name: str, layout: tuple[tuple[str, int], ...], data: bytes) -> Layer:
    fields, at = [], 0
    for field, width in layout:
        value = int.from_bytes(data[at : at + width], "big")
        at += width
        text = f"0x{value:0{2 * width}x}"
        fields.append(Field(field, f"{text} {_syndrome(value)}" if field == "syndrome" else text))
    return Layer(name, tuple(fields))


def _syndrome(value: int) -> str:
    name = opcodes.syndrome_name(value)
    return f"{name} {opcodes.rnr_timer_ms(value):g} ms" if name == "rnr_nak" else name


def _bytes(name: str, data: bytes) -> Layer:
    more = "…" if len(data) > _MOST_RAW else ""
    return Layer(name, (Field("bytes", str(len(data))), Field("data", data[:_MOST_RAW].hex(" ") + more)))
