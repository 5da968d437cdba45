"""The collector of hops: one round to every target a minute, and continuously where somebody is looking."""

import asyncio
import itertools
import secrets
from collections import deque
from collections.abc import Mapping
from typing import Final, Literal, NamedTuple

import msgspec

from analysis.samples import HopPath, Protocol, Sample, Series
from analysis.text import N_, say
from collectors.base import Emit, Need, Unavailable
from collectors.clock import Clock
from collectors.hops.engine import HopEngine
from collectors.hops.mtu_probe import MtuProbe
from collectors.hops.route import TracedPath
from collectors.privilege import AS_ROOT
from collectors.probe.stream import Binding
from collectors.routebook import RouteBook
from collectors.ticks import ticks

TICK_S: Final = 0.25
ROUND_EVERY_NS: Final = 60_000_000_000
APART_NS: Final = 500_000_000
"""Between the rounds of two targets: what nobody looks at must not come in bursts."""
MTU_AFTER_NS: Final = 1_000_000_000
CONTINUOUS_NS: Final = 1_000_000_000
RETRY_NS: Final = 10_000_000_000


class Want(msgspec.Struct, frozen=True):
    """A path to trace: equal to itself as long as nothing about it changes."""

    target: str
    address: str
    route: str = ""
    """`Route.id`, or "" where the kernel chooses."""
    protocol: Protocol = "icmp"
    port: int | None = None
    dscp: int = 0


def want_of(series: Series) -> Want:
    """Return the path that a series' probes take."""
    return Want(series.target, series.address, series.route, series.protocol, series.port, dscp=series.dscp)


class _Order(NamedTuple):
    """Something that another thread asks for."""

    what: Literal["follow", "forget", "watch", "leave"]
    want: Want


class Reason(msgspec.Struct):
    """Why a path is traced: it is a target's, or so many look at it."""

    is_followed: bool = False
    watchers: int = 0


class HopTracer:
    """Traces the targets it sees, slowly, and what is requested, at once and continuously.

    `see` takes the samples of other collectors (subscribe it to the hub); the rest may be called from any thread.
    """

    name = "hops"

    def __init__(self, clock: Clock, routes: RouteBook) -> None:
        self._clock = clock
        self._routes = routes
        self._orders: deque[_Order] = deque()
        self._wanted: dict[Want, Reason] = {}
        self._ids = itertools.count(secrets.randbits(40))

    def needs(self) -> tuple[Need, ...]:
        """Return what keeps this box from tracing."""
        try:
            HopEngine.check()
        except OSError:
            return (Need(say(N_("Without CAP_NET_RAW the hops of a path cannot be seen.")), AS_ROOT),)
        return ()

    def see(self, sample: Sample) -> None:
        """Learn which targets there are."""
        if isinstance(sample, Series) and sample.role == "target":
            self._orders.append(_Order("forget" if sample.ended else "follow", want_of(sample)))

    def request(self, want: Want) -> None:
        """Trace a path continuously, from now on, and measure its MTU."""
        self._orders.append(_Order("watch", want))

    def release(self, want: Want) -> None:
        """Take one request back."""
        self._orders.append(_Order("leave", want))

    async def run(self, emit: Emit) -> None:
        """Trace until cancelled; every path begun is ended. Raises Unavailable without CAP_NET_RAW."""
        try:
            HopEngine.check()
        except PermissionError as problem:
            what = say(N_("Without CAP_NET_RAW the hops of a path cannot be seen. Run: {command}"), command=AS_ROOT)
            raise Unavailable(what, permanent=True) from problem
        session = _Session(self._clock, self._routes, emit, self._ids)
        try:
            async for _ in ticks(TICK_S):
                while self._orders:
                    self._obey(self._orders.popleft())
                session.keep_up(self._wanted)
        finally:
            session.close()

    def _obey(self, order: _Order) -> None:
        reason = self._wanted.setdefault(order.want, Reason())
        match order.what:
            case "follow" | "forget":
                reason.is_followed = order.what == "follow"
            case "watch":
                reason.watchers += 1
            case "leave":
                reason.watchers = max(0, reason.watchers - 1)
        if not reason.is_followed and not reason.watchers:
            del self._wanted[order.want]


class _Active:
    """One path that is ready to be traced."""

    def __init__(self, traced: TracedPath) -> None:
        self.traced = traced
        self.is_continuous = False
        self.round_due_ns = 0
        self.mtu_due_ns: int | None = None
        self.told: HopPath | None = None
        self.measuring: asyncio.Task[None] | None = None


class _Session:
    """One run of the collector."""

    def __init__(self, clock: Clock, routes: RouteBook, emit: Emit, ids: "itertools.count[int]") -> None:
        self._clock = clock
        self._routes = routes
        self._emit = emit
        self._ids = ids
        self._engine = HopEngine(clock)
        self._active: dict[Want, _Active] = {}
        self._retry_ns: dict[Want, int] = {}
        self._free_ns = 0

    def keep_up(self, wanted: Mapping[Want, Reason]) -> None:
        """Begin and end what is to be, and tell what was settled."""
        now_ns = self._clock.now_ns()
        for want in [want for want in self._active if want not in wanted]:
            self._remove(want)
        for want, reason in wanted.items():
            active = self._active.get(want) or self._added(want, now_ns)
            if active is not None:
                self._pace(active, now_ns, continuous=reason.watchers > 0)
                self._define(active, now_ns)
        batch = self._engine.tick()
        if batch is not None:
            self._emit(batch)

    def close(self) -> None:
        """End every path and close the sockets."""
        for want in list(self._active):
            self._remove(want)
        self._engine.close()

    def _pace(self, active: _Active, now_ns: int, *, continuous: bool) -> None:
        """Go from slow to continuous and back, and begin a slow path's round or an MTU's measurement when due."""
        path = active.traced.path.id
        if continuous and not active.is_continuous:
            self._engine.begin(path)
            active.mtu_due_ns = now_ns + MTU_AFTER_NS
        elif active.is_continuous and not continuous:
            self._engine.pause(path)
            active.round_due_ns = now_ns + ROUND_EVERY_NS
        elif not continuous and max(active.round_due_ns, self._free_ns) <= now_ns:
            self._free_ns = now_ns + APART_NS
            active.round_due_ns = now_ns + ROUND_EVERY_NS
            self._engine.begin(path, rounds=1)
        active.is_continuous = continuous
        if active.mtu_due_ns is not None and active.mtu_due_ns <= now_ns:
            active.mtu_due_ns = None
            active.measuring = asyncio.create_task(self._measure(path))

    def _define(self, active: _Active, now_ns: int) -> None:
        if active.traced.path != active.told:
            active.told = active.traced.path
            self._emit(msgspec.structs.replace(active.told, t=now_ns))

    async def _measure(self, path: int) -> None:
        self._emit(await MtuProbe(self._engine, self._clock, path).run())

    def _added(self, want: Want, now_ns: int) -> _Active | None:
        """Return a path made ready; None where it cannot leave this box now, which its probes tell too."""
        if self._retry_ns.get(want, 0) > now_ns:
            return None
        path = HopPath(
            now_ns,
            next(self._ids),
            want.target,
            want.address,
            want.protocol,
            want.port,
            route=want.route,
            interval_ns=CONTINUOUS_NS,
            dscp=want.dscp,
        )
        try:
            traced = TracedPath(path, self._binding(want))
            self._engine.add(traced)
        except OSError:
            self._retry_ns[want] = now_ns + RETRY_NS
            return None
        self._retry_ns.pop(want, None)
        active = self._active[want] = _Active(traced)
        return active

    def _binding(self, want: Want) -> Binding:
        """Return how packets are made to take a path's route; where a family has one route the kernel takes it."""
        family = [route for route in self._routes.routes if route.family == (6 if ":" in want.address else 4)]
        route = next((route for route in family if route.id == want.route), None)
        if route is None:
            return Binding()
        alone = len(family) == 1
        return Binding(None if alone else route.interface, None if alone else route.source, route.mark)

    def _remove(self, want: Want) -> None:
        active = self._active.pop(want)
        if active.measuring is not None:
            active.measuring.cancel()
        batch = self._engine.tick()
        if batch is not None:
            self._emit(batch)
        self._emit(msgspec.structs.replace(active.traced.path, t=self._clock.now_ns(), ended=True))
        self._engine.remove(active.traced.path.id)
