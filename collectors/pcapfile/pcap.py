"""Classic pcap (https://www.ietf.org/archive/id/draft-ietf-opsawg-pcap-05.html), all byte orders and resolutions."""

import struct
from typing import Final

import numpy as np

from analysis.roce.frames import HEAD, Bytes, Flags, Frames, Heads, Ints, field, gather, scattered
from collectors.pcapfile.chain import Chain
from collectors.pcapfile.info import MOST_CAPTURED, Info, bad_length

HEADER: Final = 24
_RECORD: Final = 16
_ROW: Final = _RECORD + HEAD
_MAGICS: Final = {
    b"\xd4\xc3\xb2\xa1": ("<", 1000),
    b"\xa1\xb2\xc3\xd4": (">", 1000),
    b"\x4d\x3c\xb2\xa1": ("<", 1),
    b"\xa1\xb2\x3c\x4d": (">", 1),
}
_FEW: Final = 512
"""A vectorised step that finds fewer records than this was not worth it: go on one by one for a while."""


def is_pcap(head: bytes) -> bool:
    """Tell whether a file that begins like this is a pcap."""
    return head[:4] in _MAGICS


class Pcap:
    """Cuts the bytes of one pcap file into frames. State: byte order, resolution, link type."""

    def __init__(self, header: bytes, info: Info) -> None:
        self.order, self.resolution_ns = _MAGICS[header[:4]]
        self.link = struct.unpack_from(self.order + "I", header, 20)[0] & 0xFFFF
        self._info = info
        info.format = "pcap"
        info.add_link(self.link)
        self.damaged = False
        self._t_last: int | None = None
        self._mask: Flags | None = None
        self._even = True
        """So far all records took an even number of bytes."""

    def cut(self, buffer: Bytes, size: int) -> tuple[Frames | None, int]:
        """Return the whole records in buffer[:size] and how many bytes they take. Damage ends the file."""
        pieces: list[tuple[Ints, Bytes]] = []
        position, scalar = 0, 0
        while True:
            length = self._valid(buffer, position, size)
            if length is None:
                break
            if scalar:
                at = np.array([position])
                pieces.append((at, gather(buffer, at, _ROW)))
                position, scalar = position + length, scalar - 1
                continue
            at, heads, chain = self._chain(buffer, position, size)
            found, after = chain.follow(position)
            pieces += [(at[piece], heads[piece]) for piece in found]
            self._even &= (after - position) % 2 == 0
            position = after
            scalar = _FEW if sum(piece.stop - piece.start for piece in found) < _FEW else 0
        return self._frames(buffer, pieces), position

    def _valid(self, buffer: Bytes, position: int, size: int) -> int | None:
        """Return the length of the record at `position`; None where it is not all there or cannot be one."""
        if position + _RECORD > size:
            return None
        captured: int = struct.unpack_from(self.order + "I", buffer.data, position + 8)[0]
        if captured > MOST_CAPTURED:
            self.damaged = True
            self._info.note(bad_length(self._info.offset + position, captured))
            return None
        return _RECORD + captured if position + _RECORD + captured <= size else None

    def _chain(self, buffer: Bytes, position: int, size: int) -> tuple[Ints, Bytes, Chain]:
        """Return where records could be, their headers and those of their frames, and how they follow each other.

        Candidates: wherever the high half of the seconds (18 hours) is that of the record at `position`.
        """
        high = position + (2 if self.order == "<" else 0)
        if self._even:
            here = self._scan_even(buffer, high, size - _RECORD - position) + position
        else:
            here = self._scan(buffer[high : high + size - _RECORD - position + 1], buffer, high) + position
        heads = gather(buffer, here, _ROW)
        captured = field(heads, 8, self.order + "u4")
        after = here + _RECORD + captured
        sound = (captured <= MOST_CAPTURED) & (after <= size)
        first = int(np.count_nonzero(sound))
        keep = slice(first) if sound[:first].all() else sound  # mostly just the last ones are not all there
        here, heads = here[keep], heads[keep]
        return here, heads, Chain(here, after[keep])

    def _scan_even(self, buffer: Bytes, at: int, last: int) -> Ints:
        """Return the even distances up to `last` from `at` where the two bytes are those at `at`.

        RoCE packets are padded to four bytes and their headers are even, so this finds all of most captures, and
        where it does not, the chain breaks.
        """
        words = np.ndarray((last // 2 + 1,), np.uint16, buffer, at, (2,))
        mask = self._room(buffer)[: -(-len(words) // 32) * 32]
        mask[len(words) :] = False
        np.equal(words, words[0], out=mask[: len(words)])
        return scattered(mask) * 2

    def _room(self, buffer: Bytes) -> Flags:
        if self._mask is None or len(self._mask) < len(buffer):
            self._mask = np.empty(len(buffer), np.bool_)
        return self._mask

    def _scan(self, area: Bytes, buffer: Bytes, at: int) -> Ints:
        """Return where `area` holds the two bytes at `at`. `area` begins at `at`, and one more byte follows it.

        The lower byte first: the higher one is an ASCII letter in these years and all over text.
        """
        lower = int(self.order == ">")
        mask = self._room(buffer)[: len(area)]
        np.equal(buffer[at + lower : at + lower + len(area)], buffer[at + lower], out=mask)
        here = np.flatnonzero(mask)
        found: Ints = here[buffer[here + (at + 1 - lower)] == buffer[at + 1 - lower]]
        return found

    def _frames(self, buffer: Bytes, pieces: list[tuple[Ints, Bytes]]) -> Frames | None:
        if not pieces:
            return None
        at, heads = pieces[0] if len(pieces) == 1 else map(np.concatenate, zip(*pieces, strict=True))
        seconds, fraction, captured, length = (field(heads, i, self.order + "u4") for i in (0, 4, 8, 12))
        first = self._info.packets + 1
        self._info.packets += len(at)
        t_ns = seconds * 1_000_000_000 + fraction * self.resolution_ns
        before, self._t_last = self._t_last, int(t_ns[-1])
        return Frames(buffer, at + _RECORD, captured, length, t_ns, self.link, first, before, Heads(heads, _RECORD))
