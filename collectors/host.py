"""CPU, memory, packet backlog and TCP of the box, once a second, from procfs."""

from collections.abc import Sequence
from typing import Final

from msgspec.structs import replace

from analysis.samples import CoreTimes, Host, TcpCounters
from collectors.base import Emit, Need
from collectors.clock import Clock
from collectors.root import Root
from collectors.ticks import ticks

TCP_COUNTERS: Final[dict[str, frozenset[str]]] = {
    "Ip": frozenset(("InDiscards", "OutDiscards", "OutNoRoutes", "ReasmFails", "FragFails")),
    "IpExt": frozenset(("InCEPkts", "InECT0Pkts", "InECT1Pkts", "InNoECTPkts")),
    "Tcp": frozenset(
        (
            "ActiveOpens",
            "PassiveOpens",
            "AttemptFails",
            "EstabResets",
            "InSegs",
            "OutSegs",
            "RetransSegs",
            "InErrs",
            "OutRsts",
        )
    ),
    "TcpExt": frozenset(
        (
            "ListenOverflows",
            "ListenDrops",
            "TCPReqQFullDrop",
            "TCPReqQFullDoCookies",
            "TCPBacklogDrop",
            "TCPTimeouts",
            "TCPSpuriousRTOs",
            "TCPFastRetrans",
            "TCPLostRetransmit",
            "TCPSynRetrans",
            "TCPLossProbes",
            "TCPDSACKRecv",
            "TCPSACKReorder",
            "TCPTSReorder",
            "TCPAbortOnTimeout",
            "TCPAbortOnMemory",
            "TCPMemoryPressures",
            "PruneCalled",
            "TCPRcvCollapsed",
            "TCPRcvQDrop",
            "TCPZeroWindowDrop",
            "TCPOFODrop",
            "TCPMTUPFail",
            "TCPMTUPSuccess",
        )
    ),
    "Udp": frozenset(("InErrors", "RcvbufErrors", "SndbufErrors")),
}
"""What is kept of some 200: congestion, loss, queues that overflow, ECN, path MTU (kernel: snmp_counter.rst)."""


def core_times(stat: str) -> tuple[CoreTimes, ...]:
    """Return each core's totals from /proc/stat, in clock ticks. Guest time is already in user time."""
    return tuple(
        _core([int(field) for field in line.split()[1:9]])
        for line in stat.splitlines()
        if line.startswith("cpu") and not line.startswith("cpu ")
    )


def _core(fields: list[int]) -> CoreTimes:
    """`fields`: user, nice, system, idle, iowait, irq, softirq, steal."""
    total = sum(fields)
    return CoreTimes(busy=total - fields[3] - fields[4], softirq=fields[6], total=total)


def softnet(text: str) -> tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]:
    """Return processed, dropped and time-squeezed packets per CPU from /proc/net/softnet_stat (hexadecimal)."""
    rows = [line.split()[:3] for line in text.splitlines()]
    processed, dropped, squeezed = ([int(row[column], 16) for row in rows] for column in range(3))
    return tuple(processed), tuple(dropped), tuple(squeezed)


def counters(text: str) -> dict[str, int]:
    """Return counters from /proc/net/snmp or netstat: a line of names, then one of values, both led by "Tcp:"."""
    found: dict[str, int] = {}
    lines = iter(text.splitlines())
    for names, values in zip(lines, lines, strict=False):
        prefix, *keys = names.split()
        group = prefix.removesuffix(":")
        wanted = TCP_COUNTERS.get(group)
        if wanted:
            pairs = zip(keys, values.split()[1:], strict=False)
            found.update({group + key: int(value) for key, value in pairs if key in wanted})
    return found


def received(text: str) -> tuple[int, ...]:
    """Return how often each core was called to receive packets, from /proc/softirqs (NET_RX)."""
    row = next((line.split()[1:] for line in text.splitlines() if line.split()[:1] == ["NET_RX:"]), [])
    return tuple(int(count) for count in row)


def read_host(root: Root, t: int) -> Host:
    """Return the processors and the backlog; without memory, which takes more than a file."""
    processed, dropped, squeezed = softnet(root.read_text("proc/net/softnet_stat"))
    return Host(
        t=t,
        cores=core_times(root.read_text("proc/stat")),
        softnet_processed=processed,
        softnet_dropped=dropped,
        softnet_squeezed=squeezed,
        net_rx=received(root.read_text("proc/softirqs")) if root.exists("proc/softirqs") else (),
    )


class HostCollector:
    """Emits `Host` and `TcpCounters`."""

    name = "host"

    def __init__(self, clock: Clock, root: Root | None = None, *, interval_s: float = 1.0) -> None:
        self._clock = clock
        self._root = root or Root()
        self._interval_s = interval_s

    def needs(self) -> Sequence[Need]:
        """Everyone may read these files."""
        return ()

    async def run(self, emit: Emit) -> None:
        """Emit until cancelled."""
        async for _ in ticks(self._interval_s):
            emit(self.host())
            emit(self.tcp())

    def host(self) -> Host:
        """Read the processors, the backlog and the memory once."""
        import psutil  # here, because it takes 20 ms that the first paint does without

        memory = psutil.virtual_memory()
        read = read_host(self._root, self._clock.now_ns())
        return replace(read, memory_total=memory.total, memory_available=memory.available)

    def tcp(self) -> TcpCounters:
        """Read the protocol counters once."""
        found = counters(self._root.read_text("proc/net/snmp")) | counters(self._root.read_text("proc/net/netstat"))
        return TcpCounters(self._clock.now_ns(), found)
