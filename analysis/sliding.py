"""The last minutes of several series as one, kept up to date: what is judged every few seconds has to be cheap."""

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate
from typing import Final, cast

from analysis.probe_log import LONGEST_RTT_US, Told
from analysis.samples import Outcome, Probes
from analysis.sketch import MAX_US, bucket_of, buckets_of, middle_of
from analysis.window import Window

SLOT_NS: Final = 5 * 10**9
"""What leaves the window leaves it by this much at a time."""

_LOST: Final = bucket_of(MAX_US) + 1
_LATE: Final = _LOST + 1
_CODES: Final = _LATE + 1
"""A settled probe is one number: the bucket of its time (`sketch.bucket_of`), or one of the two above."""
_STRETCH: Final = 128
"""So many buckets are counted together where the median is looked for; they are an octave."""
_CODE_OF: Final = {int(Outcome.LOST): _LOST, int(Outcome.UNREACHABLE): _LOST, int(Outcome.LATE): _LATE}


class Pool:
    """Counts and round-trip times of some series over the last `span_ns`, to the slot.

    Times are within `sketch.RELATIVE_ERROR`. An answer counts from when it came, a loss from when its probe was
    sent; LATE takes back a loss that was told before.
    """

    def __init__(self, span_ns: int, members: Mapping[int, int], settled: Iterable[Told], now_ns: int) -> None:
        """Begin with `settled`, what is known already of the `members` at `now_ns`."""
        self.members = members
        """The series that count, each with the time in ns of its beginning."""
        self._series = frozenset(members)
        self._keep = span_ns // SLOT_NS
        self._first = now_ns // SLOT_NS - self._keep
        self._counts = [0] * _CODES
        self._slots: dict[int, list[int]] = {}
        for sent_ns, outcome, rtt_us in settled:
            if outcome == Outcome.LATE:
                self._count(sent_ns, (_LOST,))
            code = _CODE_OF.get(outcome) if outcome else bucket_of(rtt_us or 0)
            if code is not None:
                self._count(sent_ns, (code,))

    def add(self, batches: Iterable[Probes], now_ns: int) -> None:
        """Take what has settled since, and let go of what has left the window at `now_ns`."""
        self._first = now_ns // SLOT_NS - self._keep
        for number in [number for number in self._slots if number < self._first]:
            for code in self._slots.pop(number):
                self._counts[code] -= 1
        for batch in batches:
            rtts: Sequence[int | None] = batch.rtt_us
            lossy = any(batch.outcome)
            if lossy or not self._series.issuperset(batch.series):
                rows = zip(batch.series, batch.outcome, batch.rtt_us, strict=True)
                rtts = [rtt_us for series, outcome, rtt_us in rows if not outcome and series in self._series]
            self._count(batch.t, buckets_of(_possible(rtts)))
            if lossy:
                self._add_losses(batch)

    def window(self, start_ns: int, end_ns: int) -> Window:
        """Return counts and the median, which is all that is judged."""
        counts, late = self._counts, self._counts[_LATE]
        seen = list(accumulate(sum(counts[first : first + _STRETCH]) for first in range(0, _LOST, _STRETCH)))
        return Window(
            start_ns,
            end_ns,
            answered=seen[-1],
            late=late,
            lost=max(0, counts[_LOST] - late),
            p50_us=self._middle(seen) if seen[-1] else None,
        )

    def _middle(self, seen: list[int]) -> int:
        """Return the median; `seen`: answers up to the end of each stretch of buckets."""
        wanted = (seen[-1] + 1) // 2
        stretch = bisect_left(seen, wanted)
        before, first = seen[stretch - 1] if stretch else 0, stretch * _STRETCH
        within = list(accumulate(self._counts[first : first + _STRETCH]))
        return middle_of(first + bisect_left(within, wanted - before))

    def _add_losses(self, batch: Probes) -> None:
        rows = zip(batch.series, batch.age_us, batch.outcome, strict=True)
        for series, age_us, outcome in [row for row in rows if row[2]]:
            if outcome in _CODE_OF and series in self._series:
                self._count(batch.t - age_us * 1000, (_CODE_OF[outcome],))

    def _count(self, t: int, codes: Iterable[int]) -> None:
        number = t // SLOT_NS
        if number < self._first:
            return
        counts = self._counts
        for code in codes:
            counts[code] += 1
        self._slots.setdefault(number, []).extend(codes)


def _possible(rtts_us: Sequence[int | None]) -> Sequence[int]:
    """Leave out times that are missing or impossible."""
    known = rtts_us if None not in rtts_us else [rtt_us for rtt_us in rtts_us if rtt_us is not None]
    times = cast("Sequence[int]", known)
    if 0 <= min(times, default=0) <= max(times, default=0) <= LONGEST_RTT_US:
        return times
    return [rtt_us for rtt_us in times if 0 <= rtt_us <= LONGEST_RTT_US]
