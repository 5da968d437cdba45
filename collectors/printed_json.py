"""Rows that `ip -j`, `tc -j` and `rdma -j` print, as far as they are looked at."""

from collections.abc import Iterable, Iterator
from ipaddress import ip_interface
from typing import Any

import msgspec


class OwnAddress(msgspec.Struct):
    """One address of `ip -j addr`."""

    local: str = ""
    prefixlen: int = 0


class AddressRow(msgspec.Struct):
    """One interface of `ip -j addr`."""

    ifname: str = ""
    addr_info: list[OwnAddress] = []


class LinkInfo(msgspec.Struct):
    """What `ip -d` tells of a software device."""

    info_kind: str = ""
    info_data: dict[str, Any] = {}
    info_slave_data: dict[str, Any] = {}


class Stats(msgspec.Struct):
    """One direction of `ip -s link`, of which drivers fill in what they have."""

    bytes: int = 0
    packets: int = 0
    errors: int = 0
    dropped: int = 0
    missed_errors: int = 0
    fifo_errors: int = 0
    carrier_changes: int | None = None


class Stats64(msgspec.Struct):
    """Both directions."""

    rx: Stats = msgspec.field(default_factory=Stats)
    tx: Stats = msgspec.field(default_factory=Stats)


class LinkRow(msgspec.Struct):
    """One interface of `ip -j -d -s link`."""

    ifname: str = ""
    flags: list[str] = []
    mtu: int = 0
    operstate: str = "unknown"
    address: str = ""
    link: str | None = None
    master: str = ""
    parentdev: str = ""
    linkinfo: LinkInfo = msgspec.field(default_factory=LinkInfo)
    stats64: Stats64 | None = None


class Hop(msgspec.Struct):
    """One next hop of a route."""

    dev: str = ""
    flags: list[str] = []


class RouteRow(msgspec.Struct):
    """One route of `ip -j route`."""

    dst: str = ""
    type: str = "unicast"
    dev: str = ""
    flags: list[str] = []
    nexthops: list[Hop] = []


class QdiscRow(msgspec.Struct):
    """One discipline of `tc -j -s qdisc`; counters are absent without -s."""

    kind: str = ""
    handle: str = ""
    parent: str = ""
    dev: str = ""
    root: bool = False
    packets: int = 0
    drops: int = 0
    overlimits: int = 0
    requeues: int = 0
    backlog: int = 0


class RdmaLinkRow(msgspec.Struct):
    """One port of `rdma -j link`."""

    ifname: str = ""
    port: int = 1
    netdev: str | None = None


def addresses(rows: Iterable[AddressRow]) -> Iterator[tuple[str, str]]:
    """Yield (interface, "10.0.0.7/24"); what is no address is left out."""
    for row in rows:
        for own in row.addr_info:
            try:
                yield row.ifname, str(ip_interface(f"{own.local}/{own.prefixlen}"))
            except ValueError:
                continue


def default_devices(rows: Iterable[RouteRow]) -> Iterator[str]:
    """Yield the interfaces of the usable default routes."""
    for row in rows:
        if row.dst == "default" and row.type == "unicast":
            hops = row.nexthops or [Hop(row.dev, row.flags)]
            yield from (hop.dev for hop in hops if hop.dev and not {"dead", "linkdown"} & set(hop.flags))
