"""What a report says, section by section, in the person's language."""

from collections.abc import Iterator
from datetime import datetime
from typing import Final, TypeAlias

from analysis.objectives import Objective, State
from analysis.units import bits_per_s, count, duration, megabits, milliseconds, per_second, percent, significant
from tui.counter_names import plain_name
from tui.report.blocks import Block, Cell, Items, Line, Section, Table, Topic
from tui.report.schema import (
    AdvicePart,
    MeasuredPart,
    ObjectivePart,
    RdmaPart,
    Report,
    RoceFlowPart,
    RoutePart,
    ScorePart,
    TargetPart,
)
from tui.severity import glyph, of_advice, role, word
from tui.text import N_, _
from tui.widgets.runs import Role

Rows: TypeAlias = tuple[tuple[Cell, ...], ...]

LOSS_WARN: Final = 0.01
LOSS_BAD: Final = 0.05
SECOND_NS: Final = 10**9
LATE_S: Final = 10
"""A path whose numbers begin so much later than the report did not just take a moment to start."""
_OBJECTIVES: Final[dict[Objective, str]] = {
    "latency": N_("latency under {limit}"),
    "loss": N_("loss under {limit}"),
    "bandwidth": N_("bandwidth of {limit}"),
    "availability": N_("availability of {limit}"),
}
_STATES: Final[dict[State, tuple[str, Role]]] = {
    "met": (N_("met"), "ok"),
    "missed": (N_("missed"), "bad"),
    "unknown": (N_("not known"), "dim"),
}
_PARTS: Final = {"latency": N_("latency"), "loss": N_("loss"), "bandwidth": N_("bandwidth")}
_ROLES: Final = {"target": N_("target"), "gateway": N_("gateway"), "resolver": N_("resolver")}
_STAMPS: Final = {
    "kernel": N_("times by kernel stamps"),
    "kernel-rx": N_("arrivals by kernel stamps, departures by the process's clock"),
    "user": N_("times by the process's clock: a busy box looks slow"),
}
_SOCKETS: Final = {"raw": N_("raw ICMP sockets"), "dgram": N_("datagram ICMP sockets"), "none": N_("no ICMP")}


def sections(report: Report) -> tuple[Section, ...]:
    """Return every section that has something to say."""
    made = (
        Section("targets", _("Targets"), tuple(_targets(report))),
        Section("routes", _("Routes"), tuple(_routes(report))),
        Section("outages", _("Outages"), tuple(_outages(report))),
        Section("rdma", _("RDMA"), tuple(_rdma(report))),
        Section("roce", "RoCE", tuple(_roce(report))),
        Section("advice", _("Advice"), tuple(_advice(report))),
        Section("events", _("What happened"), tuple(_events(report))),
        Section("measured", _("How it was measured"), tuple(_measured(report.measured))),
    )
    return tuple(section for section in made if section.blocks)


def headline(report: Report) -> str:
    """Return the verdict, severity first by glyph and word."""
    severity = report.verdict.severity
    return f"{glyph(severity, 'unicode')} {word(severity)}  {report.verdict.text}"


def span_text(report: Report) -> str:
    """Return the box and the span in the reader's own time zone, which is named."""
    start, end = local(report.start), local(report.end)
    zone = f"UTC{end.isoformat()[-6:]}"
    ends = f"{end:%H:%M:%S}" if start.date() == end.date() else f"{end:%Y-%m-%d %H:%M:%S}"
    length = duration(report.duration_s * SECOND_NS)
    return f"{report.host}  {start:%Y-%m-%d %H:%M:%S} – {ends} {zone} ({length})"


def local(time: str) -> datetime:
    """Return an RFC 3339 time in the reader's own time zone."""
    return datetime.fromisoformat(time).astimezone()


def _clock(report: Report, time: str) -> str:
    at = local(time)
    day = "" if local(report.start).date() == local(report.end).date() else f"{at:%m-%d} "
    return f"{day}{at:%H:%M:%S}"


def _targets(report: Report) -> Iterator[Block]:
    if not report.targets:
        yield Line(_("No probe was sent."))
        return
    head = (
        _("target"),
        _("route"),
        _("probe"),
        _("sent"),
        _("lost"),
        _("loss"),
        _("p50 ms"),
        _("p99 ms"),
        _("max ms"),
        _("jitter"),
    )
    yield Table(head, tuple(map(_target, report.targets)), frozenset(range(3, 10)))
    for row in report.targets:
        if row.problem:
            yield Line(f"{row.target}: {row.problem}", "warn")
        if (local(row.since) - local(report.start)).total_seconds() > LATE_S:
            text = _(
                "{target} over {route}: the numbers begin at {time}, with its address or route of now.",
                target=row.target,
                route=row.route or "–",
                time=_clock(report, row.since),
            )
            yield Line(text, "dim")


def _target(row: TargetPart) -> tuple[Cell, ...]:
    port = "" if row.port is None else f" {row.port}"
    role_ = "" if row.role == "target" or row.target == row.role else f" ({_(_ROLES[row.role])})"
    times = row.rtt_us
    return (
        (row.target + role_, "plain"),
        (row.route or "–", "plain"),
        (f"{row.protocol}{port} {row.address}", "dim"),
        (str(row.sent), "plain"),
        (str(row.lost), "plain"),
        _loss(row.loss_ratio),
        (milliseconds(times.p50), "plain"),
        (milliseconds(times.p99), "plain"),
        (milliseconds(times.max), "plain"),
        (milliseconds(times.jitter), "dim"),
    )


def _loss(ratio: float | None) -> Cell:
    bad: Role = "bad" if ratio is not None and ratio >= LOSS_BAD else "warn"
    return percent(ratio), bad if ratio is not None and ratio >= LOSS_WARN else "plain"


def _routes(report: Report) -> Iterator[Block]:
    if not report.routes:
        return
    parts = tuple(_(name) for name in _PARTS.values())
    head = ("", _("route"), _("score"), *parts, _("p50 ms"), _("loss"), _("Mb/s"), "n")
    yield Table(head, tuple(map(_route, report.routes)), frozenset(range(2, 10)))
    yield Line(
        _(
            "Scores and objectives look at the last {time}; each part shows what it got out of what it could.",
            time=duration(report.measured.scores_cover_s * SECOND_NS),
        ),
        "dim",
    )
    for route in report.routes:
        if any(judged.measured is not None for judged in route.objectives):
            yield Topic(_title(route))
            yield Table(
                (_("objective"), _("state"), _("measured"), "n"),
                tuple(map(_objective, route.objectives)),
                frozenset({2, 3}),
            )
        for prediction in route.predictions:
            rate = ("≥ " if prediction.at_least else "") + bits_per_s(prediction.rate_bps)
            text = _("one {control} flow: {rate}.", control=prediction.control.upper(), rate=rate)
            yield Line(f"{text} {prediction.why}", "dim")
        if route.bandwidth_source:
            yield Line(route.bandwidth_source, "dim")


def _title(route: RoutePart) -> str:
    return route.name + (" (IPv6)" if route.family == 6 else "")


def _route(route: RoutePart) -> tuple[Cell, ...]:
    parts: dict[str, ScorePart] = {part.name: part for part in route.parts}
    cells: list[Cell] = []
    for name in _PARTS:
        part = parts.get(name)
        cells.append(("–" if part is None or part.got is None else f"{part.got:.2f}/{part.could:.2f}", "dim"))
    return (
        ("●" if route.best else "", "ok"),
        (_title(route), "plain" if route.up else "bad"),
        ("–" if route.score is None else f"{route.score:.2f}", "plain"),
        *cells,
        (milliseconds(route.p50_us), "plain"),
        _loss(route.loss_ratio),
        (megabits(route.bandwidth_mbps), "plain"),
        (count(route.n), "dim"),
    )


def _objective(judged: ObjectivePart) -> tuple[Cell, ...]:
    state, role_ = _STATES[judged.state]
    return (
        (_(_OBJECTIVES[judged.objective], limit=_amount(judged.objective, judged.limit)), "plain"),
        (_(state), role_),
        (_amount(judged.objective, judged.measured), "plain"),
        ("–" if judged.n is None else count(judged.n), "dim"),
    )


def _amount(objective: Objective, value: float | None) -> str:
    match objective:
        case "latency":
            return f"{milliseconds(None if value is None else value * 1000)} ms"
        case "bandwidth":
            return f"{megabits(value)} Mb/s"
        case "availability":
            return "–" if value is None else f"{significant(value * 100, digits=4)}%"
        case "loss":
            return percent(value)


def _outages(report: Report) -> Iterator[Block]:
    if not report.outages:
        if report.targets:
            yield Line(_("None."), "dim")
        return
    rows: Rows = tuple(
        (
            (_clock(report, outage.start), "plain"),
            (outage.target, "plain"),
            (outage.route or "–", "plain"),
            (duration(outage.duration_s * SECOND_NS), "bad"),
            (str(outage.lost), "plain"),
            (_("still going on") if outage.end is None else "", "bad"),
        )
        for outage in report.outages
    )
    yield Table((_("from"), _("target"), _("route"), _("length"), _("lost"), ""), rows, frozenset({3, 4}))


def _rdma(report: Report) -> Iterator[Block]:
    if report.rdma_absent and not report.rdma:
        yield Line(report.rdma_absent, "dim")
    if not report.rdma:
        return
    head = (_("device"), _("netdev"), _("state"), _("rate"), _("rx"), _("tx"))
    yield Table(head, tuple(map(_port, report.rdma)), frozenset({3, 4, 5}))
    for port in report.rdma:
        moving = [f"{per_second(rate)}  {plain_name(name)}" for name, rate in port.rates.items()]
        totals = [_("{n} in all: {what}", n=total, what=plain_name(name)) for name, total in port.trouble.items()]
        if moving or totals:
            yield Topic(f"{port.device}/{port.port}")
            yield Items((*totals, *moving))


def _port(port: RdmaPart) -> tuple[Cell, ...]:
    return (
        (f"{port.device}/{port.port}", "plain"),
        (port.netdev or "–", "dim"),
        (port.state.lower(), "ok" if port.state == "ACTIVE" else "warn"),
        ("–" if port.speed_gbps is None else f"{port.speed_gbps:g}G", "plain"),
        (bits_per_s(port.rx_bps), "plain"),
        (bits_per_s(port.tx_bps), "plain"),
    )


def _roce(report: Report) -> Iterator[Block]:
    for part in report.roce:
        sign = f"{glyph(part.severity, 'unicode')} {word(part.severity)}"
        yield Topic(f"{part.interface}  {sign}  {part.text}", role(part.severity))
        if part.evidence:
            yield Items(part.evidence)
        if part.flows:
            head = (
                _("flow"),
                _("packets"),
                _("goodput"),
                _("repeats"),
                _("missing"),
                _("rewinds"),
                "NAK",
                _("rtt µs"),
            )
            yield Table(head, tuple(map(_flow, part.flows)), frozenset(range(1, 8)))
        for limit in part.not_observable:
            yield Line(limit, "dim")


def _flow(flow: RoceFlowPart) -> tuple[Cell, ...]:
    bad: Role = "bad" if flow.naks or flow.rewinds else "plain"
    return (
        (f"{flow.src} → {flow.dst} {flow.dest_qpn} {flow.transport} {flow.kind}", "plain"),
        (count(flow.packets), "plain"),
        (bits_per_s(flow.goodput_bps), "plain"),
        (str(flow.repeats), "plain"),
        (str(flow.missing), "plain"),
        (str(flow.rewinds), bad),
        (str(flow.naks), bad),
        ("–" if flow.ack_rtt_p50_us is None else significant(flow.ack_rtt_p50_us), "plain"),
    )


def _advice(report: Report) -> Iterator[Block]:
    if not report.advice:
        yield Line(_("Nothing measured asks for a change."), "dim")
    for advice in report.advice:
        yield from _recommendation(advice)
    measured = report.measured
    yield Line(
        _(
            "{kept} rules found nothing to change, {unknown} could not tell, {irrelevant} do not apply here.",
            kept=measured.rules_kept,
            unknown=measured.rules_unknown,
            irrelevant=measured.rules_not_applicable,
        ),
        "dim",
    )


def _recommendation(advice: AdvicePart) -> Iterator[Block]:
    severity = of_advice(advice.severity)
    yield Topic(f"{glyph(severity, 'unicode')} {advice.id} {advice.title}", role(severity))
    yield Line(advice.effect)
    yield Items(tuple(f"{e.fact} = {e.value}  ({e.source})" for e in advice.evidence))
    yield Line(advice.formula, "dim")
    if advice.changes:
        head = (_("setting"), _("now"), _("new"), _("what it means"), _("to undo"))
        rows: Rows = tuple(
            ((c.key, "accent"), (c.current, "bad"), (c.proposed, "ok"), (c.meaning, "plain"), (c.undo, "dim"))
            for c in advice.changes
        )
        yield Table(head, rows)
    if advice.instructions:
        yield Items(advice.instructions)
    yield Line(
        _(
            "Risk {risk}, scope {scope}, confidence {confidence}. {authority}",
            risk=advice.risk,
            scope=advice.scope,
            confidence=advice.confidence,
            authority="; ".join(advice.authority),
        ),
        "dim",
    )


def _events(report: Report) -> Iterator[Block]:
    rows: Rows = tuple(
        (
            (_clock(report, event.time), "plain"),
            (f"{glyph(event.severity, 'unicode')} {word(event.severity)}", role(event.severity)),
            (event.text, "plain"),
        )
        for event in report.events
        if event.kind != "outage"
    )
    if rows:
        yield Table((_("time"), "", ""), rows)


def _measured(measured: MeasuredPart) -> Iterator[Block]:
    yield Items((*_how(measured), *measured.notes))


def _how(measured: MeasuredPart) -> Iterator[str]:
    for prober in measured.probers:
        how = _(_SOCKETS[prober.socket])
        stamps = "" if prober.socket == "none" else f", {_(_STAMPS[prober.stamps])}"
        missing = f". {prober.missing}" if prober.missing else ""
        yield f"IPv{prober.family}: {how}{stamps}{missing}"
    yield _("A probe is lost where no reply came within its time-out; p50 and p99 are of the answered ones.")
    yield _("A change of address or route begins the numbers anew; they are never mixed.")
    if measured.samples_dropped:
        yield _("{n} samples dropped", n=measured.samples_dropped)
