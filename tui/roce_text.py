"""A RoCE report for people on a terminal: the verdict first, then what it rests on."""

from collections.abc import Iterable, Iterator
from typing import Final

from rich.cells import cell_len

from analysis.roce.fold import Fold
from analysis.roce.schema import Flow, Quantiles, Report, qpn
from analysis.roce.traits import REQ
from analysis.roce.verdict import Verdict
from analysis.units import percent
from tui.severity import word
from tui.text import _, tell
from tui.widgets.clean import clean

MOST_FLOWS: Final = 40


def text(report: Report, verdict: Verdict) -> str:
    """Return the whole report as lines."""
    parts = [
        list(_verdict(verdict)),
        list(_capture(report)),
        list(_flows(report)),
        list(_opcodes(report)),
        list(_network(report)),
        [clean(tell(problem)) for problem in report.capture.problems if problem not in verdict.evidence],
    ]
    return "\n\n".join("\n".join(lines) for lines in parts if lines)


def flow_name(fold: Fold, flow: int) -> tuple[str, str, str, str]:
    """Return source, destination, destination QP and kind of a flow."""
    facts = fold.flows.facts
    kind = "req" if facts.role[flow] == REQ else "resp"
    return (*fold.pairs.names(int(facts.pair[flow])), qpn(int(facts.qpn[flow])), kind)


def _verdict(verdict: Verdict) -> Iterator[str]:
    yield f"{word(verdict.severity)}  {tell(verdict.text)}  [{verdict.code}]"
    for sentence in verdict.evidence:
        yield f"  - {tell(sentence)}"
    if verdict.not_observable:
        yield _("Not to be seen in this capture:")
        for sentence in verdict.not_observable:
            yield f"  - {tell(sentence)}"


def _capture(report: Report) -> Iterator[str]:
    if not report.packets:
        return
    yield _(
        "{packets} packets in {seconds} s, {roce} of them RoCE",
        packets=report.packets,
        seconds=f"{report.duration_s:.3f}",
        roce=report.roce_packets,
    )
    icrc = report.icrc
    yield _(
        "Invariant CRC: {good} good, {bad} bad, {unchecked} not captured whole, {runt} runts",
        good=icrc.good,
        bad=icrc.bad,
        unchecked=icrc.unchecked,
        runt=icrc.runt,
    )


def _flows(report: Report) -> Iterator[str]:
    if not report.flows:
        return
    heads = (
        _("FLOW"),
        _("KIND"),
        _("PACKETS"),
        _("GOODPUT"),
        _("MESSAGES"),
        _("GAPS"),
        _("RESENT"),
        _("REWINDS"),
        _("NAK"),
        _("RNR"),
        _("CE"),
        _("RTT p50/p99"),
    )
    busiest = sorted(report.flows, key=lambda flow: -flow.wire_bytes)
    yield from _table([heads, *(_row(flow) for flow in busiest[:MOST_FLOWS])])
    if len(busiest) > MOST_FLOWS:
        yield _("and {n} smaller flows; --json shows them all, --flow some", n=len(busiest) - MOST_FLOWS)
    if report.flows_beyond_limit is not None:
        yield _("{n} packets of flows too many to tell apart", n=report.flows_beyond_limit.packets)


def _row(flow: Flow) -> tuple[str, ...]:
    return (
        f"{flow.src} > {flow.dst} {flow.dest_qpn}",
        f"{flow.transport} {flow.kind}",
        str(flow.packets),
        _rate(flow.goodput_bps),
        str(flow.messages),
        str(flow.gap_psns),
        percent(flow.repeats / flow.packets if flow.packets else None),
        str(flow.rewinds),
        str(flow.naks),
        str(flow.rnr_naks),
        str(flow.ce),
        _round_trip(flow.ack_rtt_us if flow.ack_rtt_us.n else flow.read_rtt_us),
    )


def _round_trip(rtt: Quantiles) -> str:
    return f"{_micros(rtt.p50)}/{_micros(rtt.p99)} n={rtt.n}" if rtt.n else "–"


def _micros(value: float | None) -> str:
    if value is None:
        return "–"
    return f"{value / 1000:.1f}ms" if value >= 1000 else f"{value:.1f}us"


def _rate(bps: float | None) -> str:
    if bps is None:
        return "–"
    for unit, size in (("Gb/s", 1e9), ("Mb/s", 1e6)):
        if bps >= size:
            return f"{bps / size:.2f} {unit}"
    return f"{bps / 1e3:.2f} kb/s"


def _opcodes(report: Report) -> Iterator[str]:
    if report.opcodes:
        rows = [(_("OPCODE"), "", _("PACKETS"), _("BYTES"))]
        rows += [(key, one.name, str(one.packets), str(one.wire_bytes)) for key, one in report.opcodes.items()]
        yield from _table(rows)


def _network(report: Report) -> Iterator[str]:
    ecn = report.ecn
    if report.roce_packets:
        yield _(
            "ECN: {ce} CE, {able} able, {not_ect} not; CNPs {cnp}",
            ce=ecn.ce,
            able=ecn.ect0 + ecn.ect1,
            not_ect=ecn.not_ect,
            cnp=report.cnp.packets,
        )
        yield _("DSCP: {list}", list=_counts(report.dscp))
        yield _("AETH: {list}", list=_counts({name: n for name, n in report.aeth.items() if n}))
    if report.vlan_pcp:
        yield _("VLAN priority: {list}", list=_counts(report.vlan_pcp))
    for name, priority in report.pfc.by_priority.items():
        paused = "–" if priority.paused_s is None else f"{priority.paused_s * 1000:.3f} ms"
        yield _(
            "PFC priority {priority}: {xoff} pauses, {xon} resumes, paused {paused}",
            priority=name,
            xoff=priority.xoff,
            xon=priority.xon,
            paused=paused,
        )


def _counts(counts: dict[str, int]) -> str:
    return ", ".join(f"{key}={n}" for key, n in counts.items()) or "–"


def _table(rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    """Align columns: text to the left, numbers to the right."""
    rows = [tuple(clean(cell) for cell in row) for row in rows]
    widths = [max(cell_len(row[i]) for row in rows) for i in range(len(rows[0]))]
    left = [not any(row[i][:1].isdigit() and i > 0 for row in rows[1:]) for i in range(len(widths))]
    for row in rows:
        cells = (
            cell + " " * (width - cell_len(cell)) if to_left else " " * (width - cell_len(cell)) + cell
            for cell, width, to_left in zip(row, widths, left, strict=True)
        )
        yield "  ".join(cells).rstrip()
