"""The last minutes of several series as one, kept up to date: what is judged every few seconds has to be cheap."""

from bisect import bisect_left
from collections.abc import Iterable, Mapping
from itertools import accumulate
from typing import Final

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
        members = self.members
        for batch in batches:
            lossy = any(batch.outcome)
            if lossy or not members.keys() >= set(batch.series):
                rows = zip(batch.series, batch.outcome, batch.rtt_us, strict=True)
                rtts = [rtt_us for series, outcome, rtt_us in rows if not outcome and series in members]
            else:
                rtts = list(batch.rtt_us)
            self._count(batch.t, buckets_of(_possible(rtts)))
            if lossy:
                self._add_losses(batch)

    def window(self, start_ns: int, end_ns: int) -> Window:
        """Return counts and the median, which is all that is judged."""
        seen = list(accumulate(self._counts[:_LOST]))
        answered, late = seen[-1], self._counts[_LATE]
        return Window(
            start_ns,
            end_ns,
            answered=answered,
            late=late,
            lost=max(0, self._counts[_LOST] - late),
            p50_us=middle_of(bisect_left(seen, (answered + 1) // 2)) if answered else None,
        )

    def _add_losses(self, batch: Probes) -> None:
        for series, age_us, outcome in zip(batch.series, batch.age_us, batch.outcome, strict=True):
            if outcome in _CODE_OF and series in self.members:
                self._count(batch.t - age_us * 1000, (_CODE_OF[outcome],))

    def _count(self, t: int, codes: Iterable[int]) -> None:
        number = t // SLOT_NS
        if number < self._first:
            return
        counts = self._counts
        for code in codes:
            counts[code] += 1
        self._slots.setdefault(number, []).extend(codes)


def _possible(rtts_us: list[int | None]) -> list[int]:
    """Leave out times that are missing or impossible."""
    return [rtt_us for rtt_us in rtts_us if rtt_us is not None and 0 <= rtt_us <= LONGEST_RTT_US]
