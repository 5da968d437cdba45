"""Which series there should be: every target's addresses over every route of their family. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Final, Literal

import msgspec

from analysis.samples import Protocol, Role, Route, Series
from analysis.settings import TargetSettings
from collectors.names import label
from collectors.probe.stream import Binding

TCP_PORT: Final = 443
UDP_PORT: Final = 33434
"""Where traceroute probes by UDP: a port that nobody listens on, so the target itself refuses."""
_ROLES: Final[dict[str, Role]] = {"gateway": "gateway", "resolvers": "resolver"}


class Wanted(msgspec.Struct, frozen=True):
    """One series to be probed, without time and id: equal to itself as long as nothing about it changes."""

    series: Series
    binding: Binding
    fallback: bool = False
    """Whether TCP is tried beside it where ICMP gets no answer at all."""


def plan(
    targets: Sequence[TargetSettings],
    addresses: Mapping[str, tuple[str, ...]],
    routes: Sequence[Route],
    icmp_families: frozenset[int],
    nearby: AbstractSet[str] = frozenset(),
) -> tuple[Wanted, ...]:
    """Return the series wanted now.

    `addresses` by label; `icmp_families`: where ICMP is allowed; `nearby`: addresses that no default route leads to.
    """
    usable = [route for route in routes if not route.standby]
    found = (
        _wanted(target, address, route_id, binding, icmp_families)
        for target in targets
        for address in _reachable(target, addresses.get(label(target), ()), usable)
        for route_id, binding in _ways(target, address, usable, nearby)
    )
    return tuple(dict.fromkeys(found))


def tcp_beside(wanted: Wanted) -> Wanted:
    """Return the TCP series that is probed beside a silent ICMP one."""
    series = msgspec.structs.replace(wanted.series, protocol="tcp", port=wanted.series.port or TCP_PORT)
    return Wanted(series, wanted.binding)


def _family(address: str) -> int:
    return 6 if ":" in address else 4


def _reachable(target: TargetSettings, addresses: tuple[str, ...], routes: Sequence[Route]) -> tuple[str, ...]:
    """Leave out a family that has no way out where the other has one and the person did not insist.

    A source address decides the family by itself.
    """
    if target.source:
        addresses = tuple(address for address in addresses if _family(address) == _family(target.source))
    routed = {route.family for route in routes}
    if target.family != "any" or not any(_family(address) in routed for address in addresses):
        return addresses
    return tuple(address for address in addresses if _family(address) in routed or _is_near(address))


def _is_near(address: str) -> bool:
    """Tell addresses that no route of ours leads to: loopback and link-local ones."""
    return address.startswith(("127.", "169.254.", "fe80:")) or address == "::1"


def _ways(
    target: TargetSettings, address: str, routes: Sequence[Route], nearby: AbstractSet[str]
) -> Iterator[tuple[str, Binding]]:
    """Yield (route id, binding) for each way that probes to `address` take.

    Where a family has one way out the kernel's own choice is that way, and packets need no binding.
    """
    own = Binding(target.interface, target.source, target.mark or 0)
    family = [route for route in routes if route.family == _family(address)]
    near = _is_near(address) or (address in nearby and not _insists(target))
    if near and target.host != "gateway":
        yield "", own
        return
    if not family:
        if not target.routes:
            yield "", own
        return
    for route in family:
        if _suits(target, address, route):
            yield route.id, _binding(own, route, alone=len(family) == 1)


def _insists(target: TargetSettings) -> bool:
    """Say whether the person chose the way out, whatever the kernel would do."""
    return bool(target.routes or target.interface or target.source or target.mark)


def _suits(target: TargetSettings, address: str, route: Route) -> bool:
    if target.routes and route.name not in target.routes:
        return False
    if target.interface and route.interface != target.interface:
        return False
    gateway, _, zone = address.partition("%")
    return target.host != "gateway" or (route.gateway == gateway and zone in ("", route.interface))


def _binding(own: Binding, route: Route, *, alone: bool) -> Binding:
    return Binding(
        own.interface or (None if alone else route.interface),
        own.source or (None if alone else route.source),
        own.mark or route.mark,
    )


def _wanted(
    target: TargetSettings, address: str, route_id: str, binding: Binding, icmp_families: frozenset[int]
) -> Wanted:
    icmp = _family(address) in icmp_families
    protocol: Protocol = ("icmp" if icmp else "tcp") if target.protocol == "auto" else target.protocol
    series = Series(
        t=0,
        id=0,
        target=label(target),
        address=address,
        protocol=protocol,
        port=_port(target, protocol),
        route=route_id,
        interval_ns=int(target.interval_s * 1e9),
        timeout_ns=int(target.timeout_s * 1e9),
        payload_bytes=target.payload_bytes,
        dscp=target.dscp,
        dont_fragment=target.dont_fragment,
        role=_ROLES.get(target.host, "target"),
    )
    return Wanted(series, binding, fallback=target.protocol == "auto" and icmp)


def _port(target: TargetSettings, protocol: Protocol) -> int | None:
    defaults: dict[Literal["icmp", "tcp", "udp"], int | None] = {
        "icmp": target.port if target.protocol == "auto" else None,
        "tcp": target.port or TCP_PORT,
        "udp": target.port or UDP_PORT,
    }
    return defaults[protocol]
