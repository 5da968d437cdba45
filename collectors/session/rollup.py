"""Probes of each series by the minute of their sending: a day at a glance without decoding a day."""

from array import array
from collections.abc import Iterable, Iterator
from math import ceil
from typing import Final

import msgspec

from analysis.buckets import Bucket
from analysis.samples import Outcome, Probes

MINUTE_NS: Final = 60 * 10**9
OPEN_MINUTES: Final = 3
"""A minute is closed when probes of three minutes later have settled: no timeout is that long."""
ROWS_LIMIT: Final = 1_000_000
"""A week of 100 series. A file with more gets no roll-ups beyond: it is not what longpipe writes."""
_INT_MAX: Final = (1 << 31) - 1
_TOLD: Final = (Outcome.LOST, Outcome.UNREACHABLE)


class Row(msgspec.Struct, array_like=True):
    """One minute of one series. `lost` is as told at first: `late` ones among them came back. -1: no answer."""

    series: int
    minute: int
    answered: int = 0
    lost: int = 0
    late: int = 0
    failed: int = 0
    min_us: int = -1
    p50_us: int = -1
    p99_us: int = -1
    max_us: int = -1


WIDTH: Final = len(Row.__struct_fields__)


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


def _row(series: int, number: int, minute: _Minute) -> tuple[int, ...]:
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
        flat = self.flat
        for at in range(0, len(flat), WIDTH):
            yield Row(*flat[at : at + WIDTH])


def columns(parts: Iterable[Iterable[Row]], start_ns: int, end_ns: int, step_ns: int) -> dict[int, list[Bucket]]:
    """Return for each series its columns [k * step, (k + 1) * step) that hold probes sent in [start, end).

    `step_ns` is rounded up to whole minutes. Counts and extremes are exact. Over several minutes p50 is the middle
    one of theirs and p99 the highest of theirs: enough to see where to look.
    """
    step = max(1, -(-step_ns // MINUTE_NS))
    first, after = start_ns // MINUTE_NS, -(-end_ns // MINUTE_NS)
    gathered: dict[int, dict[int, list[Row]]] = {}
    for part in parts:
        for row in part:
            if first <= row.minute < after:
                gathered.setdefault(row.series, {}).setdefault(row.minute // step, []).append(row)
    return {
        series: [_bucket(rows, number * step, step) for number, rows in sorted(by_column.items())]
        for series, by_column in gathered.items()
    }


def _bucket(rows: list[Row], minute: int, minutes: int) -> Bucket:
    answered, late = sum(row.answered for row in rows), sum(row.late for row in rows)
    lost = max(0, sum(row.lost for row in rows) - late)
    heard = sorted((row for row in rows if row.answered), key=lambda row: row.p50_us)
    return Bucket(
        minute * MINUTE_NS,
        minutes * MINUTE_NS,
        sent=answered + late + lost,
        answered=answered,
        late=late,
        lost=lost,
        failed=sum(row.failed for row in rows),
        min_us=min((row.min_us for row in heard), default=None),
        p50_us=heard[len(heard) // 2].p50_us if heard else None,
        p99_us=max((row.p99_us for row in heard), default=None),
        max_us=max((row.max_us for row in heard), default=None),
    )
