"""Checks services and ports once, for `longpipe check`."""

import asyncio
import platform
from typing import NamedTuple

import msgspec

from analysis.services.fold import Services
from analysis.services.rows import ports_rows, service_rows
from analysis.settings import Expectations
from analysis.severity import Severity
from collectors.clock import Clock
from collectors.names import system_lookup
from collectors.services.collector import OneAtATime, checker, definition
from collectors.services.ports import look
from collectors.session.header import rfc3339
from tui.cli import Exit
from tui.live import TOOL
from tui.report.build_services import ports_part, service_part
from tui.report.service_schema import Checked, PortsPart, ServicePart
from tui.widgets.clean import clean

WELL: frozenset[Severity] = frozenset(("ok", "notice"))


class Found(NamedTuple):
    """How services and ports were found."""

    services: tuple[ServicePart, ...]
    ports: tuple[PortsPart, ...]

    @property
    def exit_code(self) -> Exit:
        """Return 0 where all is as it must be, else 3."""
        well = all(service.severity in WELL for service in self.services)
        right = all(host.error is None and all(port.is_met for port in host.ports) for host in self.ports)
        return Exit.OK if well and right else Exit.DEGRADED


def check(wanted: Expectations) -> Checked:
    """Check everything once, all at the same time; one check decides."""
    clock = Clock()
    services = asyncio.run(_checked(wanted, clock))
    now_ns = clock.now_ns()
    found = Found(
        tuple(map(service_part, service_rows(services, now_ns))), tuple(map(ports_part, ports_rows(services)))
    )
    host = clean(platform.node())
    return Checked(TOOL, host, rfc3339(now_ns), int(found.exit_code), found.services, found.ports)


async def _checked(wanted: Expectations, clock: Clock) -> Services:
    lookup = OneAtATime(system_lookup())
    checks = checker(clock, lookup)
    checks.prepare(wanted.services)
    samples = await asyncio.gather(
        *(checks.check(service) for service in wanted.services),
        *(look(host, matrix, lookup, clock) for matrix in wanted.ports for host in matrix.hosts),
    )
    services = Services()
    for service in wanted.services:
        once = msgspec.structs.replace(definition(service, clock.started_wall_ns), failures=1, successes=1)
        services.fold(once)
    for sample in samples:
        services.fold(sample)
    return services
