"""What a report says, section by section, in the person's language."""

from collections.abc import Iterator
from typing import Final

from tui.report.about_advice import advice_blocks
from tui.report.about_box import box_blocks
from tui.report.about_paths import outage_blocks, target_blocks
from tui.report.about_rdma import rdma_blocks, roce_blocks
from tui.report.about_routes import route_blocks
from tui.report.about_services import port_blocks, service_blocks
from tui.report.blocks import Block, Items, Rows, Section, Table
from tui.report.schema import MeasuredPart, Report
from tui.report.when import clock, length, local
from tui.severity import glyph, role, word
from tui.text import N_, _, named

_STAMPS: Final = {
    "kernel": N_("times by kernel stamps"),
    "kernel-rx": N_("arrivals by kernel stamps, departures by the process's clock"),
    "user": N_("times by the process's clock: a busy box looks slow"),
}
_SOCKETS: Final = {"raw": N_("raw ICMP sockets"), "dgram": N_("datagram ICMP sockets"), "none": N_("no ICMP")}


def sections(report: Report) -> tuple[Section, ...]:
    """Return every section that has something to say."""
    made = (
        Section("targets", _("Targets"), tuple(target_blocks(report))),
        Section("routes", _("Routes"), tuple(route_blocks(report))),
        Section("services", _("Services"), tuple(service_blocks(report.services))),
        Section("ports", _("Ports"), tuple(port_blocks(report.ports))),
        Section("outages", _("Outages"), tuple(outage_blocks(report))),
        Section("box", _("This box"), tuple(box_blocks(report.box))),
        Section("rdma", _("RDMA"), tuple(rdma_blocks(report))),
        Section("roce", "RoCE", tuple(roce_blocks(report))),
        Section("advice", _("Advice"), tuple(advice_blocks(report))),
        Section("events", _("What happened"), tuple(_events(report))),
        Section("measured", _("How it was measured"), tuple(_measured(report.measured))),
    )
    return tuple(section for section in made if section.blocks)


def headline(report: Report) -> str:
    """Return the verdict, severity first by glyph and word."""
    severity = report.verdict.severity
    return f"{glyph(severity, 'unicode')} {word(severity)}  {report.verdict.text}"


def verdict_note(report: Report) -> str | None:
    """Return what the verdict looks at, where that is not all of the report."""
    covers = report.measured.scores_cover_s
    if covers >= report.duration_s:
        return None
    return _("The verdict is of the last {time}; outages in all: {n}.", time=length(covers), n=len(report.outages))


def span_text(report: Report) -> str:
    """Return the box and the span in the reader's own time zone, which is named."""
    start, end = local(report.start), local(report.end)
    zone = f"UTC{end.isoformat()[-6:]}"
    ends = f"{end:%H:%M:%S}" if start.date() == end.date() else f"{end:%Y-%m-%d %H:%M:%S}"
    return f"{report.host}  {start:%Y-%m-%d %H:%M:%S} – {ends} {zone} ({length(report.duration_s)})"


def _events(report: Report) -> Iterator[Block]:
    rows: Rows = tuple(
        (
            (clock(report, event.time), "plain"),
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
        if prober.socket != "none":
            how = _("{how}, {stamps}", how=how, stamps=_(_STAMPS[prober.stamps]))
        yield named(f"IPv{prober.family}", how + (f". {prober.missing}" if prober.missing else ""))
    yield _("A probe is lost where no reply came within its time-out; p50 and p99 are of the answered ones.")
    yield _("A change of address or route begins the numbers anew; they are never mixed.")
    if measured.samples_dropped:
        yield _("{n} samples dropped", n=measured.samples_dropped)
