"""A mergeable summary of many round-trip times: quantiles with a stated error in bounded memory.

Up to `EXACT` values are kept as they are and quantiles are exact. Beyond that, values fall into buckets whose
width grows with the value: each power of two is cut into 128 equal parts. Such log-linear buckets (compare
Masson et al., DDSketch, VLDB 2019) need no floating point, so every machine files a value the same way.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from math import ceil
from typing import Final

from analysis.packing import pack, unpack

_BITS: Final = 7
_PARTS: Final = 1 << _BITS
RELATIVE_ERROR: Final = 1 / (2 * _PARTS)
"""A quantile differs from the exact one (nearest rank) by at most this share, 0.4 %; below 256 µs not at all."""
EXACT: Final = 1024
"""Up to this many values nothing is rounded, unless the sketch came out of `decode`."""
MAX_US: Final = (1 << 36) - 1
"""Values above (19 hours) fall into one last bucket; the maximum stays exact. So there are at most 3840 buckets."""


class Sketch:
    """A multiset of times in whole microseconds. Merging is associative and commutative."""

    __slots__ = ("_buckets", "_values", "count", "max_us", "min_us")

    def __init__(self, values: Iterable[int] = ()) -> None:
        self._values: list[int] = []
        self._buckets: dict[int, int] = {}
        self.count = 0
        self.min_us: int | None = None
        """The smallest value, exact."""
        self.max_us: int | None = None
        """The largest value, exact."""
        self.extend(values)

    def extend(self, values: Iterable[int]) -> None:
        """Add values, each >= 0 µs."""
        new = list(values)
        if new:
            self._values += new
            self._grow(len(new), min(new), max(new))

    def merge(self, other: "Sketch") -> None:
        """Add everything that `other` holds."""
        if other.min_us is None or other.max_us is None:
            return
        self._values += other._values
        buckets = self._buckets
        for key, count in other._buckets.items():
            buckets[key] = buckets.get(key, 0) + count
        self._grow(other.count, other.min_us, other.max_us)

    def quantile(self, q: float) -> int | None:
        """Return the value at nearest rank ceil(q * n), in µs, within `RELATIVE_ERROR`; None while empty."""
        return self.quantiles((q,))[0]

    def quantiles(self, qs: Sequence[float]) -> tuple[int | None, ...]:
        """Return the values at several ranks; cheaper than asking one by one."""
        if self.min_us is None or self.max_us is None:
            return (None,) * len(qs)
        ranks = [max(1, ceil(q * self.count)) for q in qs]
        if not self._buckets:
            values = sorted(self._values)
            return tuple(values[rank - 1] for rank in ranks)
        found = _at_ranks(sorted(self._filed().items()), ranks)
        low, high, last = self.min_us, self.max_us, self.count
        return tuple(
            low if rank == 1 else high if rank >= last else min(max(value, low), high)
            for rank, value in zip(ranks, found, strict=True)
        )

    def mean_us(self) -> float | None:
        """Return the mean in µs, within `RELATIVE_ERROR`; None while empty."""
        if not self.count:
            return None
        if not self._buckets:
            return sum(self._values) / self.count
        return sum(middle_of(key) * count for key, count in self._filed().items()) / self.count

    def encode(self) -> bytes:
        """Return a compact form. What comes back from `decode` has the buckets' error, whatever the count."""
        return pack(self.numbers())

    @classmethod
    def decode(cls, data: bytes) -> "Sketch":
        """Return the sketch that `encode` wrote. Raises ValueError where it could not have."""
        return cls.from_numbers(unpack(data))

    def numbers(self) -> list[int]:
        """Return `encode`'s whole numbers: min, max - min, then steps between buckets with their counts.

        One number holds a step and a count up to 7 (`step << 3 | count`); a count of 0 says the real one follows.
        """
        if self.min_us is None or self.max_us is None:
            return []
        out = [self.min_us, self.max_us - self.min_us]
        if self.count <= 2:
            return [*out, self.count]
        previous = bucket_of(self.min_us)
        for key, count in sorted(self._filed().items()):
            step = key - previous
            out += (step << 3 | count,) if count < 8 else (step << 3, count)
            previous = key
        return out

    @classmethod
    def from_numbers(cls, numbers: Sequence[int]) -> "Sketch":
        """Return the sketch of `numbers()`. Raises ValueError where no sketch gives these."""
        sketch = cls()
        if not numbers:
            return sketch
        if len(numbers) < 3:
            raise ValueError("a sketch needs its extremes and at least one value")
        low, high = numbers[0], numbers[0] + numbers[1]
        if len(numbers) == 3 and numbers[2] <= 2:
            if not numbers[2] or (numbers[2] == 1 and numbers[1]):
                raise ValueError("a sketch of one value has one extreme")
            sketch.extend((low, high)[: numbers[2]])
            return sketch
        buckets, total = _buckets_of(numbers, bucket_of(low))
        if min(buckets) != bucket_of(low) or max(buckets) != bucket_of(high):
            raise ValueError("a sketch's outermost buckets hold its extremes")
        sketch._buckets = buckets
        sketch._grow(total, low, high)
        return sketch

    def __eq__(self, other: object) -> bool:
        """Tell whether two sketches hold the same, as far as both still know."""
        if not isinstance(other, Sketch):
            return NotImplemented
        mine, theirs = (self.count, self.min_us, self.max_us), (other.count, other.min_us, other.max_us)
        return mine == theirs and self._filed() == other._filed()

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"Sketch(n={self.count}, min={self.min_us}, max={self.max_us})"

    def _grow(self, count: int, low: int, high: int) -> None:
        self.count += count
        self.min_us = low if self.min_us is None else min(self.min_us, low)
        self.max_us = high if self.max_us is None else max(self.max_us, high)
        if self._values and len(self._values) > EXACT:
            self._buckets = self._filed()
            self._values = []

    def _filed(self) -> dict[int, int]:
        """Return the buckets as if every value had been filed."""
        if not self._values:
            return self._buckets
        filed = Counter(self._buckets)
        filed.update(buckets_of(self._values))
        return filed


def bucket_of(value: int) -> int:
    """Return the number of the bucket that `value` falls into; monotone."""
    shift = value.bit_length() - _BITS - 1
    if shift <= 0:
        return value
    if value > MAX_US:
        return bucket_of(MAX_US)
    return (shift << _BITS) + (value >> shift)


def buckets_of(values: Sequence[int]) -> list[int]:
    """Return the buckets of many values, in a third of the time."""
    if not values or max(values) > MAX_US:
        return [bucket_of(value) for value in values]
    bits, exact = _BITS, _BITS + 1
    return [
        value if (shift := value.bit_length() - exact) <= 0 else (shift << bits) + (value >> shift)
        for value in values
    ]


_LAST: Final = bucket_of(MAX_US)


def middle_of(key: int) -> int:
    """Return the value that stands for bucket `key`: its middle, at most half a width from anything in it."""
    shift = (key >> _BITS) - 1
    if shift <= 0:
        return key
    return (((key & _PARTS - 1) + _PARTS) << shift) + (1 << shift - 1)


def _at_ranks(buckets: list[tuple[int, int]], ranks: list[int]) -> list[int]:
    """Return the middles of the buckets that hold each rank; `buckets` in order of their keys."""
    found = [0] * len(ranks)
    waiting = sorted(range(len(ranks)), key=ranks.__getitem__, reverse=True)
    seen = 0
    for key, count in buckets:
        seen += count
        while waiting and ranks[waiting[-1]] <= seen:
            found[waiting.pop()] = middle_of(key)
    return found


def _buckets_of(numbers: Sequence[int], first: int) -> tuple[dict[int, int], int]:
    """Return buckets and their total from the steps in `numbers`, which start at bucket `first`."""
    buckets: dict[int, int] = {}
    key, total, position = first, 0, 2
    while position < len(numbers):
        step, count = numbers[position] >> 3, numbers[position] & 7
        position += 1
        if not count:
            if position == len(numbers):
                raise ValueError("a sketch ends before a count")
            count = numbers[position]
            position += 1
        key += step
        if not count or key in buckets or key > _LAST:
            raise ValueError("a sketch's buckets come once each, in order, none of them empty")
        buckets[key] = count
        total += count
    return buckets, total
