"""The collector of latency and loss: probes every target over every route, and keeps up with both."""

import asyncio
import itertools
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from typing import Final

import msgspec

from analysis.samples import Name, Outcome, Prober, Probes, Series
from analysis.settings import TargetSettings
from collectors.base import Emit, Need
from collectors.clock import Clock
from collectors.names import Lookup, follow, follow_resolvers, gateways, system_lookup
from collectors.nearby import is_nearby
from collectors.privilege import icmp_need, look
from collectors.probe.abilities import Ability, missing
from collectors.probe.engine import Engine
from collectors.probe.plan import Wanted, plan, tcp_beside
from collectors.probe.stream import Family
from collectors.routebook import RouteBook
from collectors.ticks import ticks

TICK_S: Final = 1.0
ROUTES_WAIT_S: Final = 1.0
"""How long the first probes wait to learn the routes; then the kernel chooses."""
SILENT_PROBES: Final = 5
"""So many ICMP probes without any answer, and TCP is tried beside them."""
LOOK_AGAIN_S: Final = 60.0
"""How long it is believed which addresses are near: the kernel does not tell when a route with a prefix changes."""
_HEARD: Final = frozenset({Outcome.ANSWERED, Outcome.LATE, Outcome.DUPLICATE})
_UNHEARD: Final = frozenset({Outcome.LOST, Outcome.UNREACHABLE})


class PathProber:
    """Probes `targets` over the routes in `routes`. `lookup` turns names into addresses."""

    name = "paths"

    def __init__(
        self, targets: Sequence[TargetSettings], routes: RouteBook, clock: Clock, lookup: Lookup | None = None
    ) -> None:
        self._targets = tuple(targets)
        self._routes = routes
        self._clock = clock
        self._lookup = lookup or system_lookup()
        self._ids = itertools.count(1)

    def needs(self) -> Sequence[Need]:
        """Return what keeps this box from sending and timing echo requests well."""
        need = icmp_need(look())
        return () if need is None else (need,)

    async def run(self, emit: Emit) -> None:
        """Probe until cancelled; every series started is ended."""
        session = _Session(self._routes, self._clock, emit, self._ids, self._targets)
        try:
            async with asyncio.TaskGroup() as group:
                for target in self._targets:
                    if target.host == "resolvers":
                        group.create_task(follow_resolvers(target, self._clock, session.learn))
                    elif target.host != "gateway":
                        group.create_task(follow(target, self._lookup, self._clock, session.learn))
                group.create_task(session.watch_routes())
                group.create_task(session.replan_when_needed())
                group.create_task(session.ticks())
        finally:
            session.close()


class _Session:
    """One run: what is known now, and the series probed because of it."""

    def __init__(
        self,
        routes: RouteBook,
        clock: Clock,
        emit: Emit,
        ids: "itertools.count[int]",
        targets: tuple[TargetSettings, ...],
    ) -> None:
        self._book = routes
        self._clock = clock
        self._emit = emit
        self._ids = ids
        self._targets = targets
        self._engine = Engine(clock)
        self._addresses: dict[str, tuple[str, ...]] = {}
        self._gateways: tuple[str, ...] | None = None
        self._nearby: dict[str, bool] = {}
        self._running: dict[Wanted, Series] = {}
        self._silent: set[Wanted] = set()
        self._unheard: dict[int, int] = {}
        self._probers: dict[Family, Ability] = {}
        self._stale = asyncio.Event()
        self._routes_known = False

    def learn(self, name: Name) -> None:
        """Take in a target's addresses."""
        self._emit(name)
        self._addresses[name.target] = name.addresses
        self._stale.set()

    async def watch_routes(self) -> None:
        """Take in the routes whenever they change. The first probes wait for them, but not for ever."""
        seen = 0
        try:
            async with asyncio.timeout(ROUTES_WAIT_S):
                seen = await self._book.wait_changed(0)
        except TimeoutError:
            seen = self._book.version
        while True:
            self._learn_gateways()
            seen = await self._book.wait_changed(seen)

    def _learn_gateways(self) -> None:
        for target in self._targets:
            if target.host == "gateway":
                name = gateways(target, self._book.routes, self._clock.now_ns())
                if name.addresses != self._gateways:
                    self._gateways = name.addresses
                    self.learn(name)
        self._routes_known = True
        self._nearby.clear()
        self._stale.set()

    async def replan_when_needed(self) -> None:
        """Start and end series as targets and routes come and go; changes at one time are taken together."""
        while True:
            try:
                async with asyncio.timeout(LOOK_AGAIN_S):
                    await self._stale.wait()
            except TimeoutError:
                self._nearby.clear()
            self._stale.clear()
            if self._routes_known:
                self._tell_probers()
                await self._look_nearby()
                self._replan()

    async def _look_nearby(self) -> None:
        """Ask the kernel about the addresses that are new since the routes changed, which they may do meanwhile."""
        while unasked := self._known() - self._nearby.keys():
            for address in unasked:
                self._nearby[address] = is_nearby(address)
                await asyncio.sleep(0)

    def _known(self) -> set[str]:
        return {address for addresses in self._addresses.values() for address in addresses}

    def _replan(self) -> None:
        allowed = frozenset(family for family, ability in self._probers.items() if ability.socket != "none")
        nearby = {address for address, near in self._nearby.items() if near}
        wanted = plan(self._targets, self._addresses, self._book.routes, allowed, nearby)
        wanted += tuple(tcp_beside(one) for one in wanted if one in self._silent)
        self._end(self._running.keys() - set(wanted))
        for one in wanted:
            if one not in self._running:
                self._start(one)

    def _start(self, wanted: Wanted) -> None:
        family: Family = 6 if ":" in wanted.series.address else 4
        stamps = self._probers[family].stamps if wanted.series.protocol == "icmp" else "kernel"
        series = msgspec.structs.replace(wanted.series, t=self._clock.now_ns(), id=next(self._ids), stamps=stamps)
        self._running[wanted] = series
        self._emit(series)
        self._engine.add(series, wanted.binding)
        if wanted.fallback:
            self._unheard[series.id] = 0

    def _end(self, unwanted: AbstractSet[Wanted]) -> None:
        """Tell what is settled, then end these series."""
        if unwanted:
            self._tick()
        for wanted in [wanted for wanted in self._running if wanted in unwanted]:
            series = self._running.pop(wanted)
            self._engine.remove(series.id)
            self._unheard.pop(series.id, None)
            self._silent.discard(wanted)
            self._emit(msgspec.structs.replace(series, t=self._clock.now_ns(), ended=True))

    async def ticks(self) -> None:
        """Emit what was settled, once a second."""
        async for _ in ticks(TICK_S):
            self._tick()
            self._tell_probers()

    def _tick(self) -> None:
        probes = self._engine.tick()
        if probes.series or probes.in_flight:
            self._emit(probes)
        if self._unheard:
            self._listen(probes)

    def _listen(self, probes: Probes) -> None:
        """Count the probes of a series that has never been answered; one answer ends the counting."""
        unheard = self._unheard
        for series, outcome in zip(probes.series, probes.outcome, strict=True):
            if series not in unheard:
                continue
            if outcome in _HEARD:
                del unheard[series]
            elif outcome in _UNHEARD:
                unheard[series] += 1
        silent = {series for series, count in unheard.items() if count >= SILENT_PROBES}
        if silent:
            self._silent |= {wanted for wanted, series in self._running.items() if series.id in silent}
            for series in silent:
                del unheard[series]
            self._stale.set()

    def _tell_probers(self) -> None:
        """Say how probing works here, at first and whenever that turns out otherwise."""
        families: tuple[Family, ...] = (4, 6)
        for family in families:
            now = self._engine.icmp(family)
            if self._probers.get(family) != now:
                self._probers[family] = now
                self._stale.set()
                self._emit(Prober(self._clock.now_ns(), family, now.socket, now.stamps, missing(now)))

    def close(self) -> None:
        """Tell what was settled, end every series and close the sockets."""
        self._end(set(self._running))
        self._engine.close()
