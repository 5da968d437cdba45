"""Makes the report of what was seen."""

from collections.abc import Iterator
from typing import Final

from analysis.advice.plan import Recommendation
from analysis.events import Event
from analysis.outages import Outage
from analysis.roce.schema import Flow
from analysis.samples import Health
from analysis.text import Sentence
from analysis.throughput import reason
from analysis.view import PathRow, PathSpan, RdmaRow, RoceRow, RouteRow, Verdict, View
from collectors.session.header import rfc3339
from tui.cli import Exit
from tui.counter_names import TROUBLE
from tui.report.build_box import box_part
from tui.report.build_services import ports_part, service_part
from tui.report.schema import (
    AdvicePart,
    ChangePart,
    EventPart,
    EvidencePart,
    MeasuredPart,
    ObjectivePart,
    OutagePart,
    PredictionPart,
    ProberPart,
    RdmaPart,
    Report,
    RoceFlowPart,
    RocePart,
    RoutePart,
    ScorePart,
    TargetPart,
    Times,
    VerdictPart,
)
from tui.report.seen import Seen
from tui.text import _, tell
from tui.widgets.clean import clean

EVENTS: Final = 200
"""The last so many are told."""
FLOWS: Final = 20
"""So many RoCE flows are told of an interface."""


def report(seen: Seen) -> Report:
    """Return the report of a span, in the person's language."""
    view = seen.view
    outages = tuple(_outages(seen))
    return Report(
        tool=seen.tool,
        host=clean(seen.host),
        start=rfc3339(seen.start_ns),
        end=rfc3339(seen.end_ns),
        duration_s=_seconds(seen.end_ns - seen.start_ns),
        exit_code=int(exit_code(view, outages, seen.events)),
        verdict=VerdictPart(
            view.verdict.severity, _told(view.verdict.text), tuple(map(_told, view.verdict.evidence))
        ),
        targets=tuple(_target(path.row, seen.start_ns) for path in seen.paths),
        outages=outages,
        routes=tuple(map(_route, view.routes)),
        rdma=tuple(map(_port, view.rdma)),
        rdma_absent=_maybe(view.rdma_absent),
        roce=tuple(map(_roce, view.roce)),
        advice=tuple(map(_advice, view.plan.recommendations)),
        events=tuple(
            EventPart(rfc3339(event.t), event.kind, event.severity, _told(event.text))
            for event in seen.events[-EVENTS:]
        ),
        measured=_measured(seen),
        services=tuple(map(service_part, view.services)),
        ports=tuple(map(ports_part, view.ports)),
        box=box_part(view),
    )


def _verdict(verdict: Verdict) -> VerdictPart:
    return VerdictPart(verdict.severity, _told(verdict.text), tuple(map(_told, verdict.evidence)))


def _event(event: Event) -> EventPart:
    return EventPart(rfc3339(event.t), event.kind, event.severity, _told(event.text))


def exit_code(view: View, outages: tuple[OutagePart, ...], events: tuple[Event, ...]) -> Exit:
    """Return what the report says to a program: only what was measured and found well is 0."""
    settled = sum(row.window.settled for row in view.paths) + sum(row.checks for row in view.services)
    if not settled and any(True for _missing in _lacking(view)):
        return Exit.PRIVILEGE
    judged = [
        view.verdict.severity,
        *(row.verdict.severity for row in view.roce if row.verdict.severity != "unknown"),
    ]
    went_down = any(event.kind == "service" and event.severity in {"warn", "bad"} for event in events)
    lost = went_down or any(outage.role == "target" for outage in outages)
    well = {*judged} <= {"ok", "notice"} and not lost
    return Exit.OK if well else Exit.DEGRADED


def _lacking(view: View) -> Iterator[Sentence]:
    """Yield what a missing privilege kept from being observed."""
    for prober in view.probers:
        if prober.missing is not None:
            yield prober.missing
    for health in view.health:
        if health.state == "missing" and health.problem is not None:
            yield health.problem


def _target(row: PathRow, start_ns: int) -> TargetPart:
    series, window = row.series, row.window
    return TargetPart(
        target=clean(row.target),
        address=clean(series.address),
        protocol=series.protocol,
        port=series.port,
        route=clean(row.route),
        role=series.role,
        stamps=series.stamps,
        since=rfc3339(max(row.epoch_ns, start_ns)),
        sent=window.sent,
        answered=window.answered,
        late=window.late,
        lost=window.lost,
        in_flight=window.in_flight,
        unreachable=window.unreachable,
        failed=window.failed,
        duplicates=window.duplicates,
        loss_ratio=window.loss_ratio,
        loss_interval=window.loss_interval,
        rtt_us=Times(window.min_us, window.p50_us, window.p99_us, window.max_us, window.mean_us, window.jitter_us),
        problem=_maybe(row.problem),
    )


def _outages(seen: Seen) -> Iterator[OutagePart]:
    found = [(outage, path) for path in seen.paths for outage in path.row.outages]
    for outage, path in sorted(found, key=lambda pair: pair[0].start_ns):
        yield _outage(outage, path, seen.end_ns)


def _outage(outage: Outage, path: PathSpan, end_ns: int) -> OutagePart:
    return OutagePart(
        clean(path.row.target),
        clean(path.row.route),
        path.row.series.role,
        rfc3339(outage.start_ns),
        None if outage.end_ns is None else rfc3339(outage.end_ns),
        _seconds(outage.length_ns(end_ns)),
        outage.lost,
    )


def _route(row: RouteRow) -> RoutePart:
    return RoutePart(
        name=clean(row.name),
        family=row.family,
        interface=clean(row.interface),
        gateway=row.gateway and clean(row.gateway),
        source=row.source and clean(row.source),
        up=row.up,
        best=row.best,
        score=row.score.value,
        confidence=row.score.confidence,
        n=row.score.n,
        parts=tuple(ScorePart(part.name, part.got, part.could) for part in row.score.parts),
        p50_us=row.window.p50_us,
        loss_ratio=row.window.loss_ratio,
        bandwidth_mbps=row.bandwidth_mbps,
        bandwidth_source=_maybe(row.bandwidth_source),
        objectives=tuple(ObjectivePart(j.objective, j.state, j.measured, j.limit, j.n) for j in row.objectives),
        predictions=tuple(
            PredictionPart(p.control, p.rate_bps, p.at_least, _told(reason(p))) for p in row.predictions
        ),
    )


def _port(row: RdmaRow) -> RdmaPart:
    port = row.port
    return RdmaPart(
        device=clean(port.device),
        port=port.port,
        driver=port.driver and clean(port.driver),
        netdev=port.netdev and clean(port.netdev),
        link_layer=clean(port.link_layer),
        state=clean(port.state),
        speed_gbps=port.rate_gbps,
        rx_bps=row.rx_bps,
        tx_bps=row.tx_bps,
        rates={clean(name): rate for name, rate in row.rates.items() if rate},
        trouble={name: total for name, total in port.counters.items() if name in TROUBLE and total},
    )


def _roce(row: RoceRow) -> RocePart:
    flows = sorted(row.report.flows, key=lambda flow: (-(flow.naks + flow.rewinds), -flow.packets))
    verdict = row.verdict
    return RocePart(
        interface=clean(row.interface),
        severity=verdict.severity,
        code=verdict.code,
        text=_told(verdict.text),
        evidence=tuple(map(_told, verdict.evidence)),
        not_observable=tuple(map(_told, verdict.not_observable)),
        roce_packets=row.report.roce_packets,
        wire_bytes=row.report.wire_bytes,
        duration_s=row.report.duration_s,
        flows=tuple(map(_flow, flows[:FLOWS])),
    )


def _flow(flow: Flow) -> RoceFlowPart:
    return RoceFlowPart(
        src=clean(flow.src),
        dst=clean(flow.dst),
        dest_qpn=flow.dest_qpn,
        kind=flow.kind,
        transport=flow.transport,
        packets=flow.packets,
        goodput_bps=flow.goodput_bps,
        repeats=flow.repeats,
        missing=flow.missing,
        rewinds=flow.rewinds,
        naks=flow.naks,
        ack_rtt_p50_us=flow.ack_rtt_us.p50,
    )


def _advice(advice: Recommendation) -> AdvicePart:
    return AdvicePart(
        id=advice.id,
        title=_told(advice.title),
        severity=advice.severity,
        confidence=advice.confidence,
        effect=_told(advice.effect),
        formula=_told(advice.formula),
        evidence=tuple(EvidencePart(clean(e.fact), clean(str(e.value)), _told(e.source)) for e in advice.evidence),
        changes=tuple(
            ChangePart(clean(c.key), clean(c.current), clean(c.proposed), _told(c.meaning), clean(c.undo))
            for c in advice.changes
        ),
        instructions=tuple(map(_told, advice.instructions)),
        authority=advice.authority,
        risk=advice.risk,
        scope=advice.scope,
    )


def _measured(seen: Seen) -> MeasuredPart:
    view = seen.view
    left_out = len(seen.events) - EVENTS
    notes = [*map(clean, seen.notes), *(_health(health) for health in view.health if health.problem is not None)]
    if left_out > 0:
        notes.append(_("{n} earlier events are left out.", n=left_out))
    return MeasuredPart(
        probers=tuple(ProberPart(p.family, p.socket, p.stamps, _maybe(p.missing)) for p in view.probers),
        samples_dropped=view.dropped,
        scores_cover_s=_seconds(min(view.window_ns, seen.end_ns - seen.start_ns)),
        rules_kept=len(view.plan.kept),
        rules_unknown=len(view.plan.unknown),
        rules_not_applicable=len(view.plan.not_applicable),
        notes=tuple(notes),
    )


def _health(health: Health) -> str:
    return f"{clean(health.collector)}: {_maybe(health.problem) or ''}"


def _told(sentence: Sentence) -> str:
    return clean(tell(sentence))


def _maybe(sentence: Sentence | None) -> str | None:
    return None if sentence is None else _told(sentence)


def _seconds(ns: int) -> float:
    return round(ns / 1e9, 3)
