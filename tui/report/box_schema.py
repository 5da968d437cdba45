"""The part of schema `longpipe.report/1` that tells of the box itself."""

from tui.report.part import Part


class LinkPart(Part, frozen=True):
    """One interface: rates at the end of the span, what its queue dropped in all."""

    name: str
    up: bool
    kind: str | None
    """Driver of hardware, type of what is software."""
    speed_mbps: int | None
    mtu: int | None
    rx_bps: float | None
    tx_bps: float | None
    rx_pps: float | None
    tx_pps: float | None
    errors_per_s: float | None
    drops_per_s: float | None
    qdisc: str | None
    qdisc_drops: int | None


class BoxPart(Part, frozen=True):
    """Processors, memory and interfaces at the end of the span; `tcp_retrans_ratio` is of the last minute.

    Ways out come first, then what has errors, then by traffic, at most 16; loopback and containers are left out.
    """

    cpu_ratio: float | None
    busiest_core: int | None
    busiest_core_ratio: float | None
    softirq_ratio: float | None
    """The most that any core spent on interrupts' work, of which packets are the most part here."""
    memory_ratio: float | None
    softnet_drops_per_s: float | None
    tcp_retrans_ratio: float | None
    links: tuple[LinkPart, ...]
    links_left_out: int
