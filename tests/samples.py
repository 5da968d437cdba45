"""Streams of samples for tests: what collectors would emit, made up."""

from hypothesis import strategies as st
from msgspec.structs import replace

from analysis.samples import (
    Check,
    CoreTimes,
    Fact,
    Facts,
    Health,
    Host,
    LinkCounters,
    Links,
    Mark,
    Name,
    Outcome,
    PortRow,
    Ports,
    Prober,
    Probes,
    Rdma,
    RdmaPort,
    Route,
    Routes,
    Sample,
    Series,
    Service,
    TcpCounters,
    TcpFlow,
)
from analysis.text import Sentence

START_NS = 1_790_000_000 * 10**9
SECOND_NS = 10**9

ETH0 = Route("eth0 10.0.0.1", "eth0", 4, "eth0", gateway="10.0.0.1")
ETH1 = Route("eth1 10.1.0.1", "eth1", 4, "eth1", gateway="10.1.0.1")
FLOW = TcpFlow(
    local="10.0.0.2",
    remote="192.0.2.1",
    local_port=40_000,
    remote_port=443,
    cc="cubic",
    rtt_us=150_000,
    min_rtt_us=150_000,
    cwnd=10,
    mss=1448,
    bytes_acked=0,
    bytes_received=0,
    bytes_sent=0,
    bytes_retrans=0,
    delivery_rate_bps=None,
    delivery_app_limited=None,
    pacing_bps=None,
    busy_us=None,
    rwnd_limited_us=None,
    sndbuf_limited_us=None,
)


def at(seconds: float) -> int:
    """Return a sample time."""
    return START_NS + int(seconds * SECOND_NS)


def definitions(second: float = 0) -> list[Sample]:
    """Return a box with two routes, a gateway, and one target over both routes."""
    t = at(second)
    return [
        Prober(t, 4, "raw", "kernel"),
        Routes(t, (ETH0, ETH1)),
        Series(t, 1, "gateway", "10.0.0.1", route=ETH0.id, role="gateway", stamps="kernel"),
        Series(t, 2, "far.example", "192.0.2.1", route=ETH0.id, stamps="kernel"),
        Series(t, 3, "far.example", "192.0.2.1", route=ETH1.id, stamps="kernel"),
    ]


def second(n: int, *rtts_us: int | None, series: tuple[int, ...] = (1, 2, 3)) -> Probes:
    """Return one second's batch: one probe a series, None for a lost one (told two seconds later)."""
    outcomes = tuple(Outcome.LOST if rtt is None else Outcome.ANSWERED for rtt in rtts_us)
    return Probes(at(n), series[: len(rtts_us)], (500_000,) * len(rtts_us), outcomes, rtts_us)


def box(n: int) -> list[Sample]:
    """Return one second of the box's counters."""
    t = at(n)
    return [
        Links(t, (LinkCounters("eth0", True, n * 1000, n * 500, n, n, 0, 0, 0, 0),)),
        Host(t, (CoreTimes(n * 10, n, n * 100),), (n,), (0,), (0,), 1 << 30, 1 << 29),
        TcpCounters(t, {"TcpOutSegs": n * 100, "TcpRetransSegs": n}),
        Rdma(t, (RdmaPort("rxe0", 1, "Ethernet", "ACTIVE", counters={"sent_pkts": n * 7}),)),
    ]


def session(seconds: int, rtt_us: int = 20_000, lossy: int = 0) -> list[Sample]:
    """Return a whole session; every `lossy`-th probe to the target over eth0 is lost."""
    samples: list[Sample] = definitions()
    for n in range(1, seconds + 1):
        lost = lossy and n % lossy == 0
        samples += [second(n, 300 + n % 7, None if lost else rtt_us + n % 50, rtt_us * 2), *box(n)]
    return samples


def rdma_session(*more: Sample, lossy: int = 0) -> list[Sample]:
    """Return a minute of paths beside an RDMA port that gets a NAK a second, and `more` among it."""
    port = RdmaPort("mlx5_0", 1, "Ethernet", "ACTIVE", "mlx5_core", "ens1", 100.0)
    totals = ({"packet_seq_err": n, "port_xmit_packets": 50_000 * n} for n in range(60))
    ports = [Rdma(at(n), (replace(port, counters=counters),)) for n, counters in enumerate(totals)]
    paths = [sample for sample in session(60, lossy=lossy) if not isinstance(sample, Rdma)]
    return sorted([*paths, *ports, *more], key=lambda sample: sample.t)


outcomes = st.sampled_from([Outcome.ANSWERED] * 6 + [Outcome.LOST, Outcome.LATE, Outcome.FAILED, Outcome.DUPLICATE])


@st.composite
def streams(draw: st.DrawFn, max_seconds: int = 40) -> list[Sample]:
    """Draw a session with random outcomes, route changes, marks, health and facts."""
    samples: list[Sample] = definitions()
    for n in range(1, draw(st.integers(1, max_seconds)) + 1):
        rows = draw(st.lists(st.tuples(st.sampled_from([1, 2, 3]), outcomes, st.integers(100, 400_000)), max_size=4))
        samples.append(
            Probes(
                at(n),
                tuple(series for series, _, _ in rows),
                tuple(draw(st.integers(0, 3_000_000)) for _ in rows),
                tuple(int(outcome) for _, outcome, _ in rows),
                tuple(rtt if outcome == Outcome.ANSWERED else None for _, outcome, rtt in rows),
                in_flight=((2, 1),) if draw(st.booleans()) else (),
            )
        )
        samples += box(n)
        extra: list[Sample] = [
            Mark(at(n), "x"),
            Health(at(n), "paths", "failed", Sentence("no"), 1.0),
            Routes(at(n), (ETH0,)),
            Routes(at(n), (ETH0, ETH1)),
            Name(at(n), "far.example", ("192.0.2.1",)),
            Facts(at(n), {"gpu.count": Fact("2", "x")}),
            Service(at(n), "web", "tcp", "tcp://far.example:443", failures=2, successes=1),
            Check(at(n), "web", "refused", Sentence("no")),
            Check(at(n), "web"),
            Ports(
                at(n), "far.example", "192.0.2.1", rows=(PortRow(22, True, "closed"), PortRow(6379, False, "open"))
            ),
            Ports(
                at(n), "far.example", "192.0.2.1", rows=(PortRow(22, True, "open"), PortRow(6379, False, "closed"))
            ),
        ]
        if draw(st.integers(0, 4)) == 0:
            samples.append(draw(st.sampled_from(extra)))
    return samples
