"""Schema `longpipe.report/1`. Fields are added, never changed, while the schema is /1.

Times are RFC 3339 in UTC, durations seconds, rates per second, ratios 0 to 1; null is "not known", never zero. Text
is in the person's language; ids, kinds and states are not.
"""

from typing import Literal

from analysis.advice.plan import Confidence, Risk, Scope
from analysis.advice.plan import Severity as AdviceSeverity
from analysis.events import EventKind
from analysis.objectives import Objective, State
from analysis.samples import Protocol, Role, Stamps
from analysis.severity import Severity
from tui.report.box_schema import BoxPart
from tui.report.part import Part
from tui.report.service_schema import PortsPart, ServicePart


class VerdictPart(Part, frozen=True):
    """The one sentence that matters, at the end of the span, and what it rests on."""

    severity: Severity
    text: str
    evidence: tuple[str, ...]


class Times(Part, frozen=True):
    """Round-trip times in microseconds; jitter by RFC 3550."""

    min: int | None
    p50: int | None
    p99: int | None
    max: int | None
    mean: float | None
    jitter: float | None


class TargetPart(Part, frozen=True):
    """One target over one route. Counts are of its current epoch, which began at `since`."""

    target: str
    address: str
    protocol: Protocol
    port: int | None
    route: str
    role: Role
    stamps: Stamps
    since: str
    sent: int
    answered: int
    late: int
    lost: int
    in_flight: int
    unreachable: int
    failed: int
    duplicates: int
    loss_ratio: float | None
    loss_interval: tuple[float, float] | None
    """95 % confidence (Wilson)."""
    rtt_us: Times
    problem: str | None


class OutagePart(Part, frozen=True):
    """Probe after probe lost. `end` null: still open at the end of the span."""

    target: str
    route: str
    role: Role
    start: str
    end: str | None
    duration_s: float
    lost: int


class ScorePart(Part, frozen=True):
    """What one part of a route's score got out of what it could; null: not measured."""

    name: Literal["latency", "loss", "bandwidth"]
    got: float | None
    could: float


class ObjectivePart(Part, frozen=True):
    """One objective: ms for latency, Mb/s for bandwidth, else ratios."""

    objective: Objective
    state: State
    measured: float | None
    limit: float
    n: int | None


class PredictionPart(Part, frozen=True):
    """What one TCP flow can be expected to carry. `at_least`: it may be more."""

    control: str
    rate_bps: float | None
    at_least: bool
    why: str


class RoutePart(Part, frozen=True):
    """One way out, as it was judged over the last minutes of the span."""

    name: str
    family: Literal[4, 6]
    interface: str
    gateway: str | None
    source: str | None
    up: bool
    best: bool
    score: float | None
    confidence: float
    n: int
    parts: tuple[ScorePart, ...]
    p50_us: int | None
    loss_ratio: float | None
    bandwidth_mbps: float | None
    bandwidth_source: str | None
    objectives: tuple[ObjectivePart, ...]
    predictions: tuple[PredictionPart, ...]


class RdmaPart(Part, frozen=True):
    """One RDMA port: rates at the end of the span, totals of the counters that tell of trouble."""

    device: str
    port: int
    driver: str | None
    netdev: str | None
    link_layer: str
    state: str
    speed_gbps: float | None
    rx_bps: float | None
    tx_bps: float | None
    rates: dict[str, float]
    trouble: dict[str, int]


class RocePart(Part, frozen=True):
    """What was captured of RoCE on one interface in the last minute of the span, judged.

    `code`, counts and flows as `longpipe.roce/1` defines them; flows with trouble come first, at most 20.
    """

    interface: str
    severity: Severity
    code: str
    text: str
    evidence: tuple[str, ...]
    not_observable: tuple[str, ...]
    roce_packets: int
    wire_bytes: int
    duration_s: float
    flows: tuple["RoceFlowPart", ...]


class RoceFlowPart(Part, frozen=True):
    """One direction of one QP."""

    src: str
    dst: str
    dest_qpn: str
    kind: str
    transport: str
    packets: int
    goodput_bps: float | None
    repeats: int
    missing: int
    rewinds: int
    naks: int
    ack_rtt_p50_us: float | None


class EventPart(Part, frozen=True):
    """One thing that happened."""

    time: str
    kind: EventKind
    severity: Severity
    text: str


class EvidencePart(Part, frozen=True):
    """One fact a recommendation rests on, and where a person would check it."""

    fact: str
    value: str
    source: str


class ChangePart(Part, frozen=True):
    """One value to write, and the command that puts it back by hand."""

    key: str
    current: str
    proposed: str
    meaning: str
    undo: str


class AdvicePart(Part, frozen=True):
    """One recommendation."""

    id: str
    title: str
    severity: AdviceSeverity
    confidence: Confidence
    effect: str
    formula: str
    evidence: tuple[EvidencePart, ...]
    changes: tuple[ChangePart, ...]
    instructions: tuple[str, ...]
    authority: tuple[str, ...]
    risk: Risk
    scope: Scope


class ProberPart(Part, frozen=True):
    """How probes of one address family were sent and timed, and what was not possible."""

    family: Literal[4, 6]
    socket: Literal["raw", "dgram", "none"]
    stamps: Stamps
    missing: str | None


class MeasuredPart(Part, frozen=True):
    """How the numbers came about."""

    probers: tuple[ProberPart, ...]
    samples_dropped: int
    scores_cover_s: float
    rules_kept: int
    rules_unknown: int
    rules_not_applicable: int
    notes: tuple[str, ...]


class Report(Part, frozen=True, tag="longpipe.report/1", tag_field="schema"):
    """Everything that `longpipe report --json` prints."""

    tool: str
    host: str
    start: str
    end: str
    duration_s: float
    exit_code: int
    """0 healthy, 3 degraded or not known, 4 a missing privilege stood in the way."""
    verdict: VerdictPart
    targets: tuple[TargetPart, ...]
    outages: tuple[OutagePart, ...]
    routes: tuple[RoutePart, ...]
    rdma: tuple[RdmaPart, ...]
    rdma_absent: str | None
    roce: tuple[RocePart, ...]
    advice: tuple[AdvicePart, ...]
    events: tuple[EventPart, ...]
    measured: MeasuredPart
    services: tuple[ServicePart, ...] = ()
    ports: tuple[PortsPart, ...] = ()
    box: BoxPart | None = None
