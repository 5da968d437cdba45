"""A look at the ports of one host: what they answer here, and, where the host is this box, who listens there."""

import asyncio
import socket
from collections.abc import Mapping
from ipaddress import ip_address
from typing import Final

import psutil

from analysis.samples import Failure, PortRow, Ports, PortState
from analysis.samples.services import Listener
from analysis.services.profiles import Expectation, expectations
from analysis.services.settings import PortSettings
from analysis.services.url import is_address
from analysis.text import N_, say
from collectors.clock import Clock
from collectors.names import Lookup
from collectors.services.line import Failed, connect
from collectors.services.listeners import Address, listeners

AT_ONCE: Final = 16
"""Ports asked at the same time: a firewall may take more for an attack."""
_STATES: Final[dict[Failure, PortState]] = {"refused": "closed", "reset": "closed", "timeout": "filtered"}


async def look(host: str, matrix: PortSettings, lookup: Lookup, clock: Clock) -> Ports:
    """Look at every expected port of a host once; how it failed is part of the sample."""
    try:
        found = (host,) if is_address(host) else await lookup(host)
    except (OSError, ValueError) as problem:
        reason = problem.strerror if isinstance(problem, OSError) and problem.strerror else type(problem).__name__
        text = N_("{host} cannot be looked up ({reason}), so its ports are not known.")
        return Ports(clock.now_ns(), host, error=say(text, host=host, reason=reason))
    address = found[0]
    is_local = address.partition("%")[0] in own_addresses() or ip_address(address).is_loopback
    listening = await _listening() if is_local else None
    gate = asyncio.Semaphore(AT_ONCE)
    wanted = expectations(matrix.profile, matrix.reachable, matrix.unreachable)
    rows = await asyncio.gather(*(_row(address, one, matrix.timeout_s, listening, gate) for one in wanted))
    return Ports(clock.now_ns(), host, address, is_local, tuple(rows))


async def _row(
    address: str,
    expected: Expectation,
    timeout_s: float,
    listening: Mapping[int, frozenset[Address]] | None,
    gate: asyncio.Semaphore,
) -> PortRow:
    listener = None if listening is None else listener_of(listening.get(expected.port, frozenset()))
    by = icmp = took_us = None
    state: PortState = "open"
    async with gate:
        try:
            async with asyncio.timeout(timeout_s):
                sock, took_us = await connect(address, expected.port)
            sock.close()
        except TimeoutError:
            state = "filtered"
        except Failed as problem:
            state, by, icmp = _STATES.get(problem.failure, "unreachable"), problem.by, problem.icmp
    return PortRow(expected.port, expected.wanted, state, expected.what, by, icmp, took_us, listener)


async def _listening() -> Mapping[int, frozenset[Address]] | None:
    try:
        return await listeners()
    except OSError:
        return None  # a kernel without inet_diag: who listens is not known, and not said


def listener_of(addresses: frozenset[Address]) -> Listener:
    """Return who may come to a port that is listened on at these addresses."""
    if not addresses:
        return "none"
    if any(address.is_unspecified for address in addresses):
        return "every"
    return "loopback" if all(address.is_loopback for address in addresses) else "one"


def own_addresses() -> frozenset[str]:
    """Return the addresses of this box's interfaces, without zones."""
    rows = (entry for entries in psutil.net_if_addrs().values() for entry in entries)
    return frozenset(
        entry.address.partition("%")[0] for entry in rows if entry.family in (socket.AF_INET, socket.AF_INET6)
    )
