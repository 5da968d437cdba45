"""Runs one trace on a loop of its own, for `longpipe path`."""

import asyncio
import secrets
import sys
from typing import Final, Literal, NamedTuple

import msgspec

from analysis.path.hops import path_view
from analysis.path.trace import Traces
from analysis.path.view import PathView
from analysis.samples import HopPath, Protocol
from collectors.clock import Clock
from collectors.hops.engine import HopEngine
from collectors.hops.mtu_probe import MtuProbe
from collectors.hops.route import TracedPath
from collectors.privilege import AS_ROOT
from collectors.probe.stream import Binding
from tui.cli import CommandError, Exit
from tui.lookup import looked_up
from tui.text import _
from tui.until import sigint
from tui.widgets.clean import clean

TICK_S: Final = 0.2
MTU_AFTER_S: Final = 0.6
"""By then hops are known, and the round trip with them."""
_CLEAR: Final = "\r\x1b[K"


class Request(msgspec.Struct, frozen=True):
    """What to trace, and for how long."""

    host: str
    family: Literal[4, 6] | None
    protocol: Protocol
    port: int | None
    source_port: int | None
    flows: int
    dscp: int
    rounds: int
    interval_s: float
    mtu: bool
    progress: bool


class Traced(NamedTuple):
    """What was seen; `interrupted`: the person did not want to wait for the rest."""

    view: PathView
    interrupted: bool


def trace(request: Request) -> Traced:
    """Trace until the rounds are over or SIGINT comes. Raises CommandError where that is not possible."""
    return asyncio.run(_trace(request))


async def _trace(request: Request) -> Traced:
    address = await looked_up(request.host, request.family)
    clock = Clock()
    path = HopPath(
        clock.now_ns(),
        secrets.randbits(40),
        request.host,
        address,
        request.protocol,
        request.port,
        request.source_port,
        request.flows,
        interval_ns=int(request.interval_s * 1e9),
        dscp=request.dscp,
    )
    engine, traces = HopEngine(clock), Traces()
    try:
        with sigint() as stop:
            traced = _added(engine, path, request)
            engine.begin(path.id, request.rounds)
            traces.fold(traced.path)
            interrupted = await _until_over(engine, traces, traced, clock, request, stop)
        traces.fold(traced.path)
    finally:
        engine.close()
    now_ns = clock.now_ns()
    return Traced(path_view(traces.by_id[path.id], now_ns + 1, now_ns - clock.started_wall_ns + 1), interrupted)


def _added(engine: HopEngine, path: HopPath, request: Request) -> TracedPath:
    try:
        traced = TracedPath(path, Binding())
        engine.add(traced)
    except PermissionError as problem:
        raise CommandError(
            _(
                "Tracing needs CAP_NET_RAW. Run it as root: {command}",
                command=f"{AS_ROOT} path {clean(request.host)}",
            ),
            Exit.PRIVILEGE,
        ) from problem
    except OSError as problem:
        raise CommandError(
            _("{host} cannot be traced: {reason}", host=clean(request.host), reason=problem.strerror)
        ) from problem
    return traced


async def _until_over(
    engine: HopEngine, traces: Traces, traced: TracedPath, clock: Clock, request: Request, stop: asyncio.Event
) -> bool:
    """Fold until nothing is left to send or to wait for; tell whether that was cut short."""
    number = traced.path.id
    loop = asyncio.get_running_loop()
    begun = loop.time()
    measuring: asyncio.Task[object] | None = None
    while not stop.is_set():
        try:
            async with asyncio.timeout(TICK_S):
                await stop.wait()
        except TimeoutError:
            pass
        batch = engine.tick()
        if batch is not None:
            traces.fold(batch)
        if request.mtu and measuring is None and (loop.time() - begun > MTU_AFTER_S or engine.is_idle):
            measuring = asyncio.create_task(_measure(MtuProbe(engine, clock, number), traces))
        if request.progress:
            _progress(engine, number, loop.time() - begun)
        if engine.is_idle and (measuring is None or measuring.done()):
            break
    if measuring is not None:
        measuring.cancel()
        await asyncio.wait([measuring])
    if request.progress:
        print(_CLEAR, end="", file=sys.stderr, flush=True)
    return stop.is_set()


async def _measure(probe: MtuProbe, traces: Traces) -> None:
    traces.fold(await probe.run())


def _progress(engine: HopEngine, number: int, elapsed_s: float) -> None:
    distance = engine.distance(number)
    text = (
        _("{time} s: looking for the target", time=f"{elapsed_s:.0f}")
        if distance is None
        else _("{time} s: target at hop {hop}", time=f"{elapsed_s:.0f}", hop=distance)
    )
    print(_CLEAR + text, end="", file=sys.stderr, flush=True)
