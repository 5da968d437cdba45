"""The capture reader: bounded chunks of bytes in, columns of frames out."""

from collections.abc import Iterator
from typing import Final

import numpy as np

from analysis.roce.frames import GUARD, Frames
from collectors.pcapfile.info import Info, cut_short, empty, not_a_capture
from collectors.pcapfile.pcap import HEADER, Pcap, is_pcap
from collectors.pcapfile.pcapng import SECTION, PcapNg
from collectors.pcapfile.source import Source

CHUNK: Final = 4 << 20
"""Bytes held at a time: small enough for a cache, far more than the longest record."""


class Reader:
    """Iterates over a capture. The frames it gives are valid until the next are asked for: they share one buffer.

    It can be iterated again after the end, to go on with what a growing file got meanwhile; `finish` says that
    nothing more will come. Nothing that a file holds makes it raise: problems are in `info`.
    """

    def __init__(self, source: Source, chunk: int = CHUNK, *, wait_for_all: bool = True) -> None:
        self.info = Info()
        self.bytes_read = 0
        self._source = source
        self._buffer = np.zeros(chunk + GUARD, np.uint8)
        self._view = self._buffer.data[:chunk]
        self._have = 0
        self._cutter: Pcap | PcapNg | None = None
        self._wait_for_all = wait_for_all

    @property
    def size(self) -> float:
        """Return the bytes of the file, see `Source.size`."""
        return self._source.size

    @property
    def consumed(self) -> int:
        """Return the bytes taken from the file, before decompression."""
        return self._source.consumed

    def __iter__(self) -> Iterator[Frames]:
        """Yield frames until the source has no more for now, or the capture is damaged."""
        while not self._hopeless and self._fill():
            yield from self._cut()

    def finish(self) -> Info:
        """Judge what is left over at the end of the file."""
        info = self.info
        if self._source.problem is not None:
            info.note(self._source.problem)
            info.truncated = True
        elif self._cutter is None:
            info.note(not_a_capture() if self._have else empty())
        elif self._damaged or self._have or getattr(self._cutter, "skip", 0):
            info.truncated = True
            if not self._damaged:
                info.note(cut_short(info.offset))
        return info

    @property
    def _hopeless(self) -> bool:
        """Nothing that may still come can be read."""
        return self._damaged if self._cutter is not None else self._have >= HEADER

    @property
    def _damaged(self) -> bool:
        return self._cutter is not None and self._cutter.damaged

    def _fill(self) -> bool:
        if self._have == len(self._view):
            self._grow()
        got = self._source.fill(self._view[self._have :], all_of_it=self._wait_for_all)
        self._have += got
        self.bytes_read += got
        return got > 0

    def _grow(self) -> None:
        """Make room for a record longer than the buffer; how long records can be is limited."""
        buffer = np.zeros(2 * len(self._view) + GUARD, np.uint8)
        buffer[: self._have] = self._buffer[: self._have]
        self._buffer = buffer
        self._view = buffer.data[:-GUARD]

    def _cut(self) -> Iterator[Frames]:
        if self._cutter is None and not self._begin():
            return
        while self._have and self._cutter is not None:
            self._skip()
            frames, used = self._cutter.cut(self._buffer, self._have)
            if frames is not None:
                yield frames
            self._drop(used)
            if not used or self._damaged:
                break

    def _begin(self) -> bool:
        """Choose the format by its magic number, once enough bytes are there."""
        head = self._buffer[: min(self._have, HEADER)].tobytes()
        if head[:4] == SECTION:
            self._cutter = PcapNg(self.info)
        elif is_pcap(head) and len(head) == HEADER:
            self._cutter = Pcap(head, self.info)
            self._drop(HEADER)
        return self._cutter is not None

    def _skip(self) -> None:
        if isinstance(self._cutter, PcapNg) and self._cutter.skip:
            step = min(self._cutter.skip, self._have)
            self._cutter.skip -= step
            self._drop(step)

    def _drop(self, used: int) -> None:
        """Move what is left to the front of the buffer."""
        self._have -= used
        self.info.offset += used
        if used:
            self._buffer[: self._have] = self._buffer[used : used + self._have].copy()
