"""Which PSNs of a flow were seen, when they did not come in order. Everything is in unwrapped PSNs."""

from bisect import bisect_right
from typing import Final

MOST_HOLES: Final = 4096
MOST_INNER: Final = 1 << 10
"""A QP never has more than 255 READs under way (Initiator Depth, IBTA Vol 1 §12.6.5), so none from before these
comes again."""


class Intervals:
    """A sorted set of half-open intervals that do not touch what is added."""

    def __init__(self) -> None:
        self.begins: list[int] = []
        self.ends: list[int] = []

    @property
    def total(self) -> int:
        """Return how many numbers the intervals hold."""
        return sum(self.ends) - sum(self.begins)

    def __contains__(self, number: int) -> bool:
        i = bisect_right(self.begins, number) - 1
        return i >= 0 and number < self.ends[i]

    def meets(self, begin: int, end: int) -> bool:
        """Tell whether any number of [begin, end) is in the set."""
        i = bisect_right(self.begins, begin)
        return (i > 0 and begin < self.ends[i - 1]) or (i < len(self.begins) and self.begins[i] < end)

    def add(self, begin: int, end: int) -> None:
        """Add an interval that overlaps none of the others; nothing where it is empty."""
        if begin < end:
            i = bisect_right(self.begins, begin)
            self.begins.insert(i, begin)
            self.ends.insert(i, end)

    def remove(self, begin: int, end: int) -> list[tuple[int, int]]:
        """Take out [begin, end); return what of it was in the set."""
        taken = []
        i = max(bisect_right(self.begins, begin) - 1, 0)
        while i < len(self.begins) and self.begins[i] < end:
            low, high = self.begins[i], self.ends[i]
            if high <= begin:
                i += 1
                continue
            taken.append((max(low, begin), min(high, end)))
            pieces = [(a, b) for a, b in ((low, begin), (end, high)) if a < b]
            self.begins[i : i + 1] = [a for a, _ in pieces]
            self.ends[i : i + 1] = [b for _, b in pieces]
            i += len(pieces)
        return taken

    def extend(self, begins: list[int], ends: list[int]) -> None:
        """Add intervals that lie above all others, in order."""
        self.begins += begins
        self.ends += ends

    def keep(self, most: int) -> int:
        """Forget the lowest intervals but for so many; return how many numbers they held."""
        over = len(self.begins) - most
        if over <= 0:
            return 0
        lost = sum(self.ends[:over]) - sum(self.begins[:over])
        del self.begins[:over], self.ends[:over]
        return lost


class Coverage:
    """The PSNs between `low` and `head` that no packet carried, and those that only a READ request spoke for.

    A READ request covers the PSNs of its responses (IBTA Vol 1 §9.4.4) but only its own PSN counts as seen again
    when it returns: a READ issued anew from the middle of its range is not a repeat.
    Bounded: the oldest of too many holes is taken to stay open, the oldest spans are forgotten.
    """

    def __init__(self, low: int, head: int) -> None:
        self.low, self.head = low, head
        self.filled = 0
        """PSNs that came late."""
        self._holes, self._inner = Intervals(), Intervals()
        self._given_up = 0

    @property
    def missing(self) -> int:
        """PSNs never seen."""
        return self._given_up + self._holes.total

    @property
    def simple(self) -> bool:
        """Every PSN up to the head came as a packet of its own: every step back is a repeat."""
        return not (self._holes.begins or self._inner.begins)

    def ahead(self, at: int, span: int, expected: int) -> None:
        """Take a packet at or after the `expected` PSN; all before that were seen or are known to be missing."""
        head = max(self.head, expected)
        if at > head:
            self._holes.add(head, at)
            self._given_up += self._holes.keep(MOST_HOLES)
        if span > 1 or at < head:
            self._cover(at, [(max(at, head), at + span)])
        self.head = max(head, at + span)

    def reads(self, at: list[int], ends: list[int]) -> None:
        """Take READ requests of several PSNs each, in order, that come at or after the expected PSN without a gap."""
        if at:
            self._inner.extend([one + 1 for one in at], ends)
            self._inner.keep(MOST_INNER)
            self.head = ends[-1]

    def seen(self, at: int, end: int, expected: int) -> bool:
        """Tell whether every PSN from `at` to before `end` surely came as a packet of its own."""
        below_head = self.low <= at and end <= max(self.head, expected)
        return below_head and not (self._inner.begins or self._holes.meets(at, end))

    def behind(self, at: int, span: int, expected: int) -> bool:
        """Take a packet before the `expected` PSN. Return whether its PSN was seen before."""
        self.head = max(self.head, expected)
        seen = at >= self.low and at not in self._holes and at not in self._inner
        fresh = self._holes.remove(at, at + span)
        self.filled += sum(end - begin for begin, end in fresh)
        if at < self.low:
            self._holes.add(at + span, self.low)
            fresh.append((at, min(at + span, self.low)))
            self.low = at
        if at + span > self.head:
            fresh.append((max(at, self.head), at + span))
            self.head = at + span
        self._cover(at, fresh)
        return seen

    def _cover(self, at: int, fresh: list[tuple[int, int]]) -> None:
        for begin, end in fresh:
            self._inner.add(begin + (begin == at), end)
        self._inner.remove(at, at + 1)
        self._inner.keep(MOST_INNER)
