"""A made-up session, the same every time: two ways out, one of them lossy, an outage, RDMA counters."""

import math
import random
from collections.abc import Iterator
from pathlib import Path
from tempfile import mkdtemp

from analysis.samples import (
    CoreTimes,
    Fact,
    Facts,
    Host,
    LinkCounters,
    LinkInfo,
    LinkInfos,
    Links,
    Mark,
    Outcome,
    Prober,
    Probes,
    Rdma,
    RdmaPort,
    Route,
    Routes,
    Sample,
    Series,
)
from collectors.clock import Clock
from collectors.session.header import Header, new_header
from collectors.session.writer import SessionWriter

START_NS = 1_790_000_000 * 10**9
SECONDS = 1500
CN2 = Route("eth1", "CN2", 4, "eth1", gateway="198.51.100.1", metric=100)
AS4837 = Route("eth0", "AS4837", 4, "eth0", gateway="203.0.113.1")
TARGETS = (
    ("gateway", "203.0.113.1", AS4837, "gateway", 0.3, 0.0),
    ("vast.ai", "192.0.2.10", CN2, "target", 148.0, 0.004),
    ("vast.ai", "192.0.2.10", AS4837, "target", 186.0, 0.03),
    ("console.vast.ai", "192.0.2.11", CN2, "target", 152.0, 0.004),
    ("console.vast.ai", "192.0.2.11", AS4837, "target", 189.0, 0.03),
)
FACTS = {
    "sysctl.net.ipv4.tcp_congestion_control": "cubic",
    "sysctl.net.ipv4.tcp_available_congestion_control": "reno cubic bbr",
    "sysctl.net.ipv4.tcp_allowed_congestion_control": "reno cubic bbr",
    "module.tcp_bbr": "loaded",
    "kernel.release": "6.1.0-28-amd64",
    "container": "none",
    "netns.initial": "yes",
    "gpu.count": "8",
}


def write() -> Path:
    """Write the session to a new file and return its path."""
    path = Path(mkdtemp()) / "made-up.lps"
    clock = Clock(lambda: START_NS, lambda: 0)
    made = new_header(clock, "longpipe", {}, ())
    fields = {name: getattr(made, name) for name in Header.__struct_fields__}
    writer = SessionWriter(path, Header(**{**fields, "host": "gpu-07"}))
    for sample in samples():
        writer.write(sample)
    writer.flush()
    writer.close()
    return path


def samples() -> Iterator[Sample]:
    """Yield everything that box saw."""
    chance = random.Random(7)
    t = START_NS
    yield Prober(t, 4, "raw", "kernel")
    yield Routes(t, (CN2, AS4837))
    yield LinkInfos(t, (LinkInfo("eth0", 1500, "virtio_net", 1000), LinkInfo("eth1", 1500, "mlx5_core", 25_000)))
    yield Facts(t, {key: Fact(value, "/proc") for key, value in FACTS.items()})
    for number, (name, address, route, role, _ms, _loss) in enumerate(TARGETS, 1):
        yield Series(t, number, name, address, route=route.id, role=role, stamps="kernel")
    for second in range(1, SECONDS + 1):
        yield from _second(second, chance)


def _second(second: int, chance: random.Random) -> Iterator[Sample]:
    t = START_NS + second * 10**9
    rtts = [_rtt(second, number, chance) for number in range(len(TARGETS))]
    outcomes = tuple(Outcome.LOST if rtt is None else Outcome.ANSWERED for rtt in rtts)
    yield Probes(t, tuple(range(1, len(TARGETS) + 1)), (400_000,) * len(TARGETS), outcomes, tuple(rtts))
    yield Links(t, (_link("eth0", second, 9_000_000), _link("eth1", second, 1_200_000)))
    yield Host(t, (CoreTimes(second * 30, second, second * 100),), (second,), (0,), (0,), 1 << 38, 1 << 37)
    counters = {"port_rcv_data": second * 75_000_000, "packet_seq_err": second // 9, "np_cnp_sent": second * 3}
    yield Rdma(t, (RdmaPort("mlx5_0", 1, "Ethernet", "ACTIVE", "mlx5_core", "eth1", 25.0, counters),))
    if second == 620:
        yield Mark(t, "changed the uplink")


def _rtt(second: int, number: int, chance: random.Random) -> int | None:
    """Return one probe's time in µs; the second path loses more towards the end, and nothing answers for a while."""
    _name, _address, route, role, base_ms, loss = TARGETS[number]
    busy = 1 + math.sin(second / 180)
    if role == "gateway":
        return int(base_ms * 1000 + chance.random() * 40)
    if route is AS4837 and (840 <= second < 858 or chance.random() < loss * (1 + second / 900)):
        return None
    if chance.random() < loss:
        return None
    late = 60 * chance.random() ** 6 * (1 + busy)
    return int((base_ms + busy * 4 + chance.random() * 3 + late) * 1000)


def _link(name: str, second: int, rate: int) -> LinkCounters:
    packets = second * 900
    return LinkCounters(name, True, second * rate, second * rate // 3, packets, packets, 0, 0, 0, 0)
