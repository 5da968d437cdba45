"""Runs the prober inside a namespace until something has been seen, and tells what became of each probe."""

import asyncio
import contextlib
import itertools
from collections.abc import Callable, Sequence
from typing import NamedTuple

from analysis.samples import Outcome, Probes, Sample, Series
from collectors.clock import Clock
from collectors.probe.engine import Engine
from collectors.probe.paths import PathProber
from collectors.probe.stream import Binding
from tests.lab.bed import inside

PATIENCE_S = 90.0


class Told(NamedTuple):
    """One row of a batch, with its note."""

    series: int
    sent_ns: int
    outcome: Outcome
    rtt_ms: float | None
    reason: str | None
    sender: str | None


def rows(probes: Probes) -> list[Told]:
    notes = {note.row: note for note in probes.notes}
    columns = zip(probes.series, probes.age_us, probes.outcome, probes.rtt_us, strict=True)
    return [
        Told(
            series,
            probes.t - age_us * 1000,
            Outcome(outcome),
            None if rtt_us is None else rtt_us / 1000,
            notes[row].reason if row in notes else None,
            notes[row].sender if row in notes else None,
        )
        for row, (series, age_us, outcome, rtt_us) in enumerate(columns)
    ]


def series(address: str, **fields: object) -> Series:
    """A quick series: 50 probes a second, lost after 5 s."""
    quick: dict[str, object] = {"interval_ns": 20_000_000, "timeout_ns": 5_000_000_000}
    return Series(**{"t": 0, "id": next(_IDS), "target": address, "address": address} | quick | fields)


_IDS = itertools.count(1)
Seen = list[Told]


def outcomes(seen: Seen) -> list[Outcome]:
    return [told.outcome for told in seen]


async def watch(
    *probed: Series,
    until: Callable[[Seen], bool],
    namespace: str,
    binding: Binding | None = None,
    clock: Clock | None = None,
    meanwhile: Callable[[Seen], None] = lambda seen: None,
) -> Seen:
    """Probe until `until` holds of what was told; `meanwhile` sees it at every turn."""
    seen: Seen = []
    with inside(namespace):
        engine = Engine(clock or Clock())
        try:
            for one in probed:
                engine.add(one, binding or Binding())
            async with asyncio.timeout(PATIENCE_S):
                while not until(seen):
                    await asyncio.sleep(0.005)
                    seen += rows(engine.tick())
                    meanwhile(seen)
        finally:
            engine.close()
    return seen


def at_least(count: int, outcome: Outcome) -> Callable[[Seen], bool]:
    """Hold once `count` probes have had this outcome."""
    return lambda seen: outcomes(seen).count(outcome) >= count


def answered(count: int, *, within_ms: float) -> Callable[[Seen], bool]:
    """Hold once so many were answered, one of them in less than `within_ms`: a busy machine needs more for that."""

    def hold(seen: Seen) -> bool:
        rtts = [told.rtt_ms for told in seen if told.outcome is Outcome.ANSWERED and told.rtt_ms is not None]
        return len(rtts) >= count and min(rtts) < within_ms

    return hold


async def collect(
    prober: PathProber,
    until: Callable[[Sequence[Sample]], bool],
    *,
    namespace: str,
    meanwhile: Callable[[Sequence[Sample]], None] = lambda samples: None,
) -> list[Sample]:
    """Run the collector until `until` holds of its samples, then cancel it; return all of them."""
    samples: list[Sample] = []
    with inside(namespace):
        running = asyncio.create_task(prober.run(samples.append))
        try:
            async with asyncio.timeout(PATIENCE_S):
                while not until(samples):
                    assert not running.done(), running.exception()
                    await asyncio.sleep(0.01)
                    meanwhile(samples)
        finally:
            running.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await running
    return samples
