"""The ways out of this box, from netlink, whenever they change."""

import asyncio
from collections.abc import Sequence
from typing import Final

from analysis.samples import Route, Routes
from analysis.settings import RouteSettings
from collectors.base import Emit, Need
from collectors.changes import Changes
from collectors.clock import Clock
from collectors.routebook import RouteBook
from collectors.rtnetlink import FAMILIES, read_addresses, read_defaults, read_links, read_rules
from collectors.ways import Tables, ways_out

SETTLE_S: Final = 0.05
"""The kernel tells of a link before it has taken away its routes, and changes come in bursts."""
SHARE: Final = 0.1
"""Of the time that reading a large table may take."""


class RoutesCollector:
    """Emits `Routes` at the start and at every change, and publishes those that probes can take."""

    name = "routes"

    def __init__(
        self,
        clock: Clock,
        book: RouteBook,
        settings: Sequence[RouteSettings] = (),
        *,
        again_s: float = 1.0,
        check_s: float = 60.0,
    ) -> None:
        """`again_s`: second look after a change. `check_s`: look without any, as a safety net."""
        self._clock = clock
        self._book = book
        self._settings = tuple(settings)
        self._again_s = again_s
        self._check_s = check_s

    def needs(self) -> Sequence[Need]:
        """Reading routes needs no privilege."""
        return ()

    async def run(self, emit: Emit) -> None:
        """Emit until cancelled."""
        seen: tuple[Route, ...] | None = None
        with Changes() as changes:
            while True:
                started_ns = self._clock.now_ns()
                changes.drain()
                routes = ways_out(await read_tables(), self._settings)
                self._book.publish(tuple(route for route in routes if not route.standby))
                if routes != seen:
                    emit(Routes(self._clock.now_ns(), routes))
                wait_s = self._check_s if routes == seen else self._again_s
                seen = routes
                await asyncio.sleep((self._clock.now_ns() - started_ns) / 1e9 / SHARE)
                if await changes.wait(wait_s):
                    await asyncio.sleep(SETTLE_S)


async def read_tables() -> Tables:
    """Read what decides how packets leave; each read gives the loop its turns."""
    return Tables(
        links=await read_links(),
        addresses=await read_addresses(),
        rules=[rule for family in FAMILIES for rule in await read_rules(family)],
        defaults=[default for family in FAMILIES for default in await read_defaults(family)],
    )
