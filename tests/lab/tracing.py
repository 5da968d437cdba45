"""Traces inside a namespace until every probe is settled, and returns what is to be seen then."""

import asyncio
import itertools
from collections.abc import Callable, Sequence
from typing import NamedTuple

from analysis.path.hops import path_view
from analysis.path.trace import Traces
from analysis.path.view import PathView
from analysis.samples import HopPath, Sample
from collectors.clock import Clock
from collectors.hops.engine import HopEngine
from collectors.hops.mtu_probe import MtuProbe
from collectors.hops.route import TracedPath
from collectors.probe.stream import Binding
from tests.lab.bed import inside

PATIENCE_S = 120.0
_IDS = itertools.count(1)


def hop_path(address: str, **fields: object) -> HopPath:
    """A quick path: 25 rounds a second, lost after 2 s."""
    quick: dict[str, object] = {"interval_ns": 40_000_000, "timeout_ns": 2_000_000_000}
    return HopPath(**{"t": 0, "id": next(_IDS), "target": address, "address": address} | quick | fields)


class Plan(NamedTuple):
    """One path to trace, and how."""

    path: HopPath
    rounds: int
    mtu: bool = False


async def trace_all(
    namespace: str, plans: Sequence[Plan], *, pps: int = 3000
) -> tuple[dict[int, PathView], list[Sample]]:
    """Trace several paths at once; return their views by path id, and every sample."""
    clock, traces, samples = Clock(), Traces(), list[Sample]()

    def take(sample: Sample | None) -> None:
        if sample is not None:
            samples.append(sample)
            traces.fold(sample)

    with inside(namespace):
        engine = HopEngine(clock, pps=pps)
        measuring: dict[int, asyncio.Task[None]] = {}
        try:
            async with asyncio.timeout(PATIENCE_S):
                for plan in plans:
                    take(plan.path)
                    engine.add(TracedPath(plan.path, Binding()))
                    engine.begin(plan.path.id, plan.rounds)
                waiting = {plan.path.id for plan in plans if plan.mtu}
                while waiting or not engine.is_idle or not all(task.done() for task in measuring.values()):
                    take(engine.tick())
                    for path in [path for path in waiting if engine.known(path)]:
                        waiting.discard(path)
                        measuring[path] = asyncio.create_task(_measure(MtuProbe(engine, clock, path), take))
                    await asyncio.sleep(0.01)
                take(engine.tick())
        finally:
            for task in measuring.values():
                task.cancel()
            engine.close()
    end_ns = clock.now_ns() + 1
    return {number: path_view(trace, end_ns) for number, trace in traces.by_id.items()}, samples


async def trace(namespace: str, path: HopPath, *, rounds: int) -> PathView:
    """Trace one path."""
    views, _samples = await trace_all(namespace, [Plan(path, rounds)])
    return views[path.id]


async def _measure(probe: MtuProbe, take: Callable[[Sample], None]) -> None:
    take(await probe.run())
