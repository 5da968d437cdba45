"""The collectors of services and of ports: every service at its own pace, every look a sample."""

import asyncio
from collections.abc import Sequence

from analysis.samples import Service
from analysis.services.settings import PortSettings, ServiceSettings
from analysis.services.url import place
from collectors.base import Emit, Need
from collectors.clock import Clock
from collectors.names import Lookup, asked_resolvers, system_lookup
from collectors.services.check import Checker
from collectors.services.ports import look
from collectors.ticks import ticks

APART_S = 0.1
"""Between the beginnings: services of one box are not all asked in the same moment."""


def definition(service: ServiceSettings, t: int) -> Service:
    """Return the definition of a service."""
    kind = place(service.url).kind
    return Service(
        t,
        service.label,
        kind,
        service.url,
        interval_ns=int(service.interval_s * 1e9),
        timeout_ns=int(service.timeout_s * 1e9),
        failures=service.failures,
        successes=service.successes,
        days_left=service.days_left if kind in ("tls", "https") else 0,
    )


def checker(clock: Clock, lookup: Lookup | None = None) -> Checker:
    """Return what checks services as this box is set up."""
    return Checker(clock, OneAtATime(lookup or system_lookup()), asked_resolvers)


class ServicesCollector:
    """Checks `services` until cancelled."""

    name = "services"

    def __init__(self, services: Sequence[ServiceSettings], clock: Clock, checks: Checker | None = None) -> None:
        self._services = tuple(services)
        self._clock = clock
        self._checker = checks or checker(clock)

    def needs(self) -> Sequence[Need]:
        """Anybody may connect."""
        return ()

    async def run(self, emit: Emit) -> None:
        """Emit every definition, then every check."""
        self._checker.prepare(self._services)
        for service in self._services:
            emit(definition(service, self._clock.now_ns()))
        async with asyncio.TaskGroup() as group:
            for n, service in enumerate(self._services):
                group.create_task(self._follow(service, n * APART_S, emit))

    async def _follow(self, service: ServiceSettings, delay_s: float, emit: Emit) -> None:
        async for _ in ticks(service.interval_s, delay_s):
            emit(await self._checker.check(service))


class PortsCollector:
    """Looks at the ports of every host of `matrices` until cancelled."""

    name = "ports"

    def __init__(self, matrices: Sequence[PortSettings], clock: Clock, lookup: Lookup | None = None) -> None:
        self._hosts = [(host, matrix) for matrix in matrices for host in matrix.hosts]
        self._clock = clock
        self._lookup = OneAtATime(lookup or system_lookup())

    def needs(self) -> Sequence[Need]:
        """Anybody may connect."""
        return ()

    async def run(self, emit: Emit) -> None:
        """Emit every look at every host."""
        async with asyncio.TaskGroup() as group:
            for n, (host, matrix) in enumerate(self._hosts):
                group.create_task(self._follow(host, matrix, n * APART_S, emit))

    async def _follow(self, host: str, matrix: PortSettings, delay_s: float, emit: Emit) -> None:
        async for _ in ticks(matrix.interval_s, delay_s):
            emit(await look(host, matrix, self._lookup, self._clock))


class OneAtATime:
    """A look-up that is asked once for all who want the same name: dead DNS must not pile up questions."""

    def __init__(self, lookup: Lookup) -> None:
        self._lookup = lookup
        self._running: dict[str, asyncio.Task[tuple[str, ...]]] = {}

    async def __call__(self, host: str) -> tuple[str, ...]:
        """Return a name's addresses. Raises what the look-up raises."""
        task = self._running.get(host)
        if task is None:
            task = self._running[host] = asyncio.ensure_future(self._lookup(host))
            task.add_done_callback(lambda _: self._running.pop(host))
        return await asyncio.shield(task)
