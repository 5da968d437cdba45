"""Probes of each series by the minute of their sending: a day at a glance without decoding a day."""

from array import array
from collections.abc import Iterable, Iterator
from math import ceil
from typing import Final, TypeAlias

from analysis.buckets import Bucket
from analysis.samples import Outcome, Probes

MINUTE_NS: Final = 60 * 10**9
OPEN_MINUTES: Final = 3
"""A minute is closed when probes of three minutes later have settled: no timeout is that long."""
ROWS_LIMIT: Final = 1_000_000
"""A week of 100 series. A file with more gets no roll-ups beyond: it is not what longpipe writes."""
_INT_MAX: Final = (1 << 31) - 1
_TOLD: Final = (Outcome.LOST, Outcome.UNREACHABLE)


Row: TypeAlias = tuple[int, ...]
"""One minute of one series: the numbers that `FIELDS` names."""
FIELDS: Final = ("series", "minute", "answered", "lost", "late", "failed", "min_us", "p50_us", "p99_us", "max_us")
"""`lost` is as told at first: `late` ones among them came back. Times are -1 where nothing was answered."""
WIDTH: Final = len(FIELDS)


_NONE: Final[tuple[tuple[int, ...], ...]] = ((),) * WIDTH


class _Minute:
    """A minute that is still being added to."""

    __slots__ = ("failed", "late", "lost", "rtts")

    def __init__(self) -> None:
        self.rtts = array("i")
        self.lost = self.late = self.failed = 0


class RollupBuilder:
    """Adds batches up, in the order in which they settled."""

    def __init__(self) -> None:
        self._open: dict[tuple[int, int], _Minute] = {}
        self._closed = array("i")
        self._newest = 0

    def add(self, batch: Probes) -> None:
        """Add every probe of a batch."""
        t, minutes = batch.t, self._open
        for series, age_us, outcome, rtt_us in zip(
            batch.series, batch.age_us, batch.outcome, batch.rtt_us, strict=True
        ):
            key = series, (t - age_us * 1000) // MINUTE_NS
            minute = minutes.get(key)
            if minute is None:
                minute = minutes[key] = _Minute()
            if outcome == Outcome.ANSWERED:
                if rtt_us is not None and 0 <= rtt_us <= _INT_MAX:
                    minute.rtts.append(rtt_us)
            elif outcome in _TOLD:
                minute.lost += 1
            elif outcome == Outcome.LATE:
                minute.late += 1
            elif outcome == Outcome.FAILED:
                minute.failed += 1
        if (now := t // MINUTE_NS) > self._newest:
            self._newest = now
            self._close(now - OPEN_MINUTES)

    def finish(self) -> "Rollups":
        """Return everything added so far."""
        self._close(_INT_MAX)
        return Rollups(self._closed)

    def _close(self, before: int) -> None:
        """Turn minutes before `before` into rows."""
        for key in sorted(key for key in self._open if key[1] < before):
            row = _row(*key, self._open.pop(key))
            if len(self._closed) < ROWS_LIMIT * WIDTH and min(row) > -_INT_MAX and max(row) <= _INT_MAX:
                self._closed.extend(row)


def _row(series: int, number: int, minute: _Minute) -> Row:
    rtts = sorted(minute.rtts)
    counts = series, number, len(rtts), minute.lost, minute.late, minute.failed
    if not rtts:
        return (*counts, -1, -1, -1, -1)
    return (*counts, rtts[0], _nearest_rank(rtts, 0.5), _nearest_rank(rtts, 0.99), rtts[-1])


def _nearest_rank(values: list[int], q: float) -> int:
    return values[max(1, ceil(q * len(values))) - 1]


class Rollups:
    """Rows of many minutes and series, as one flat array that is cheap to keep and to store."""

    def __init__(self, flat: "array[int]") -> None:
        self.flat = flat

    def __iter__(self) -> Iterator[Row]:
        numbers = iter(self.flat.tolist())
        return zip(*(numbers,) * WIDTH, strict=True)


def columns(parts: Iterable[Iterable[Row]], start_ns: int, end_ns: int, step_ns: int) -> dict[int, list[Bucket]]:
    """Return for each series its columns [k * step, (k + 1) * step) that hold probes sent in [start, end).

    `step_ns` is rounded up to whole minutes. Counts and extremes are exact. Over several minutes p50 is the middle
    one of theirs and p99 the highest of theirs: enough to see where to look.
    """
    step = max(1, -(-step_ns // MINUTE_NS))
    first, after = start_ns // MINUTE_NS, -(-end_ns // MINUTE_NS)
    gathered: dict[tuple[int, int], list[Row]] = {}
    for part in parts:
        for row in part:
            if first <= row[1] < after:
                gathered.setdefault((row[0], row[1] // step), []).append(row)
    found: dict[int, list[Bucket]] = {}
    for (series, number), rows in sorted(gathered.items()):
        found.setdefault(series, []).append(_bucket(rows, number * step, step))
    return found


def _bucket(rows: list[Row], minute: int, minutes: int) -> Bucket:
    _, _, answers, told, lates, failures, *_ = zip(*rows, strict=True)
    answered, late = sum(answers), sum(lates)
    lost = max(0, sum(told) - late)
    _, _, _, _, _, _, lows, middles, highs, tops = (
        zip(*(row for row in rows if row[2]), strict=True) if answered else _NONE
    )
    return Bucket(
        minute * MINUTE_NS,
        minutes * MINUTE_NS,
        sent=answered + late + lost,
        answered=answered,
        late=late,
        lost=lost,
        failed=sum(failures),
        min_us=min(lows, default=None),
        p50_us=sorted(middles)[len(middles) // 2] if middles else None,
        p99_us=max(highs, default=None),
        max_us=max(tops, default=None),
    )
