"""Timestamps of pcapng interfaces in nanoseconds."""

import msgspec
import numpy as np

from analysis.roce.frames import Ints

_SECOND = 1_000_000_000


class Ticks(msgspec.Struct, frozen=True):
    """An interface's clock: if_tsresol and if_tsoffset. Results are whole nanoseconds, rounded down, modulo 2^64."""

    binary: bool = False
    """Ticks are 2^-exponent seconds, else 10^-exponent."""
    exponent: int = 6
    offset_s: int = 0

    @classmethod
    def from_options(cls, resolution: bytes | None, offset: bytes | None, order: str) -> "Ticks":
        """Read the options as they stand in the interface description block."""
        value = resolution[0] if resolution else 6
        byte_order = "<q" if order == "<" else ">q"
        seconds = int(np.frombuffer(offset, byte_order)[0]) if offset and len(offset) == 8 else 0
        return cls(value & 0x80 != 0, value & 0x7F, seconds)

    def one_ns(self, ticks: int) -> int:
        """Convert one unsigned 64-bit count of ticks."""
        scale = 1 << self.exponent if self.binary else 10**self.exponent
        nanoseconds = ticks * _SECOND // scale + self.offset_s * _SECOND
        return (nanoseconds + (1 << 63)) % (1 << 64) - (1 << 63)

    def to_ns(self, ticks: Ints) -> Ints:
        """Convert counts of ticks (unsigned 64-bit, held in int64)."""
        offset = np.int64((self.offset_s * _SECOND + (1 << 63)) % (1 << 64) - (1 << 63))
        if not self.binary and self.exponent <= 9:
            return ticks * np.int64(10 ** (9 - self.exponent)) + offset
        if self.binary and self.exponent <= 32:
            unsigned = ticks.view(np.uint64)
            shift = np.uint64(self.exponent)
            part = (unsigned & np.uint64((1 << self.exponent) - 1)) * np.uint64(_SECOND) >> shift
            return ((unsigned >> shift) * np.uint64(_SECOND) + part).view(np.int64) + offset
        return np.array([self.one_ns(one) for one in ticks.view(np.uint64).tolist()], np.int64)
