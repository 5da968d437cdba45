"""Tallies of equal slices of time, packed one behind the other, oldest first; empty slices take no room."""

from array import array
from bisect import bisect_left
from collections.abc import Iterator

from analysis.window import Tally


class SliceLog:
    """Slices of `step_ns`; number k covers [k * step_ns, (k + 1) * step_ns)."""

    __slots__ = ("_blob", "_dropped", "_ends", "_numbers", "step_ns")

    def __init__(self, step_ns: int) -> None:
        self.step_ns = step_ns
        self._numbers = array("q")
        self._ends = array("q")
        self._blob = bytearray()
        self._dropped = 0

    def __len__(self) -> int:
        return len(self._numbers)

    def packed_bytes(self) -> int:
        """Return how much memory the slices take."""
        return len(self._blob) + 16 * len(self._numbers)

    @property
    def first(self) -> int | None:
        """Number of the oldest slice, None while empty."""
        return self._numbers[0] if self._numbers else None

    @property
    def last(self) -> int | None:
        """Number of the newest slice, None while empty."""
        return self._numbers[-1] if self._numbers else None

    def append(self, number: int, tally: Tally) -> None:
        """Add the slice `number`, later than every other. Raises ValueError where it is not."""
        if self._numbers and number <= self._numbers[-1]:
            raise ValueError("slices are added in order of time")
        self._blob += tally.encode()
        self._numbers.append(number)
        self._ends.append(self._dropped + len(self._blob))

    def overlapping(self, start_ns: int, end_ns: int) -> Iterator[tuple[int, Tally]]:
        """Yield number and tally of each slice that has a part in [start_ns, end_ns), oldest first."""
        row = bisect_left(self._numbers, start_ns // self.step_ns)
        after = bisect_left(self._numbers, -(-end_ns // self.step_ns), row)
        begin = self._ends[row - 1] - self._dropped if row else 0
        for number, absolute in zip(self._numbers[row:after], self._ends[row:after], strict=True):
            end = absolute - self._dropped
            yield number, Tally.decode(bytes(self._blob[begin:end]))
            begin = end

    def drop_before(self, number: int) -> None:
        """Forget the slices before `number`."""
        rows = bisect_left(self._numbers, number)
        if rows:
            begin = self._ends[rows - 1]
            del self._blob[: begin - self._dropped]
            del self._numbers[:rows]
            del self._ends[:rows]
            self._dropped = begin
