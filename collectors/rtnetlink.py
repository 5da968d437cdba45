"""What the kernel knows of ways out: default routes, policy rules, links and addresses (linux/rtnetlink.h)."""

import errno
import socket
from collections.abc import AsyncIterator, Iterator
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from struct import Struct
from typing import Final, Literal

import msgspec

from collectors.netlink import attributes, dump, number, text

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network
Family = Literal[4, 6]

FAMILIES: Final[dict[int, Family]] = {socket.AF_INET: 4, socket.AF_INET6: 6}
MAIN_TABLE: Final = 254
HALF_BITS: Final = 1
"""Tunnels take everything by two routes of this prefix, 0.0.0.0/1 and 128.0.0.0/1, which go before any default."""
HALF_METRIC: Final = -1

RTM_NEWLINK: Final = 16
RTM_GETLINK: Final = 18
RTM_NEWADDR: Final = 20
RTM_GETADDR: Final = 22
RTM_NEWROUTE: Final = 24
RTM_DELROUTE: Final = 25
RTM_GETROUTE: Final = 26
RTM_NEWRULE: Final = 32
RTM_GETRULE: Final = 34

LINK: Final = Struct("=BxHiII")
"""struct ifinfomsg: family, type, index, flags, change."""
_ADDRESS: Final = Struct("=BBBBI")
_ROUTE: Final = Struct("=BBBBBBBBI")
_RULE: Final = Struct("=BBBBBBBBI")
_NEXT_HOP: Final = Struct("=HBBi")

_RTN_UNICAST: Final = 1
_RTNH_F_UNUSABLE: Final = 1 | 16
"""RTNH_F_DEAD, RTNH_FLINKDOWN."""
_RTM_F_CLONED: Final = 0x200
IFF_UP_RUNNING: Final = 0x1 | 0x40
_SKIP_STATS: Final = Struct("=HHI").pack(8, 29, 1 << 3)
"""IFLA_EXT_MASK = RTEXT_FILTER_SKIP_STATS."""


class Link(msgspec.Struct, frozen=True):
    """An interface; `running`: set up and with carrier (IFF_UP, IFF_RUNNING)."""

    name: str
    running: bool


class OwnAddress(msgspec.Struct, frozen=True):
    """An address of this box and the interface index it is on."""

    index: int
    address: Address
    prefix_bits: int = 0


class DefaultRoute(msgspec.Struct, frozen=True):
    """One next hop of a default route."""

    family: Family
    table: int
    metric: int
    index: int
    gateway: Address | None = None
    source: Address | None = None
    usable: bool = True


class Rule(msgspec.Struct, frozen=True):
    """A policy rule that our own packets to anywhere can match; `table` is None where the device's VRF decides."""

    family: Family
    priority: int = 32766
    table: int | None = MAIN_TABLE
    source: Network | None = None
    mark: int = 0
    interface: str | None = None


async def read_links() -> dict[int, Link]:
    """Return the interfaces by index."""
    links: dict[int, Link] = {}
    async for buffer, found in dump(socket.NETLINK_ROUTE, RTM_GETLINK, LINK.pack(0, 0, 0, 0, 0) + _SKIP_STATS):
        for kind, start, end in found:
            if kind != RTM_NEWLINK:
                continue
            _, _, index, flags, _ = LINK.unpack_from(buffer, start)
            fields = dict(attributes(buffer, start + LINK.size, end))
            links[index] = Link(text(fields[3]), flags & IFF_UP_RUNNING == IFF_UP_RUNNING)
    return links


async def read_addresses() -> list[OwnAddress]:
    """Return the box's own addresses of both families."""
    own: list[OwnAddress] = []
    async for buffer, found in dump(socket.NETLINK_ROUTE, RTM_GETADDR, _ADDRESS.pack(0, 0, 0, 0, 0)):
        for kind, start, end in found:
            family, prefix_bits, _, _, index = (
                _ADDRESS.unpack_from(buffer, start) if kind == RTM_NEWADDR else (0,) * 5
            )
            if family not in FAMILIES:
                continue
            fields = dict(attributes(buffer, start + _ADDRESS.size, end))
            address = fields.get(2, fields.get(1))  # IFA_LOCAL; where it is absent, IFA_ADDRESS
            if address is not None:
                own.append(OwnAddress(index, ip_address(bytes(address)), prefix_bits))
    return own


async def read_defaults(family: int) -> list[DefaultRoute]:
    """Return every next hop of every unicast default route of one family, in all tables.

    The lower of two halves stands for both, as a default before all others (`HALF_METRIC`).
    """
    defaults: list[DefaultRoute] = []
    request = _ROUTE.pack(family, 0, 0, 0, 0, 0, 0, _RTN_UNICAST, 0)
    async for buffer, found in dump(socket.NETLINK_ROUTE, RTM_GETROUTE, request):
        for kind, start, end in found:
            if kind == RTM_NEWROUTE and buffer[start] == family and buffer[start + 1] <= HALF_BITS:
                defaults.extend(_defaults(buffer, start, end))
    return defaults


async def read_rules(family: int) -> list[Rule]:
    """Return the policy rules that packets of this box can match, or the plain main table where there are none."""
    try:
        return [rule async for rule in _rules(family)]
    except OSError as failure:
        if failure.errno not in (errno.EOPNOTSUPP, errno.EAFNOSUPPORT):  # a kernel without policy routing
            raise
        return [Rule(FAMILIES[family])]


async def _rules(family: int) -> AsyncIterator[Rule]:
    request = _RULE.pack(family, 0, 0, 0, 0, 0, 0, 0, 0)
    async for buffer, found in dump(socket.NETLINK_ROUTE, RTM_GETRULE, request):
        for kind, start, end in found:
            if kind == RTM_NEWRULE and buffer[start] == family:
                rule = _rule(buffer, start, end)
                if rule is not None:
                    yield rule


def _number_or(payload: memoryview | None, default: int) -> int:
    return default if payload is None else number(payload)


def _defaults(buffer: memoryview, start: int, end: int) -> Iterator[DefaultRoute]:
    """Yield the next hops of one default route message (rtmsg), in the kernel's order."""
    family, prefix_bits, _, _, table, _, _, kind, flags = _ROUTE.unpack_from(buffer, start)
    if kind != _RTN_UNICAST or flags & _RTM_F_CLONED:
        return
    fields = dict(attributes(buffer, start + _ROUTE.size, end))
    if prefix_bits and any(fields.get(1, b"")):  # RTA_DST: the upper half
        return
    metric = HALF_METRIC if prefix_bits else _number_or(fields.get(6), 0)
    table = _number_or(fields.get(15), table)
    source = ip_address(bytes(fields[7])) if 7 in fields else None
    hops = list(_next_hops(fields[9])) if 9 in fields else [(flags, _number_or(fields.get(4), 0), fields)]
    for hop_flags, index, hop in hops:
        usable = not hop_flags & _RTNH_F_UNUSABLE
        yield DefaultRoute(FAMILIES[family], table, metric, index, _gateway(hop), source, usable)


def _next_hops(payload: memoryview) -> Iterator[tuple[int, int, dict[int, memoryview]]]:
    """Yield (flags, interface index, attributes) of RTA_MULTIPATH (struct rtnexthop)."""
    at = 0
    while at + _NEXT_HOP.size <= len(payload):
        length, flags, _, index = _NEXT_HOP.unpack_from(payload, at)
        if not _NEXT_HOP.size <= length <= len(payload) - at:
            return
        yield flags, index, dict(attributes(payload, at + _NEXT_HOP.size, at + length))
        at += (length + 3) & ~3


def _gateway(fields: dict[int, memoryview]) -> Address | None:
    if 5 in fields:  # RTA_GATEWAY
        return ip_address(bytes(fields[5]))
    if 18 in fields:  # RTA_VIA: an IPv4 route over an IPv6 gateway, family first
        return ip_address(bytes(fields[18][2:]))
    return None


_UNREPRODUCIBLE: Final = frozenset({1, 12, 20, 22, 23, 24})
"""FRA_DST, FRA_TUN_ID, FRA_UID_RANGE, FRA_IP_PROTO, FRA_SPORT_RANGE, FRA_DPORT_RANGE: not every probe matches."""
_NO_SUPPRESSION: Final = 0xFFFFFFFF


def _rule(buffer: memoryview, start: int, end: int) -> Rule | None:
    """Return a rule (struct fib_rule_hdr) if a probe of ours could follow it to a default route."""
    family, _, source_bits, tos, table, _, _, action, flags = _RULE.unpack_from(buffer, start)
    fields = dict(attributes(buffer, start + _RULE.size, end))
    arrives = text(fields[3]) if 3 in fields else "lo"
    suppressed = _number_or(fields.get(14), _NO_SUPPRESSION) != _NO_SUPPRESSION
    if action != 1 or tos or suppressed or arrives != "lo" or _UNREPRODUCIBLE & fields.keys():
        return None
    version, priority = FAMILIES[family], _number_or(fields.get(6), 0)
    by_device = 19 in fields and bool(fields[19][0])
    to = None if by_device else _number_or(fields.get(15), table)
    if flags & 2:  # FIB_RULE_INVERT: everything but what is selected, so a plain packet matches
        return Rule(version, priority, to)
    source = ip_network((bytes(fields[2]), source_bits), strict=False) if 2 in fields else None
    interface = text(fields[17]) if 17 in fields else None
    return Rule(version, priority, to, source, _number_or(fields.get(10), 0), interface)
