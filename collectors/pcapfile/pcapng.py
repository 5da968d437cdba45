"""pcapng (https://www.ietf.org/archive/id/draft-ietf-opsawg-pcapng-03.html): sections, interfaces, any block."""

import struct
from typing import Final

import msgspec
import numpy as np

from analysis.roce.frames import Bytes, Frames, Ints, distinct, field, gather
from analysis.text import N_, say
from collectors.pcapfile.chain import Chain
from collectors.pcapfile.info import MOST_BLOCK, MOST_CAPTURED, Info, bad_length
from collectors.pcapfile.ticks import Ticks

SECTION: Final = b"\x0a\x0d\x0d\x0a"
_SHB, _IDB, _PB, _SPB, _ISB, _EPB = 0x0A0D0D0A, 1, 2, 3, 5, 6
_PACKETS: Final = frozenset({_PB, _SPB, _EPB})
_LEAST: Final = 12
_ORDERS: Final = {b"\x4d\x3c\x2b\x1a": "<", b"\x1a\x2b\x3c\x4d": ">"}
_TSRESOL, _TSOFFSET = 9, 14
_IFDROP, _OSDROP = 5, 7
_MOST_INTERFACES: Final = 65_536


class Interface(msgspec.Struct, frozen=True):
    """An interface description block. `snaplen` 0: no limit."""

    link: int
    snaplen: int
    ticks: Ticks


_UNKNOWN: Final = Interface(-1, 0, Ticks())


class _Odd(msgspec.Struct, frozen=True):
    """A packet from a block other than an enhanced packet block."""

    start: int
    captured: int
    length: int
    interface: int
    high: int
    low: int
    timed: bool = True


class PcapNg:
    """Cuts the bytes of a pcapng file into frames. State: the section's byte order and interfaces."""

    def __init__(self, info: Info) -> None:
        info.format = "pcapng"
        self.damaged = False
        self.skip = 0
        """Bytes of a long block of no interest that are still to come."""
        self._info = info
        self._order = "<"
        self._interfaces: list[Interface] = []
        self._drops: dict[tuple[int, int], int] = {}
        self._section = 0
        self._untimed = False
        self._t_last: int | None = None

    def cut(self, buffer: Bytes, size: int) -> tuple[Frames | None, int]:
        """Return frames from the front of buffer[:size] and the bytes used, up to the end of the section at most."""
        position = 0
        if buffer[:4].tobytes() == SECTION and not self._begin(buffer, size):
            return None, 0
        at, chain = self._chain(buffer, size)
        pieces: list[Ints] = []
        odd: list[_Odd] = []
        while True:
            found, position = chain.follow(position)
            pieces += [at[piece] for piece in found]
            length = self._block(buffer, position, size, odd)
            if length is None:
                break
            position += length
        return self._frames(buffer, pieces, odd), position

    def _begin(self, buffer: Bytes, size: int) -> bool:
        """Start a section; False where its header is not all there or is damaged."""
        if size < 28:
            return False
        order = _ORDERS.get(buffer[8:12].tobytes())
        if order is None:
            self.damaged = True
            self._info.note(
                say(N_("The section at byte {offset} has no valid byte order."), offset=self._info.offset)
            )
            return False
        self._order = order
        self._interfaces = []
        self._section += 1
        return True

    def _chain(self, buffer: Bytes, size: int) -> tuple[Ints, Chain]:
        """Candidates: every 32-bit word that says "enhanced packet block" and has matching lengths at both ends."""
        words = buffer[: size // 4 * 4].view(self._order + "u4")
        at = np.flatnonzero(words[: max(0, len(words) - 7)] == _EPB)
        length = words[at + 1].astype(np.int64)
        sound = (length & 3 == 0) & (length >= 32) & (length <= MOST_BLOCK) & (at * 4 + length <= size)
        at, length = at[sound], length[sound]
        captured = words[at + 5].astype(np.int64)
        sound = (words[at + (length >> 2) - 1] == length) & (captured <= length - 32) & (captured <= MOST_CAPTURED)
        at, length = at[sound] * 4, length[sound]
        return at, Chain(at, at + length)

    def _block(self, buffer: Bytes, position: int, size: int, odd: list[_Odd]) -> int | None:
        """Take in one block that is no sound enhanced packet. None: not all there, a new section, or damage."""
        if position + _LEAST > size:
            return None
        kind, length = struct.unpack_from(self._order + "II", buffer.data, position)
        if kind == _SHB and position:
            return None
        offset = self._info.offset + position
        if length < _LEAST or length & 3 or (kind in _PACKETS and length > MOST_BLOCK):
            self._damage(offset, length)
            return None
        if position + length > size:
            if length > MOST_BLOCK:
                self.skip = position + length - size
                return size - position
            return None
        if struct.unpack_from(self._order + "I", buffer.data, position + length - 4)[0] != length:
            self._damage(offset, length)
            return None
        self._take(kind, buffer[position + 8 : position + length - 4].tobytes(), position + 8, offset, odd)
        return int(length)

    def _damage(self, offset: int, length: int) -> None:
        self.damaged = True
        self._info.note(bad_length(offset, length))

    def _take(self, kind: int, body: bytes, at: int, offset: int, odd: list[_Odd]) -> None:
        if kind == _IDB and len(body) >= 8 and len(self._interfaces) < _MOST_INTERFACES:
            link, _, snaplen = struct.unpack_from(self._order + "HHI", body)
            options = self._options(body[8:])
            ticks = Ticks.from_options(options.get(_TSRESOL), options.get(_TSOFFSET), self._order)
            self._interfaces.append(Interface(link, snaplen, ticks))
            self._info.add_link(link)
        elif kind == _ISB and len(body) >= 12:
            interface = struct.unpack_from(self._order + "I", body)[0]
            self._count_drops(interface, self._options(body[12:]))
        elif kind in _PACKETS:
            packet = self._odd(kind, body, at)
            if packet is None:
                self._info.note(
                    say(
                        N_("The packet block at byte {offset} does not fit its own length; it is left out."),
                        offset=offset,
                    )
                )
            else:
                odd.append(packet)

    def _odd(self, kind: int, body: bytes, at: int) -> _Odd | None:
        """Read a simple or an obsolete packet block."""
        if kind == _SPB and len(body) >= 4:
            length = struct.unpack_from(self._order + "I", body)[0]
            snaplen = self._interface(0).snaplen
            captured = min(length, len(body) - 4, snaplen or length)
            return _Odd(at + 4, captured, length, 0, 0, 0, timed=False) if captured <= MOST_CAPTURED else None
        if kind == _PB and len(body) >= 20:
            interface, _, high, low, captured, length = struct.unpack_from(self._order + "HHIIII", body)
            if captured <= min(len(body) - 20, MOST_CAPTURED):
                return _Odd(at + 20, captured, length, interface, high, low)
        return None

    def _options(self, data: bytes) -> dict[int, bytes]:
        """Return options by code; of one that comes twice, the last."""
        options, at = {}, 0
        while at + 4 <= len(data):
            code, length = struct.unpack_from(self._order + "HH", data, at)
            if code == 0 or at + 4 + length > len(data):
                break
            options[code] = data[at + 4 : at + 4 + length]
            at += 4 + (length + 3 & ~3)
        return options

    def _count_drops(self, interface: int, options: dict[int, bytes]) -> None:
        """Interface statistics are running totals: the last one of each interface counts."""
        told = [options[code] for code in (_IFDROP, _OSDROP) if len(options.get(code, b"")) == 8]
        if told and len(self._drops) < _MOST_INTERFACES:
            totals = (struct.unpack(self._order + "Q", value)[0] for value in told)
            self._drops[self._section, interface] = sum(totals)
            self._info.dropped_by_kernel = sum(self._drops.values())

    def _interface(self, index: int) -> Interface:
        return self._interfaces[index] if index < len(self._interfaces) else _UNKNOWN

    def _frames(self, buffer: Bytes, pieces: list[Ints], odd: list[_Odd]) -> Frames | None:
        if not pieces and not odd:
            return None
        at = np.concatenate([*pieces, np.zeros(0, np.int64)])
        rows = gather(buffer, at, 28)
        interface, high, low, captured, length = (field(rows, i, self._order + "u4") for i in (8, 12, 16, 20, 24))
        start = at + 28
        timed = np.ones(len(at), np.bool_)
        if odd:
            names = ("start", "captured", "length", "interface", "high", "low", "timed")
            extra = [np.array([getattr(packet, name) for packet in odd]) for name in names]
            order = np.argsort(np.concatenate([start, extra[0]]), kind="stable")
            start, captured, length, interface, high, low, timed = (
                np.concatenate([one, two])[order]
                for one, two in zip((start, captured, length, interface, high, low, timed), extra, strict=True)
            )
        ticks = high << 32 | low
        t_ns = self._times(interface, ticks, timed)
        links = {self._interface(i).link for i in distinct(interface).tolist()}
        link: int | Ints = links.pop() if len(links) == 1 else self._links(interface)
        first = self._info.packets + 1
        self._info.packets += len(start)
        before, self._t_last = self._t_last, int(t_ns[-1])
        return Frames(buffer, start, captured, length, t_ns, link, first, before)

    def _links(self, interface: Ints) -> Ints:
        known = np.array([one.link for one in self._interfaces] + [_UNKNOWN.link])
        return known[np.minimum(interface, len(self._interfaces))]

    def _times(self, interface: Ints, ticks: Ints, timed: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> Ints:
        """Return ns since the epoch. A packet without a time of its own gets that of the one before it."""
        t_ns = np.empty(len(ticks), np.int64)
        for one in distinct(interface).tolist():
            rows = np.flatnonzero(interface == one)
            t_ns[rows] = self._interface(one).ticks.to_ns(ticks[rows])
        if not timed.all():
            if not self._untimed:
                self._untimed = True
                self._info.note(
                    say(N_("Some packets carry no time of their own; they get that of the packet before."))
                )
            previous = np.maximum.accumulate(np.where(timed, np.arange(len(t_ns)), -1))
            t_ns = np.where(previous < 0, self._t_last or 0, t_ns[previous])
        return t_ns
