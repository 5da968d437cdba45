"""The box: its links, queues, processors and settings."""

import msgspec

from analysis.samples.base import Row, Sample
from analysis.text import Sentence


class LinkCounters(Row, frozen=True):
    """One interface's running totals (struct rtnl_link_stats64) and carrier."""

    name: str
    up: bool
    rx_bytes: int
    tx_bytes: int
    rx_packets: int
    tx_packets: int
    rx_dropped: int
    tx_dropped: int
    rx_errors: int
    tx_errors: int
    carrier_changes: int | None = None


class Links(Sample, frozen=True, tag="links"):
    """Counters of every interface, once a second."""

    rows: tuple[LinkCounters, ...] = ()


class LinkInfo(msgspec.Struct, frozen=True, omit_defaults=True):
    """What changes seldom about an interface."""

    name: str
    mtu: int
    kind: str | None = None
    """Driver for hardware, link type for software devices ("veth", "bond")."""
    speed_mbps: int | None = None
    operstate: str = "unknown"
    mac: str | None = None
    addresses: tuple[str, ...] = ()
    """With prefix length, as `ip addr` prints them."""


class LinkInfos(Sample, frozen=True, tag="linkinfo"):
    """All interfaces, when something of theirs changed."""

    links: tuple[LinkInfo, ...] = ()


class QdiscCounters(Row, frozen=True):
    """One queueing discipline's running totals (TCA_STATS2)."""

    interface: str
    kind: str
    handle: str
    parent: str
    packets: int
    drops: int
    overlimits: int
    requeues: int
    backlog_bytes: int


class Qdiscs(Sample, frozen=True, tag="qdiscs"):
    """Queueing disciplines of every interface that has one."""

    rows: tuple[QdiscCounters, ...] = ()


class CoreTimes(Row, frozen=True):
    """One core's running totals in clock ticks (/proc/stat)."""

    busy: int
    softirq: int
    total: int


class Host(Sample, frozen=True, tag="host"):
    """CPU, memory and packet backlog of the box, once a second."""

    cores: tuple[CoreTimes, ...] = ()
    softnet_processed: tuple[int, ...] = ()
    softnet_dropped: tuple[int, ...] = ()
    softnet_squeezed: tuple[int, ...] = ()
    memory_total: int | None = None
    memory_available: int | None = None
    net_rx: tuple[int, ...] = ()
    """How often each core was called to receive packets (/proc/softirqs, NET_RX)."""


class Fact(msgspec.Struct, frozen=True, omit_defaults=True):
    """One thing read from the box: its value as text, or why it could not be read."""

    value: str | None = None
    source: str = ""
    """File or interface it came from, as a person would check it."""
    problem: Sentence | None = None


class Facts(Sample, frozen=True, tag="facts"):
    """What advice rests on, by dotted key: "sysctl.net.ipv4.tcp_rmem", "kernel.release", "link.eth0.driver"."""

    facts: dict[str, Fact] = {}
