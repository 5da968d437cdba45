"""RoCE flows: a line of the table each, the chosen one over time, and everything about one."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Final

from analysis.roce.live import RocePoint
from analysis.roce.merge import FlowKey
from analysis.units import bits_per_s, count, milliseconds, percent, size
from analysis.view import RoceRow, View
from tui.text import N_, _
from tui.widgets.clean import clean
from tui.widgets.columns import TableRow
from tui.widgets.runs import Glyphs, Role, Row, Run
from tui.widgets.strips import Strip, strip_rows

if TYPE_CHECKING:
    from analysis.roce.schema import Flow

RESENT_WARN: Final = 1e-5
RESENT_BAD: Final = 1e-3
"""Loss that a lossless class should never show, and loss that go-back-N makes expensive."""
_KINDS: Final = {"req": N_("requests"), "resp": N_("READ data")}
_SHORT: Final = {"req": "req", "resp": "READ"}


def short_host(address: str) -> str:
    """Return the end of an address: enough to tell the hosts of one subnet apart."""
    if ":" in address:
        return f"…{address.rpartition(':')[2]}"
    return f".{address.rpartition('.')[2]}" if address.count(".") == 3 else address


def row_key(row: RoceRow, index: int) -> str:
    """Return the table's key of one flow of an interface's report."""
    return "|".join((row.interface, *map(str, row.keys[index])))


def flow_key(view: View, key: str) -> tuple[str, FlowKey] | None:
    """Return interface and flow of a table's key."""
    found = (
        (row.interface, row.keys[index])
        for row in view.roce
        for index in range(len(row.keys))
        if row_key(row, index) == key
    )
    return next(found, None)


def flow_cells(row: RoceRow, index: int) -> TableRow:
    """Return one flow's line of the table."""
    flow = row.report.flows[index]
    resent = flow.repeats / flow.packets if flow.packets else None
    name = clean(f"{short_host(flow.src)}→{short_host(flow.dst)}:{flow.dest_qpn}")
    rtt = flow.ack_rtt_us if flow.ack_rtt_us.n else flow.read_rtt_us
    bps = flow.wire_bytes * 8 / row.report.duration_s if row.report.duration_s else None
    return TableRow(
        row_key(row, index),
        (
            (name, "plain"),
            (f"{flow.transport} {_SHORT.get(flow.kind, flow.kind)}", "dim"),
            (bits_per_s(bps), "plain"),
            _resent(resent),
            _trouble(flow.naks),
            _trouble(flow.rnr_naks),
            _trouble(flow.ce, "warn"),
            (milliseconds(rtt.p50), "dim"),
        ),
        order=(
            name,
            flow.transport,
            bps or 0.0,
            resent or 0.0,
            float(flow.naks),
            float(flow.rnr_naks),
            float(flow.ce),
            rtt.p50 or 0.0,
        ),
    )


def _resent(ratio: float | None) -> Run:
    role: Role = "dim"
    if ratio is not None and ratio > RESENT_WARN:
        role = "bad" if ratio > RESENT_BAD else "warn"
    return percent(ratio), role


def _trouble(number: int, role: Role = "bad") -> Run:
    return count(number), role if number else "dim"


def _at_most(number: float) -> str:
    return _("{n} at most", n=count(number))


_STRIPS: Final[tuple[tuple[str, Role, Callable[[RocePoint], float | None], Callable[[float], str]], ...]] = (
    (N_("on the wire"), "accent", lambda point: point.wire_bps, bits_per_s),
    (N_("goodput"), "ok", lambda point: point.goodput_bps, bits_per_s),
    (N_("rewinds"), "bad", lambda point: float(point.rewinds), _at_most),
    (
        N_("NAK, RNR"),
        "bad",
        lambda point: float(point.naks + point.rnr_naks),
        _at_most,
    ),
    (N_("CE, CNP"), "warn", lambda point: float(point.ce + point.cnps), _at_most),
    (N_("rtt"), "plain", lambda point: point.rtt_p50_us, lambda top: _("{value} ms", value=milliseconds(top))),
)


def flow_strips(view: View, width: int, glyphs: Glyphs) -> list[Row]:
    """Return the wanted flow over the time of the graphs, one quantity a row; the quiet ones are left out."""
    strips = []
    for label, role, value, peak in _STRIPS:
        points = tuple((point.t, value(point)) for point in view.roce_points)
        top = max((v for _t, v in points if v is not None), default=0.0)
        if top:
            strips.append(Strip(_(label), points, peak(top), role))
    return strip_rows(strips, *view.span_ns, width, glyphs)


def flow_facts(flow: "Flow") -> Iterator[tuple[str, str]]:
    """Yield everything known of one flow as names and values."""
    yield _("from"), clean(flow.src)
    yield _("to"), clean(f"{flow.dst}, QP {flow.dest_qpn}")
    yield _("kind"), f"{flow.transport} {_(_KINDS.get(flow.kind, flow.kind))}"
    yield _("its other half"), flow.paired_qpn or _("not known")
    yield _("path MTU"), _("not known") if flow.pmtu is None else f"{flow.pmtu} B"
    yield _("packets"), str(flow.packets)
    yield _("payload"), f"{size(flow.payload_bytes)}, {_('of it useful')} {size(flow.goodput_bytes)}"
    yield _("messages"), str(flow.messages)
    yield _("PSN"), f"{flow.first_psn} … {flow.last_psn}"
    yield _("sent again"), str(flow.repeats)
    yield _("rewinds"), _rewinds(flow)
    yield _("gaps"), _("{events} with {psns} packets; {late} came late, {missing} never", **_gaps(flow))
    yield _("NAK"), str(flow.naks)
    yield _("RNR NAK"), str(flow.rnr_naks)
    yield _("CE, CNP"), f"{flow.ce}, {flow.cnps}"
    if flow.in_flight.n:
        yield (
            _("in flight"),
            _("{mean} on average, {max} at most", mean=round(flow.in_flight.mean or 0), max=flow.in_flight.max),
        )
    for name, rtt in ((_("ACK rtt"), flow.ack_rtt_us), (_("READ rtt"), flow.read_rtt_us)):
        if rtt.n:
            values = (milliseconds(value) for value in (rtt.min, rtt.p50, rtt.p99, rtt.max))
            yield name, _("{values} ms (least, p50, p99, most; n {n})", values=" / ".join(values), n=rtt.n)
    if flow.tap is not None:
        yield _("seen from"), _(_TAPS.get(flow.tap, flow.tap))


_TAPS: Final = {
    "requester": N_("near the requester: its round trips are the path's"),
    "responder": N_("near the responder: its round trips are the responder's delay alone"),
}


def _rewinds(flow: "Flow") -> str:
    by = flow.rewound_by
    return _(
        "{n}: after a NAK {nak}, an RNR {rnr}, a READ {read}, a time-out {timeout}, other {other}",
        n=flow.rewinds,
        nak=by.nak,
        rnr=by.rnr,
        read=by.read,
        timeout=by.timeout,
        other=by.other,
    )


def _gaps(flow: "Flow") -> dict[str, int]:
    return {
        "events": flow.gap_events,
        "psns": flow.gap_psns,
        "late": flow.filled_late,
        "missing": flow.missing,
    }


def histogram_rows(flow: "Flow", glyphs: Glyphs) -> Iterator[Row]:
    """Yield the sizes of a flow's messages, one power of two a row."""
    sizes = flow.message_bytes.histogram
    most = max(sizes.values(), default=0)
    for below, number in sizes.items():
        bar = ("█" if glyphs == "unicode" else "#") * max(1, round(24 * number / most)) if number else ""
        yield ((f"< {size(int(below)):>9}  ", "dim"), (f"{bar:<24}", "accent"), (f" {count(number)}", "plain"))
