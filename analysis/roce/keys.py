"""Small numbers for wide keys: a vectorised cache in front of a dictionary, exact for every key."""

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from analysis.roce.frames import Flags, Ints

Words = NDArray[np.uint64]

_SLOTS: Final = 1 << 16
_MIX: Final = tuple(
    np.uint64(odd) for odd in (0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0xD6E8FEB86659FD93)
)
_SHIFT: Final = np.uint64(48)
_SOME: Final = 64


class KeyTable:
    """Maps keys of `width` 64-bit words to ids that `new` gives out, in order of appearance.

    `many` is the id of all keys that are not told apart any more: they are asked for anew each time, not kept.
    """

    def __init__(self, width: int, new: Callable[[tuple[int, ...]], int], many: int) -> None:
        self._new, self._many = new, many
        self._ids: dict[tuple[int, ...], int] = {}
        self._keys = [np.zeros(_SLOTS, np.uint64) for _ in range(width)]
        self._keys[0][0] = 1
        """An empty slot holds a key that belongs into another: all zeros do not hash to any slot but the first."""
        self._values = np.full(_SLOTS, -1, np.int64)

    def put(self, key: tuple[int, ...], value: int) -> None:
        """Fix the id of a key that has not been looked up yet."""
        self._ids[key] = value

    def get(self, key: tuple[int, ...]) -> int | None:
        """Return the id of a key that was seen, else None."""
        return self._ids.get(key)

    def __len__(self) -> int:
        return len(self._ids)

    def lookup(self, columns: Sequence[Words]) -> Ints:
        """Return the id of each row of `columns`, shape (n,)."""
        slots = self._slots(columns)
        hit = self._hits(columns, slots)
        ids = self._values[slots]
        if not hit.all():
            self._resolve(columns, slots, ids, np.flatnonzero(~hit))
        return ids

    def _hits(self, columns: Sequence[Words], slots: Ints) -> Flags:
        hit: Flags = self._keys[0][slots] == columns[0]
        for kept, column in zip(self._keys[1:], columns[1:], strict=True):
            hit &= kept[slots] == column
        return hit

    def _resolve(self, columns: Sequence[Words], slots: Ints, ids: Ints, missed: Ints) -> None:
        """Fill `ids` where the cache did not know: a few one by one, since most of the rest are the same keys."""
        several = _SOME
        while len(missed):
            some, missed = missed[:several], missed[several:]
            several *= 2
            words = [column[some].tolist() for column in columns]
            for row, slot, key in zip(some.tolist(), slots[some].tolist(), zip(*words, strict=True), strict=True):
                ids[row] = self._remember(slot, key)
            hit = self._hits([column[missed] for column in columns], slots[missed])
            found = missed[hit]
            ids[found] = self._values[slots[found]]
            missed = missed[~hit]

    def _remember(self, slot: int, key: tuple[int, ...]) -> int:
        value = self._ids.get(key)
        if value is None:
            value = self._new(key)
            if value != self._many:
                self._ids[key] = value
        for kept, word in zip(self._keys, key, strict=True):
            kept[slot] = word
        self._values[slot] = value
        return value

    @staticmethod
    def _slots(columns: Sequence[Words]) -> Ints:
        mixed = columns[0] * _MIX[0]
        for column, odd in zip(columns[1:], _MIX[1:], strict=False):
            mixed = (mixed ^ (mixed >> np.uint64(29))) + column * odd
        return (mixed >> _SHIFT).view(np.int64)
