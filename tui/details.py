"""What Enter opens: one path, route, RDMA port or piece of advice in full, as rows of text made from a view."""

import shlex
from collections.abc import Callable, Iterable, Iterator
from typing import Final, TypeAlias

from analysis.advice.plan import Recommendation
from analysis.outages import Outage
from analysis.path.carriers import identify
from analysis.path_names import trouble
from analysis.units import count, duration, milliseconds, percent
from analysis.view import PathRow, RouteRow, View
from collectors.carriers import load_table
from tui.panes.explain import objective_rows, score_rows, tcp_rows
from tui.panes.flows import flow_facts, flow_strips, histogram_rows, row_key
from tui.panes.head import STAMPS, sentence_rows, unseen_rows
from tui.panes.latency import NAME
from tui.panes.roce import counter_rows, port_key
from tui.panes.time import clock_text
from tui.pathview import path_rows
from tui.screens.detail import Detail
from tui.severity import judged_rows, of_advice
from tui.text import _, named, tell
from tui.widgets.clean import clean
from tui.widgets.runs import Glyphs, Row
from tui.widgets.wrap import entry_rows, wrap_rows

MakeRowDetail: TypeAlias = Callable[[View, str, Glyphs, int], Detail]
"""From a view, the row's key, the glyphs and the width in cells."""


def pairs(items: Iterable[tuple[str, str]], width: int) -> Iterator[Row]:
    """Yield names and values in two columns."""
    for name, value in items:
        yield from entry_rows(name, value, width, 17)


def gone(title: str) -> Detail:
    """Return what is said of a row that is not there any more."""
    return Detail(title, (((_("This is not there any more."), "dim"),),))


def path_detail(view: View, key: str, glyphs: Glyphs, width: int) -> Detail:
    """Return one path: how it is probed, what became of every probe, its outages."""
    row = next((row for row in view.paths if row.id == key), None)
    if row is None:
        return _name_detail(view, key, width)
    rows: list[Row] = [*pairs(_how(row), width), (), ((_("Hops"), "head"),), *_hops(view, width, glyphs)]
    rows += [(), *pairs(_counts(row), width), (), *pairs(_times(row), width)]
    if row.problem is not None:
        rows += [(), *wrap_rows(tell(row.problem), width, "warn")]
    rows += [(), ((_("Outages"), "head"),), *_outages(row.outages, view.at_ns)]
    return Detail(clean(row.target), tuple(rows))


def _hops(view: View, width: int, glyphs: Glyphs) -> list[Row]:
    if view.trace is None:
        return [((_("Not known yet."), "dim"),)]

    hops = ((hop.ttl, hop.routers[0].address) for hop in view.trace.hops if hop.routers)
    return path_rows(view.trace, width, glyphs, identify(hops, load_table()))


def _name_detail(view: View, key: str, width: int) -> Detail:
    """Return what is known of a target without addresses."""
    name = next((name for name in view.names if NAME + name.target == key), None)
    problem = trouble(name) if name is not None else None
    if name is None or problem is None:
        return gone(key)
    return Detail(clean(name.target), tuple(wrap_rows(tell(problem), width, "warn")))


def _how(row: PathRow) -> Iterator[tuple[str, str]]:
    series = row.series
    port = "" if series.port is None else f" {series.port}"
    yield _("address"), clean(series.address)
    yield _("route"), clean(row.route) or _("the kernel's choice")
    how = f"{series.protocol.upper()}{port}"
    yield _("probe"), _("{how}, {n} B, DSCP {dscp}", how=how, n=series.payload_bytes, dscp=series.dscp)
    yield _("every"), duration(series.interval_ns)
    yield _("lost after"), duration(series.timeout_ns)
    yield _("stamps"), _(STAMPS[series.stamps])


def _counts(row: PathRow) -> Iterator[tuple[str, str]]:
    window = row.window
    interval = window.loss_interval
    between = (
        ""
        if interval is None
        else _(" (95 % between {low} and {high})", low=percent(interval[0]), high=percent(interval[1]))
    )
    yield _("sent"), str(window.sent)
    yield _("answered"), str(window.answered)
    yield _("late"), str(window.late)
    yield _("lost"), f"{window.lost} = {percent(window.loss_ratio)}{between}"
    yield _("unreachable"), str(window.unreachable)
    yield _("in flight"), str(window.in_flight)
    yield _("not sent"), str(window.failed)
    yield _("duplicates"), str(window.duplicates)
    yield _("foreign"), str(row.foreign)


def _times(row: PathRow) -> Iterator[tuple[str, str]]:
    window = row.window
    for name, value in (
        (_("last"), row.last_rtt_us),
        (_("least"), window.min_us),
        (_("p50"), window.p50_us),
        (_("p99"), window.p99_us),
        (_("most"), window.max_us),
        (_("p99 − p50"), window.spread_us),
        (_("jitter"), window.jitter_us),
    ):
        yield name, _("{value} ms", value=milliseconds(value))


def _outages(outages: tuple[Outage, ...], now_ns: int) -> list[Row]:
    if not outages:
        return [((_("None."), "dim"),)]
    return [
        (
            (f"{clock_text(outage.start_ns)}  ", "plain"),
            (duration(outage.length_ns(now_ns)), "bad"),
            (f"  {_('{n} lost', n=outage.lost)}", "dim"),
            (f"  {_('still going on')}" if outage.end_ns is None else "", "bad"),
        )
        for outage in reversed(outages)
    ]


def route_detail(view: View, key: str, glyphs: Glyphs, width: int) -> Detail:
    """Return one route: its next hop, score, predicted rates and objectives."""
    row = next((row for row in view.routes if row.id == key), None)
    if row is None:
        return gone(key)
    facts = (
        (_("interface"), row.interface),
        (_("gateway"), row.gateway or "–"),
        (_("source"), row.source or _("the kernel's choice")),
        (_("link"), _("up") if row.up else _("down")),
        (
            _("probes"),
            _("{n} settled in the last {time}", n=count(row.window.settled), time=duration(view.window_ns)),
        ),
    )
    rows = [*pairs(((name, clean(value)) for name, value in facts), width), ()]
    rows += [*score_rows(row.score, width), (), *tcp_rows(row.predictions, width)]
    if row.bandwidth_source is not None:
        rows += wrap_rows(tell(row.bandwidth_source), width, "dim")
    rows += [(), *objective_rows(row.objectives, width, glyphs, view.at_ns)]
    rows += [(), ((_("Bandwidth tests"), "head"),), *_tests(row, width, view.at_ns)]
    return Detail(clean(row.name), tuple(rows))


def _tests(row: RouteRow, width: int, now_ns: int) -> Iterator[Row]:
    """Yield the last tests over a route, or how to make one."""
    from tui.bandwidth_rows import result_rows

    yield from result_rows(row.tests, width, now_ns)
    command = f"longpipe bandwidth HOST --route {shlex.quote(clean(row.name))}"
    text = _("To test: {command}, and at HOST: {serve}", command=command, serve="longpipe bandwidth serve")
    yield from wrap_rows(text, width, "dim")


def port_detail(view: View, key: str, glyphs: Glyphs, width: int) -> Detail:  # noqa: ARG001 - one shape for all
    """Return one RDMA port with every counter it has."""
    row = next((row for row in view.rdma if port_key(row) == key), None)
    if row is None:
        return gone(key)
    port = row.port
    facts = (
        (_("driver"), port.driver or "–"),
        (_("network device"), port.netdev or "–"),
        (_("link layer"), port.link_layer),
        (_("state"), port.state),
    )
    rows = [*pairs(((name, clean(value)) for name, value in facts), width), (), *counter_rows(row, view), ()]
    rows += [((f"{value:>16}  ", "plain"), (clean(name), "dim")) for name, value in sorted(port.counters.items())]
    return Detail(clean(key), tuple(rows))


def flow_detail(view: View, key: str, glyphs: Glyphs, width: int) -> Detail:
    """Return one RoCE flow: its numbers, its timeline, the sizes of its messages, and the capture's verdict."""
    for row in view.roce:
        for index, flow in enumerate(row.report.flows):
            if row_key(row, index) != key:
                continue
            verdict = row.verdict
            rows: list[Row] = [*judged_rows(verdict.severity, verdict.text, glyphs, width), ()]
            rows += [*flow_strips(view, width, glyphs), (), *pairs(flow_facts(flow), width)]
            rows += [(), ((_("Message sizes"), "head"),), *histogram_rows(flow, glyphs)]
            rows += [(), ((_("Evidence"), "head"),), *sentence_rows(verdict.evidence, width)]
            rows += unseen_rows(verdict.not_observable, width)
            return Detail(clean(f"{flow.src} → {flow.dst} {flow.dest_qpn}"), tuple(rows))
    return gone(key)


def advice_detail(view: View, key: str, glyphs: Glyphs, width: int) -> Detail:
    """Return one recommendation: evidence, formula, what it would change, authority, how to undo it."""
    advice = next((advice for advice in view.plan.recommendations if advice.id == key), None)
    if advice is None:
        return gone(key)
    severity = of_advice(advice.severity)
    rows = judged_rows(severity, advice.title, glyphs, width)
    rows += [(), ((_("Why"), "head"),)]
    for evidence in advice.evidence:
        rows += wrap_rows(f"- {evidence.fact} = {evidence.value}  ({tell(evidence.source)})", width, indent=2)
    rows += [*wrap_rows(tell(advice.formula), width, indent=2), (), ((_("What it would do"), "head"),)]
    rows += wrap_rows(tell(advice.effect), width)
    rows += [*_changes(advice, width), *sentence_rows(advice.instructions, width), ()]
    rows += pairs(
        (
            (_("risk"), advice.risk),
            (_("confidence"), advice.confidence),
            (_("scope"), advice.scope),
            (_("persists"), advice.persists),
            (_("authority"), "; ".join(advice.authority)),
        ),
        width,
    )
    return Detail(advice.id, tuple(rows))


def _changes(advice: Recommendation, width: int) -> Iterator[Row]:
    for change in advice.changes:
        yield ((f"{change.key}", "accent"),)
        yield from wrap_rows(f"- {change.current}", width, "bad", indent=2)
        yield from wrap_rows(f"+ {change.proposed}", width, "ok", indent=2)
        yield from wrap_rows(f"  {tell(change.meaning)}", width, "dim", indent=2)
        yield from wrap_rows(_("  to undo: {command}", command=change.undo), width, "dim", indent=2)


def verdict_detail(view: View, problems: Iterable[str], glyphs: Glyphs, width: int) -> Detail:
    """Return what the verdict rests on, what is wrong with the files, and what cannot be seen."""
    verdict = view.verdict
    rows = [*judged_rows(verdict.severity, verdict.text, glyphs, width), (), *sentence_rows(verdict.evidence, width)]
    rows += unseen_rows(verdict.not_observable, width)
    for problem in problems:
        rows += [(), *wrap_rows(problem, width, "warn")]
    for health in view.health:
        if health.problem is not None:
            rows += [(), *wrap_rows(named(health.collector, tell(health.problem)), width, "warn")]
    for missing in dict.fromkeys(tell(prober.missing) for prober in view.probers if prober.missing is not None):
        rows += [(), *wrap_rows(missing, width, "warn")]
    return Detail(_("Why"), tuple(rows))


DETAILS: Final[dict[str, MakeRowDetail]] = {
    "paths": path_detail,
    "routes": route_detail,
    "ports": port_detail,
    "flows": flow_detail,
    "advice-rows": advice_detail,
}
"""What Enter opens, by the id of the table it was pressed in."""
