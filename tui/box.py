"""The box itself on the screen: what it counts that is wrong, its processors, its interfaces."""

from collections.abc import Iterator

from analysis.units import bits_per_s, per_second
from analysis.view import View
from tui.details import pairs
from tui.panes.head import sentence_rows
from tui.report.about_box import box_facts, left_out, queue_text, speed_text
from tui.report.box_schema import LinkPart
from tui.report.build_box import box_part
from tui.screens.detail import Detail
from tui.severity import judged_rows
from tui.text import _
from tui.widgets.runs import Glyphs, Row
from tui.widgets.wrap import wrap_rows


def box_detail(view: View, glyphs: Glyphs, width: int) -> Detail:
    """Return the page of the box."""
    rows: list[Row] = []
    for found in (*view.counted.box, *view.counted.rdma):
        rows += [*judged_rows(found.severity, found.text, glyphs, width), *sentence_rows(found.evidence, width)]
    part = box_part(view)
    if part is None:
        rows += wrap_rows(_("Nothing is known of processors and interfaces."), width, "dim")
        return Detail(_("This box"), tuple(rows))
    rows += [*([()] if rows else []), *pairs(box_facts(part), width)]
    for link in part.links:
        rows += [(), *_link_rows(link, width)]
    if part.links_left_out:
        rows += [(), *wrap_rows(left_out(part), width, "dim")]
    return Detail(_("This box"), tuple(rows))


def _link_rows(link: LinkPart, width: int) -> Iterator[Row]:
    speed = None if link.speed_mbps is None else speed_text(link)
    kind = (link.name, link.kind, speed, link.mtu and f"MTU {link.mtu}", _("up") if link.up else _("down"))
    yield from wrap_rows("  ".join(str(part) for part in kind if part), width, "head" if link.up else "dim", indent=2)
    if not link.up:
        return
    carried = _(
        "rx {rx}, {rx_packets}; tx {tx}, {tx_packets} packets",
        rx=bits_per_s(link.rx_bps),
        rx_packets=per_second(link.rx_pps),
        tx=bits_per_s(link.tx_bps),
        tx_packets=per_second(link.tx_pps),
    )
    yield from wrap_rows(f"  {carried}", width, indent=4)
    wrong = _(
        "errors {errors}, dropped {drops}, queue {queue}",
        errors=per_second(link.errors_per_s),
        drops=per_second(link.drops_per_s),
        queue=queue_text(link),
    )
    yield from wrap_rows(f"  {wrong}", width, "bad" if link.errors_per_s else "dim", indent=4)
