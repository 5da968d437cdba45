"""What is to be seen at one moment: the frozen snapshot that panes, reports and plain lines draw."""

from typing import TYPE_CHECKING, Literal

import msgspec

from analysis.advice.plan import Plan
from analysis.buckets import Bucket
from analysis.events import Event
from analysis.objectives import Judgement
from analysis.outages import Outage
from analysis.path.view import PathView
from analysis.roce.live import RocePoint
from analysis.roce.merge import FlowKey
from analysis.samples import Fact, Health, LinkInfo, Name, Prober, RdmaPort, Series
from analysis.score import RouteScore
from analysis.services.view import PortsRow, ServiceRow
from analysis.severity import Severity
from analysis.text import Sentence
from analysis.throughput import Prediction
from analysis.transfer.results import Run
from analysis.window import Window

if TYPE_CHECKING:
    from analysis.roce.schema import Report
    from analysis.roce.verdict import Verdict as RoceVerdict

SPANS_NS: tuple[int, ...] = tuple(s * 10**9 for s in (120, 600, 3600, 6 * 3600, 24 * 3600))
"""How much time the graphs can show."""


class Lens(msgspec.Struct, frozen=True):
    """What the person looks at: how much time, and which path's graph."""

    span_ns: int = SPANS_NS[0]
    step_ns: int = 10**9
    path: str | None = None
    trace: bool = False
    """Whether the hops of the chosen path are looked at."""
    flow: tuple[str, FlowKey] | None = None
    """Interface and key of the RoCE flow whose timeline is wanted."""


class PathRow(msgspec.Struct, frozen=True):
    """One path with its statistics over the scoring window."""

    id: str
    target: str
    route: str
    series: Series
    window: Window
    last_rtt_us: int | None
    in_flight: int
    epoch_ns: int
    outages: tuple[Outage, ...] = ()
    problem: Sentence | None = None
    foreign: int = 0
    barred: bool = False
    """Never answered where another protocol's probes of the same address are: says nothing of the way."""


class Graph(msgspec.Struct, frozen=True):
    """One path's history for drawing: time-aligned buckets from start to end, and lines to draw across."""

    path: str
    start_ns: int
    end_ns: int
    step_ns: int
    buckets: tuple[Bucket, ...]
    epochs: tuple[int, ...] = ()
    events: tuple[Event, ...] = ()


class PathSpan(msgspec.Struct, frozen=True):
    """One path over a stretch of time: statistics of its current epoch, the outages and the graph of all of it."""

    row: PathRow
    graph: Graph


class RouteRow(msgspec.Struct, frozen=True):
    """One way out, judged."""

    id: str
    name: str
    family: Literal[4, 6]
    interface: str
    gateway: str | None
    source: str | None
    up: bool
    standby: bool
    best: bool
    window: Window
    score: RouteScore
    bandwidth_mbps: float | None
    bandwidth_at_least: bool
    bandwidth_source: Sentence | None
    predictions: tuple[Prediction, ...]
    objectives: tuple[Judgement, ...]
    tests: tuple[Run, ...] = ()
    """The last bandwidth tests over it, newest first."""


class LinkRow(msgspec.Struct, frozen=True):
    """One interface now; rates are per second over the last two samples."""

    name: str
    up: bool
    info: LinkInfo | None
    rx_bps: float | None
    tx_bps: float | None
    rx_pps: float | None
    tx_pps: float | None
    drops_per_s: float | None
    errors_per_s: float | None
    qdisc: str | None = None
    qdisc_drops: int | None = None


class RdmaRow(msgspec.Struct, frozen=True):
    """One RDMA port; rates are per second over the last ten seconds, by the driver's counter names."""

    port: RdmaPort
    rx_bps: float | None
    tx_bps: float | None
    rates: dict[str, float] = {}


class RoceRow(msgspec.Struct, frozen=True):
    """What was captured of RoCE on one interface over the last minute, as a report with its verdict."""

    interface: str
    report: "Report"
    verdict: "RoceVerdict"
    keys: tuple[FlowKey, ...]
    """Of the report's flows, in its order."""
    dropped: int


class HostRow(msgspec.Struct, frozen=True):
    """The box now, ratios from 0 to 1."""

    cpu_ratio: float | None = None
    busiest_core: int | None = None
    busiest_core_ratio: float | None = None
    busiest_softirq_ratio: float | None = None
    memory_ratio: float | None = None
    softnet_drops_per_s: float | None = None
    tcp_retrans_ratio: float | None = None


class Verdict(msgspec.Struct, frozen=True):
    """The one sentence at the top, what it rests on, and what it cannot know. `path`: where to look."""

    severity: Severity
    text: Sentence
    evidence: tuple[Sentence, ...] = ()
    path: str | None = None
    not_observable: tuple[Sentence, ...] = ()


class Counted(msgspec.Struct, frozen=True):
    """What the counters of the last minute say is wrong, one by one."""

    rdma: tuple[Verdict, ...] = ()
    """Of RDMA ports, and of cards' pauses."""
    box: tuple[Verdict, ...] = ()
    """Of interfaces, cards and processors."""
    clean: Sentence | None = None
    """That the box counts no error, where that can be said."""


class View(msgspec.Struct, frozen=True):
    """Everything that can be seen at `at_ns`."""

    at_ns: int
    window_ns: int
    paths: tuple[PathRow, ...]
    graph: Graph | None
    routes: tuple[RouteRow, ...]
    links: tuple[LinkRow, ...]
    trace: PathView | None
    """The hops of the chosen path, where they are looked at and known."""
    rdma: tuple[RdmaRow, ...]
    rdma_absent: Sentence | None
    nics: dict[str, dict[str, float]]
    """Pauses, discards and congestion marks per second, by interface and the driver's counter names."""
    counted: Counted
    roce: tuple[RoceRow, ...]
    roce_points: tuple[RocePoint, ...]
    """The wanted flow second by second, within the graph's span."""
    span_ns: tuple[int, int]
    """From when to when graphs go."""
    host: HostRow
    verdict: Verdict
    plan: Plan
    probers: tuple[Prober, ...]
    names: tuple[Name, ...]
    health: tuple[Health, ...]
    events: tuple[Event, ...]
    facts: dict[str, Fact]
    services: tuple[ServiceRow, ...] = ()
    ports: tuple[PortsRow, ...] = ()
    dropped: int = 0
    routes_known: bool = True
    """Whether the ways out have been read: until then that there are none says nothing."""
