"""A day of one series of probes in 90 to 160 KiB: probe by probe at first, then slices of 10 s, then of 60 s.

A probe is in exactly one of the three. What the slices round is stated in `sketch.RELATIVE_ERROR`; counts,
minima and maxima are always exact.
"""

from array import array
from collections import deque
from collections.abc import Iterable, Iterator
from typing import Final

from analysis.buckets import Bucket
from analysis.jitter import Jitter
from analysis.outages import Outage, outages, runs_of_loss
from analysis.probe_log import LONGEST_RTT_US, ProbeLog, Told
from analysis.samples import Outcome
from analysis.slices import SliceLog
from analysis.window import Tally, Window, window_of

SECOND_NS: Final = 10**9
RECENT_NS: Final = 900 * SECOND_NS
"""For this long every probe is kept, and a late reply can take back a loss."""
RECENT_PROBES: Final = 32_768
"""But no more probes than this: five minutes at 100 Hz."""
TENS_NS: Final = 3 * 3600 * SECOND_NS
MINUTES_NS: Final = 24 * 3600 * SECOND_NS
OUTAGES: Final = 1000
"""The last so many stay remembered, however old."""
FAR_NS: Final = 1 << 62
"""No probe is sent later."""
_WARM_UP: Final = 256
"""Probes after which 1 - (15/16)^n of the jitter has forgotten where it started: all but 10^-7."""

_ANSWERED: Final = int(Outcome.ANSWERED)
_FOREIGN: Final = int(Outcome.FOREIGN)
_TELLING: Final = tuple(map(int, (Outcome.ANSWERED, Outcome.LATE, Outcome.LOST, Outcome.UNREACHABLE)))


class SeriesHistory:
    """Probes of one series by time of sending."""

    __slots__ = (
        "_drawn",
        "_horizon_ns",
        "_jitter",
        "_minutes",
        "_others",
        "_outages",
        "_recent",
        "_run",
        "_tens",
        "_told",
        "answered_ns",
        "answered_us",
    )

    def __init__(self) -> None:
        self.answered_ns = array("Q")
        """When the probes were sent that were answered and are not filed yet: many are filed together, when somebody
        asks. Parallel to `answered_us`; all is such that it can be filed, and whoever records adds to both."""
        self.answered_us = array("I")
        self._others: list[tuple[int, Told]] = []
        """Everything else that was told and is not filed yet, and how many of the above were told before it."""
        self._recent = ProbeLog()
        self._tens = SliceLog(10 * SECOND_NS)
        self._minutes = SliceLog(60 * SECOND_NS)
        self._jitter = Jitter()
        self._outages: deque[Outage] = deque(maxlen=OUTAGES)
        self._run: Outage | None = None
        self._horizon_ns = 0
        self._drawn: tuple[int, dict[int, Bucket]] = (0, {})
        self._told: tuple[int, int, Tally] | None = None

    def record(self, sent_ns: int, outcome: Outcome | int, rtt_us: int | None = None) -> None:
        """Add what became of one probe, in order of settling; `rtt_us` counts for ANSWERED only.

        FOREIGN replies settle nothing. Left out is also what was sent before the probes that are still kept one
        by one, and an answer whose time is missing or impossible.
        """
        if outcome == _ANSWERED and rtt_us is not None and 0 <= rtt_us <= LONGEST_RTT_US and 0 <= sent_ns < FAR_NS:
            self.answered_ns.append(sent_ns)
            self.answered_us.append(rtt_us)
        else:
            self._others.append((len(self.answered_ns), (sent_ns, outcome, rtt_us)))

    def settled(self, start_ns: int) -> Iterable[Told]:
        """Yield the probes sent since a time, in order of sending, as far as they are kept one by one."""
        self.file()
        log = self._recent
        first, _ = log.range(start_ns, start_ns)
        return zip(log.sent_ns[first:], log.outcomes[first:], log.rtt_us[first:], strict=True)

    def settled_count(self, start_ns: int, end_ns: int) -> int:
        """Return how many probes `settled` has whose fate tells of the way."""
        self.file()
        first, after = self._recent.range(start_ns, end_ns)
        count = self._recent.outcomes.count
        return sum(count(outcome, first, after) for outcome in _TELLING)

    @property
    def last_rtt_us(self) -> int | None:
        """Round-trip time in µs of the last answered probe, by time of sending."""
        self.file()
        row = self._recent.outcomes.rfind(_ANSWERED)
        return self._recent.rtt_us[row] if row >= 0 else self._jitter.last_rtt_us

    def file(self) -> None:
        """File what is waiting, with the same result as probe by probe: answers together, the few others after."""
        sent_ns, times, others = self.answered_ns, self.answered_us, self._others
        if not sent_ns and not others:
            return
        self._told = None
        told = [one for _, one in others]
        apart = [t for t, _, _ in told]
        ends = (min(sent_ns), max(sent_ns), *apart) if sent_ns else apart
        if sent_ns and self._fits(min(ends), max(ends), len(sent_ns) + len(told)):
            self._recent.extend(sent_ns, times)
        else:
            told = list(self._in_order())
        for one in told:
            self._file_one(*one)
        del sent_ns[:], times[:], others[:]

    def _in_order(self) -> Iterator[Told]:
        """Yield what is not filed yet as it was told."""
        first = 0
        for after, other in (*self._others, (len(self.answered_ns), None)):
            rows = zip(self.answered_ns[first:after], self.answered_us[first:after], strict=True)
            yield from ((sent_ns, _ANSWERED, rtt_us) for sent_ns, rtt_us in rows)
            if other is not None:
                yield other
            first = after

    def _fits(self, first_ns: int, last_ns: int, count: int) -> bool:
        """Tell whether probes are neither too old to be filed, nor so many or new that older ones are rolled up."""
        log = self._recent
        ends = first_ns, last_ns, *log.sent_ns[:1], *log.sent_ns[-1:]
        full = self._full(max(ends) - min(ends), len(log) + count)
        return self._horizon_ns <= first_ns <= last_ns < FAR_NS and not full

    def _file_one(self, sent_ns: int, outcome: int, rtt_us: int | None) -> None:
        if not self._horizon_ns <= sent_ns < FAR_NS or outcome == _FOREIGN:
            return
        if outcome != _ANSWERED:
            self._recent.add(sent_ns, outcome)
        elif rtt_us is not None and 0 <= rtt_us <= LONGEST_RTT_US:
            self._recent.add(sent_ns, outcome, rtt_us)
        sent = self._recent.sent_ns
        if sent and self._full(sent[-1] - sent[0], len(sent)):
            self._roll_up()

    def _full(self, span_ns: int, count: int) -> bool:
        return span_ns > RECENT_NS + self._minutes.step_ns or count > RECENT_PROBES

    def tally(self, start_ns: int, end_ns: int) -> Tally:
        """Return the sum of the probes sent in [start_ns, end_ns), mergeable with other series'; not to be changed.

        Where only slices are left, the span reaches out to their edges. A quarter of an hour at 1 Hz takes about
        100 µs, an hour 2 ms; asked again, nothing.
        """
        self.file()
        if self._told is None or self._told[:2] != (start_ns, end_ns):
            self._told = start_ns, end_ns, self._sum(start_ns, end_ns)
        return self._told[2]

    def _sum(self, start_ns: int, end_ns: int) -> Tally:
        total = Tally()
        for slices in (self._minutes, self._tens):
            for _, tally in slices.overlapping(start_ns, end_ns):
                total.follow(tally)
        first, after = self._recent.range(start_ns, end_ns)
        if first < after:
            recent = self._recent.tally(first, after)
            recent.jitter_us = self._jitter_at(after) if recent.rtts.count else None
            total.follow(recent)
        return total

    def window(self, start_ns: int, end_ns: int, in_flight: int = 0) -> Window:
        """Return `tally` as it is shown."""
        return window_of(self.tally(start_ns, end_ns), start_ns, end_ns, in_flight)

    def buckets(self, start_ns: int, end_ns: int, step_ns: int) -> tuple[Bucket, ...]:
        """Return the columns [k * step, (k + 1) * step) that have a part in [start_ns, end_ns), gaps included.

        Their edges do not depend on the span, so columns stay what they are while it moves. Where slices are
        coarser than `step_ns` every column is a whole number of slices: look at `Bucket.step_ns`.
        """
        self.file()
        step = self._step(start_ns, step_ns)
        first, after = start_ns // step, -(-end_ns // step)
        closed = min(after, max(first, self._horizon_ns // step))
        return (*self._closed(first, closed, step), *self._columns(closed, after, step))

    def _closed(self, first: int, after: int, step: int) -> tuple[Bucket, ...]:
        """Return columns made of slices only, which change no more: those of the last call are not made again."""
        known_step, known = self._drawn
        if known_step != step:
            known = {}
        missing = [k for k in range(first, after) if k not in known]
        if missing:
            made = self._columns(missing[0], missing[-1] + 1, step)
            known = known | dict(enumerate(made, missing[0]))
        found = {k: known[k] for k in range(first, after)}
        self._drawn = step, found
        return tuple(found.values())

    def _columns(self, first: int, after: int, step: int) -> tuple[Bucket, ...]:
        columns: dict[int, Tally] = {}
        for slices in (self._minutes, self._tens):
            for number, tally in slices.overlapping(first * step, after * step):
                columns.setdefault(number * slices.step_ns // step, Tally()).follow(tally)
        begin, end = self._recent.range(first * step, after * step)
        while begin < end:
            column = self._recent.sent_ns[begin] // step
            _, behind = self._recent.range(column * step, (column + 1) * step)
            columns.setdefault(column, Tally()).follow(self._recent.tally(begin, behind))
            begin = behind
        return tuple(_bucket(columns.get(k), k * step, step) for k in range(first, after))

    def outages(self, start_ns: int, end_ns: int) -> tuple[Outage, ...]:
        """Return the outages that touch [start_ns, end_ns), oldest first; the last one may still be open."""
        self.file()
        runs = runs_of_loss(self._recent.sent_ns, self._recent.outcomes, self._run)
        found = (*self._outages, *outages(runs))
        return tuple(o for o in found if o.start_ns < end_ns and (o.end_ns is None or o.end_ns > start_ns))

    def packed_bytes(self) -> int:
        """Return about how much memory this takes, objects' headers left out."""
        self.file()
        recent = self._recent
        probes = sum(column.itemsize * len(column) for column in (recent.sent_ns, recent.rtt_us)) + len(recent)
        return probes + self._tens.packed_bytes() + self._minutes.packed_bytes()

    def _step(self, start_ns: int, step_ns: int) -> int:
        for slices in (self._minutes, self._tens):
            if slices.last is not None and (slices.last + 1) * slices.step_ns > start_ns:
                return -(-step_ns // slices.step_ns) * slices.step_ns
        return step_ns

    def _jitter_at(self, row: int) -> float | None:
        """Return the jitter after the probes before `row`."""
        first = max(0, row - _WARM_UP)
        jitter = Jitter() if first else self._jitter
        return jitter.after(self._recent.answers(first, row)).jitter_us

    def _roll_up(self) -> None:
        """Turn the oldest probes into slices of 10 s, and the oldest of those into minutes."""
        sent, step = self._recent.sent_ns, self._tens.step_ns
        horizon = max(sent[-1] - RECENT_NS, sent[max(0, len(sent) - RECENT_PROBES * 7 // 8)]) // step * step
        rolled = 0
        while (number := sent[rolled] // step) * step < horizon:
            _, after = self._recent.range(sent[rolled], (number + 1) * step)
            tally = self._recent.tally(rolled, after)
            self._jitter = self._jitter.after(self._recent.answers(rolled, after))
            tally.jitter_us = self._jitter.jitter_us if tally.rtts.count else None
            self._tens.append(number, tally)
            rolled = after
        runs = runs_of_loss(sent[:rolled], self._recent.outcomes[:rolled], self._run)
        self._run = runs.pop() if runs and runs[-1].end_ns is None else None
        self._outages.extend(outages(runs))
        self._recent.drop(rolled)
        self._horizon_ns = max(self._horizon_ns, horizon)
        self._condense(horizon)

    def _condense(self, now_ns: int) -> None:
        """Turn ten-second slices that are too old into minutes; let go of minutes that are too old."""
        minute = self._minutes.step_ns
        horizon = (now_ns - TENS_NS) // minute
        first, step = self._tens.first, self._tens.step_ns
        if first is None or first * step >= (horizon - 10) * minute:
            return
        merged: dict[int, Tally] = {}
        for number, tally in self._tens.overlapping(first * step, horizon * minute):
            merged.setdefault(number * step // minute, Tally()).follow(tally)
        for number, tally in merged.items():
            self._minutes.append(number, tally)
        self._tens.drop_before(horizon * minute // step)
        self._minutes.drop_before((now_ns - MINUTES_NS) // minute)


def _bucket(tally: Tally | None, start_ns: int, step_ns: int) -> Bucket:
    if tally is None:
        return Bucket(start_ns, step_ns)
    p50, p99 = tally.rtts.quantiles((0.5, 0.99))
    return Bucket(
        start_ns,
        step_ns,
        sent=tally.rtts.count + tally.late + tally.lost,
        answered=tally.rtts.count,
        late=tally.late,
        lost=tally.lost,
        failed=tally.failed,
        min_us=tally.rtts.min_us,
        p50_us=p50,
        p99_us=p99,
        max_us=tally.rtts.max_us,
    )
