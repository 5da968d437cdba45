"""Counters of every interface once a second, and what changes seldom about them when it changes.

One RTM_GETLINK dump carries all of it; sysfs would be ten small files for each interface.
"""

import socket
from collections.abc import Sequence
from struct import Struct
from typing import Final

import msgspec

from analysis.samples import LinkCounters, LinkInfo, LinkInfos, Links
from collectors.base import Emit, Need
from collectors.clock import Clock
from collectors.netlink import attributes, dump, number, text
from collectors.root import Root
from collectors.rtnetlink import IFF_UP_RUNNING, LINK, RTM_GETLINK, RTM_NEWLINK, read_addresses
from collectors.ticks import ticks

_STATS: Final = Struct("=16Q")
_IFLA_ADDRESS, _IFLA_IFNAME, _IFLA_MTU, _IFLA_OPERSTATE = 1, 3, 4, 16
_IFLA_LINKINFO, _IFLA_STATS64, _IFLA_CARRIER_CHANGES = 18, 23, 35
_OPERSTATES: Final = ("unknown", "notpresent", "down", "lowerlayerdown", "testing", "dormant", "up")


class LinkState(msgspec.Struct, frozen=True):
    """One interface as the kernel tells it; `kind` is its link type for a software device, else None."""

    index: int
    counters: LinkCounters
    mtu: int
    operstate: str
    mac: str | None
    kind: str | None


def link_state(buffer: memoryview, start: int, end: int) -> LinkState:
    """Return what an RTM_NEWLINK message (ifinfomsg) says. Missed packets count as dropped, as in /proc/net/dev."""
    _, _, index, flags, _ = LINK.unpack_from(buffer, start)
    fields = dict(attributes(buffer, start + LINK.size, end))
    rx, tx, rx_bytes, tx_bytes, rx_errors, tx_errors, rx_dropped, tx_dropped, *_, missed = _STATS.unpack_from(
        fields[_IFLA_STATS64]
    )
    changes = fields.get(_IFLA_CARRIER_CHANGES)
    row = LinkCounters(
        name=text(fields[_IFLA_IFNAME]),
        up=flags & IFF_UP_RUNNING == IFF_UP_RUNNING,
        rx_bytes=rx_bytes,
        tx_bytes=tx_bytes,
        rx_packets=rx,
        tx_packets=tx,
        rx_dropped=rx_dropped + missed,
        tx_dropped=tx_dropped,
        rx_errors=rx_errors,
        tx_errors=tx_errors,
        carrier_changes=None if changes is None else number(changes),
    )
    operstate = fields[_IFLA_OPERSTATE][0] if _IFLA_OPERSTATE in fields else 0
    mac = bytes(fields.get(_IFLA_ADDRESS, b""))
    nested = fields.get(_IFLA_LINKINFO, memoryview(b""))
    kind = dict(attributes(nested, 0, len(nested))).get(1)  # IFLA_INFO_KIND
    return LinkState(
        index=index,
        counters=row,
        mtu=number(fields[_IFLA_MTU]),
        operstate=_OPERSTATES[operstate] if operstate < len(_OPERSTATES) else "unknown",
        mac=mac.hex(":") if any(mac) else None,
        kind=None if kind is None else text(kind),
    )


async def read_link_states() -> list[LinkState]:
    """Return all interfaces of this network namespace."""
    states: list[LinkState] = []
    async for buffer, found in dump(socket.NETLINK_ROUTE, RTM_GETLINK, LINK.pack(0, 0, 0, 0, 0)):
        states.extend(link_state(buffer, start, end) for kind, start, end in found if kind == RTM_NEWLINK)
    return states


class LinksCollector:
    """Emits `Links` at every tick and `LinkInfos` when they differ from the last."""

    name = "links"

    def __init__(self, clock: Clock, root: Root | None = None, *, interval_s: float = 1.0) -> None:
        self._clock = clock
        self._root = root or Root()
        self._interval_s = interval_s
        self._hardware: dict[tuple[int, str, str, int | None], tuple[str | None, int | None]] = {}

    def needs(self) -> Sequence[Need]:
        """Reading interfaces needs no privilege."""
        return ()

    async def run(self, emit: Emit) -> None:
        """Emit until cancelled."""
        seen: tuple[LinkInfo, ...] | None = None
        async for _ in ticks(self._interval_s):
            states = await read_link_states()
            emit(Links(self._clock.now_ns(), tuple(state.counters for state in states)))
            infos = await self._infos(states)
            if infos != seen:
                emit(LinkInfos(self._clock.now_ns(), infos))
                seen = infos

    async def _infos(self, states: Sequence[LinkState]) -> tuple[LinkInfo, ...]:
        addresses: dict[int, list[str]] = {}
        for own in await read_addresses():
            addresses.setdefault(own.index, []).append(f"{own.address}/{own.prefix_bits}")
        asked = {(s.index, s.counters.name, s.operstate, s.counters.carrier_changes): s for s in states}
        self._hardware = {
            key: self._hardware.get(key) or _hardware(self._root, state.counters.name) for key, state in asked.items()
        }
        return tuple(
            LinkInfo(
                name=state.counters.name,
                mtu=state.mtu,
                kind=driver or state.kind,
                speed_mbps=speed,
                operstate=state.operstate,
                mac=state.mac,
                addresses=tuple(addresses.get(state.index, ())),
            )
            for state, (driver, speed) in zip(states, self._hardware.values(), strict=True)
        )


def _hardware(root: Root, name: str) -> tuple[str | None, int | None]:
    """Return the driver and the speed in Mb/s, each None where the device has none or does not say."""
    return driver_of(root, name), speed_of(root, name)


def driver_of(root: Root, name: str) -> str | None:
    """Return the kernel driver of a hardware interface, None for a software one."""
    try:
        return root.link_name(f"sys/class/net/{name}/device/driver")
    except OSError:
        return None


def speed_of(root: Root, name: str) -> int | None:
    """Return the link speed in Mb/s; None without a carrier or such a thing (the kernel says -1 or EINVAL)."""
    try:
        speed = int(root.read_text(f"sys/class/net/{name}/speed"))
    except (OSError, ValueError):
        return None
    return speed if speed > 0 else None
