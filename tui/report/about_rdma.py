"""What a report says of RDMA ports and of captured RoCE."""

from collections.abc import Iterator

from analysis.units import bits_per_s, count, per_second, significant
from tui.counter_names import plain_name
from tui.report.blocks import Block, Cell, Items, Line, Table, Topic
from tui.report.schema import RdmaPart, Report, RoceFlowPart
from tui.severity import glyph, role, word
from tui.text import _
from tui.widgets.runs import Role


def rdma_blocks(report: Report) -> Iterator[Block]:
    """Yield the RDMA ports with the counters that move or tell of trouble, or why there is none."""
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


def roce_blocks(report: Report) -> Iterator[Block]:
    """Yield what was captured of RoCE on each interface, judged."""
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
        if part.not_observable:
            yield Line(_("Not to be seen in this capture:"), "dim")
            yield Items(part.not_observable)


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
