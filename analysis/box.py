"""Folds what the box says of itself: interfaces, processors, TCP and RDMA counters, facts."""

from collections import Counter
from collections.abc import Sequence
from typing import Final

from msgspec.structs import replace

from analysis.advice.situation import Growth
from analysis.counters import growth, rate_per_s, rates_per_s
from analysis.recent import Peak, Recent
from analysis.samples import (
    CoreTimes,
    Fact,
    Facts,
    Host,
    LinkCounters,
    LinkInfo,
    LinkInfos,
    Links,
    NicCounters,
    Qdiscs,
    Rdma,
    RdmaPort,
    Sample,
    TcpCounters,
    TcpFlows,
)
from analysis.transfer.results import Tests
from analysis.view import HostRow, LinkRow, RdmaRow

GROWTH_NS: Final = 60 * 10**9
"""The time over which advice looks at the growth of counters."""
RDMA_RATE_NS: Final = 10 * 10**9
LINKS_EVERY_NS: Final = 10 * 10**9
"""A host of containers has thousands of interfaces: not every second of the last minute is kept of them."""


class Box:
    """The latest of everything, and as much of the past as rates need."""

    def __init__(self) -> None:
        self.links: Recent[Links] = Recent(GROWTH_NS, LINKS_EVERY_NS)
        self.hosts: Recent[Host] = Recent(GROWTH_NS)
        self.tcp: Recent[TcpCounters] = Recent(GROWTH_NS)
        self.rdma: Recent[Rdma] = Recent(GROWTH_NS)
        self.nics: Recent[NicCounters] = Recent(GROWTH_NS)
        self.infos: dict[str, LinkInfo] = {}
        self.qdiscs: Qdiscs | None = None
        self.flows: TcpFlows | None = None
        self.facts: dict[str, Fact] = {}
        self.facts_ns = 0
        self.peaks: dict[str, Peak] = {}
        self.tests = Tests()

    def fold(self, sample: Sample) -> bool:
        """Take a sample if it is one of the box's; return whether it was."""
        match sample:
            case Links():
                self.links.add(sample)
                self._peaks(sample.t)
            case Host():
                self.hosts.add(sample)
            case TcpCounters():
                self.tcp.add(sample)
            case TcpFlows():
                self.flows = sample
            case Rdma():
                self.rdma.add(sample)
            case NicCounters():
                self.nics.add(sample)
            case LinkInfos():
                self.infos = {link.name: link for link in sample.links}
            case Qdiscs():
                self.qdiscs = sample
            case Facts():
                self.facts, self.facts_ns = sample.facts, sample.t
            case _:
                return self.tests.fold(sample)
        return True

    def value(self, fact: str) -> str | None:
        """Return a fact's value, None where it is not known."""
        found = self.facts.get(fact)
        return found.value if found else None

    def _peaks(self, t: int) -> None:
        before = {row.name: row for row in self.links[-2].rows} if len(self.links) > 1 else {}
        elapsed = t - self.links[-2].t if before else 0
        for now in self.links[-1].rows:
            bps = 8 * max(_grown_per_s(before.get(now.name), now, elapsed))
            self.peaks.setdefault(now.name, Peak()).record(t, bps)

    def link_rows(self) -> tuple[LinkRow, ...]:
        """Return every interface with its rates between the last two samples."""
        if not self.links:
            return ()
        now = self.links[-1]
        was = self.links[-2] if len(self.links) > 1 else None
        before = {row.name: row for row in was.rows} if was else {}
        elapsed = now.t - was.t if was else 0
        return tuple(self._link_row(row, before.get(row.name), elapsed) for row in now.rows)

    def _link_row(self, now: LinkCounters, was: LinkCounters | None, elapsed_ns: int) -> LinkRow:
        def per_s(*fields: str) -> float | None:
            rates = [rate_per_s(getattr(was, f, None), getattr(now, f), elapsed_ns) for f in fields]
            known = [rate for rate in rates if rate is not None]
            return sum(known) if len(known) == len(rates) else None

        def bits(field: str) -> float | None:
            rate = per_s(field)
            return None if rate is None else rate * 8

        kind, drops = self._qdisc(now.name)
        return LinkRow(
            name=now.name,
            up=now.up,
            info=self.infos.get(now.name),
            rx_bps=bits("rx_bytes"),
            tx_bps=bits("tx_bytes"),
            rx_pps=per_s("rx_packets"),
            tx_pps=per_s("tx_packets"),
            drops_per_s=per_s("rx_dropped", "tx_dropped"),
            errors_per_s=per_s("rx_errors", "tx_errors"),
            qdisc=kind,
            qdisc_drops=drops,
        )

    def _qdisc(self, interface: str) -> tuple[str | None, int | None]:
        rows = [row for row in self.qdiscs.rows if row.interface == interface] if self.qdiscs else []
        root = next((row for row in rows if row.parent == "root"), None)
        return (root.kind if root else None), (sum(row.drops for row in rows) if rows else None)

    def rdma_rows(self) -> tuple[RdmaRow, ...]:
        """Return every RDMA port with the rates of its counters."""
        if not self.rdma:
            return ()
        last = self.rdma[-1]
        first = next(sample for sample in self.rdma if sample is last or sample.t >= last.t - RDMA_RATE_NS)
        before = {(port.device, port.port): port for port in first.ports}
        elapsed = last.t - first.t
        return tuple(_rdma_row(port, before.get((port.device, port.port)), elapsed) for port in last.ports)

    def nic_rates(self) -> dict[str, dict[str, float]]:
        """Return what the cards counted per second between the last two readings, by interface and counter."""
        if len(self.nics) < 2:
            return {}
        was, now = self.nics[-2], self.nics[-1]
        return {
            name: rates_per_s(was.interfaces.get(name, {}), counters, now.t - was.t)
            for name, counters in now.interfaces.items()
        }

    def host_row(self) -> HostRow:
        """Return the processors, memory and TCP of the box as ratios."""
        if not self.hosts:
            return HostRow()
        now = self.hosts[-1]
        was = self.hosts[-2] if len(self.hosts) > 1 else None
        busy = core_shares(was, now) if was else ()
        core = max(range(len(busy)), key=lambda i: busy[i][0]) if busy else None
        total, free = now.memory_total, now.memory_available
        dropped = core_growth(was.softnet_dropped, now.softnet_dropped) if was else ()
        return HostRow(
            cpu_ratio=sum(ratio for ratio, _ in busy) / len(busy) if busy else None,
            busiest_core=core,
            busiest_core_ratio=busy[core][0] if core is not None else None,
            busiest_softirq_ratio=max(softirq for _, softirq in busy) if busy else None,
            memory_ratio=1 - free / total if total and free is not None else None,
            softnet_drops_per_s=sum(dropped) * 1e9 / (now.t - was.t) if was and dropped and now.t > was.t else None,
            tcp_retrans_ratio=self._retrans_ratio(),
        )

    def _retrans_ratio(self) -> float | None:
        """Return the share of segments that were sent again: tcpOutSegs does not count those (RFC 4022)."""
        ends = self.tcp.ends(self.tcp[-1].t) if self.tcp else None
        if ends is None:
            return None
        grown = growth(ends[0].counters, ends[1].counters)
        sent, again = grown.get("TcpOutSegs"), grown.get("TcpRetransSegs")
        return again / (sent + again) if sent is not None and again is not None and sent + again else None

    def growth(self) -> Growth | None:
        """Return how much counters grew over the last minute, None while all were read only once."""
        spans = [span for kept in (self.hosts, self.tcp, self.nics, self.rdma) if (span := _span_ns(kept)) > 0]
        if not spans:
            return None
        grown = Growth(
            seconds=spans[0] / 1e9,
            tcp=growth(self.tcp[0].counters, self.tcp[-1].counters) if self.tcp else {},
            nic=growth(_nic_totals(self.nics[0]), _nic_totals(self.nics[-1])) if len(self.nics) > 1 else {},
            rdma=growth(_rdma_totals(self.rdma[0]), _rdma_totals(self.rdma[-1])) if len(self.rdma) > 1 else {},
        )
        return _with_host(grown, self.hosts[0], self.hosts[-1]) if len(self.hosts) > 1 else grown


def _grown_per_s(was: LinkCounters | None, now: LinkCounters, elapsed_ns: int) -> tuple[float, float]:
    """Return the bytes received and sent per second; what is not known counts as none."""
    if was is None:
        return 0.0, 0.0
    return (
        rate_per_s(was.rx_bytes, now.rx_bytes, elapsed_ns) or 0.0,
        rate_per_s(was.tx_bytes, now.tx_bytes, elapsed_ns) or 0.0,
    )


def _span_ns(kept: Sequence[Sample]) -> int:
    return kept[-1].t - kept[0].t if len(kept) > 1 else 0


def _with_host(grown: Growth, first: Host, last: Host) -> Growth:
    busy = core_shares(first, last)
    return replace(
        grown,
        softnet_processed=core_growth(first.softnet_processed, last.softnet_processed),
        softnet_dropped=core_growth(first.softnet_dropped, last.softnet_dropped),
        softnet_squeezed=core_growth(first.softnet_squeezed, last.softnet_squeezed),
        interrupts=core_growth(first.net_rx, last.net_rx),
        busy_ratio=tuple(ratio for ratio, _ in busy),
        softirq_ratio=tuple(ratio for _, ratio in busy),
    )


def _nic_totals(sample: NicCounters) -> dict[str, int]:
    return {f"{name}.{counter}": n for name, counters in sample.interfaces.items() for counter, n in counters.items()}


def _rdma_totals(sample: Rdma) -> dict[str, int]:
    """Return the counters by device, its ports together."""
    totals: Counter[str] = Counter()
    for port in sample.ports:
        totals.update({f"{port.device}.{name}": value for name, value in port.counters.items()})
    return totals


def core_shares(was: Host, now: Host) -> tuple[tuple[float, float], ...]:
    """Return the busy and softirq shares of each core between two samples."""
    if len(was.cores) != len(now.cores):
        return ()
    return tuple(_share(a, b) for a, b in zip(was.cores, now.cores, strict=True))


def _share(was: CoreTimes, now: CoreTimes) -> tuple[float, float]:
    total = now.total - was.total
    if total <= 0:
        return 0.0, 0.0
    return (now.busy - was.busy) / total, (now.softirq - was.softirq) / total


def core_growth(was: tuple[int, ...], now: tuple[int, ...]) -> tuple[int, ...]:
    """Return by how much each core's total grew; () where cores came or went, as in `core_shares`."""
    return tuple(max(0, b - a) for a, b in zip(was, now, strict=True)) if len(was) == len(now) else ()


def _rdma_row(now: RdmaPort, was: RdmaPort | None, elapsed_ns: int) -> RdmaRow:
    rates: dict[str, float] = {}
    for name, value in now.counters.items():
        rate = rate_per_s(was.counters.get(name) if was else None, value, elapsed_ns)
        if rate is not None:
            rates[name] = rate
    return RdmaRow(now, _octets(rates.get("port_rcv_data")), _octets(rates.get("port_xmit_data")), rates)


def _octets(words_per_s: float | None) -> float | None:
    """Return bit/s: the port data counters count 32-bit words (IBTA 16.1.3.5, PortXmitData)."""
    return None if words_per_s is None else words_per_s * 32
