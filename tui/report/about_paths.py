"""What a report says of targets and their outages."""

from collections.abc import Iterator
from typing import Final

from analysis.units import milliseconds, percent
from tui.report.blocks import Block, Cell, Line, Rows, Table
from tui.report.schema import Report, TargetPart
from tui.report.when import clock, length, local
from tui.text import N_, _, named
from tui.widgets.runs import Role

LOSS_WARN: Final = 0.01
LOSS_BAD: Final = 0.05
LATE_S: Final = 10
"""A path whose numbers begin so much later than the report did not just take a moment to start."""
_ROLES: Final = {"target": N_("target"), "gateway": N_("gateway"), "resolver": N_("resolver")}


def target_blocks(report: Report) -> Iterator[Block]:
    """Yield the table of targets and what must be known to read it."""
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
            yield Line(named(row.target, row.problem), "warn")
        if (local(row.since) - local(report.start)).total_seconds() > LATE_S:
            text = _(
                "{target} over {route}: the numbers begin at {time}, with its address or route of now.",
                target=row.target,
                route=row.route or "–",
                time=clock(report, row.since),
            )
            yield Line(text, "dim")


def _target(row: TargetPart) -> tuple[Cell, ...]:
    port = "" if row.port is None else f" {row.port}"
    role_ = "" if row.role == "target" or row.target.startswith(row.role) else f" ({_(_ROLES[row.role])})"
    times = row.rtt_us
    return (
        (row.target + role_, "plain"),
        (row.route or "–", "plain"),
        (f"{row.protocol}{port} {row.address}", "dim"),
        (str(row.sent), "plain"),
        (str(row.lost), "plain"),
        loss_cell(row.loss_ratio),
        (milliseconds(times.p50), "plain"),
        (milliseconds(times.p99), "plain"),
        (milliseconds(times.max), "plain"),
        (milliseconds(times.jitter), "dim"),
    )


def loss_cell(ratio: float | None) -> Cell:
    """Return a loss ratio with the role that its size earns."""
    bad: Role = "bad" if ratio is not None and ratio >= LOSS_BAD else "warn"
    return percent(ratio), bad if ratio is not None and ratio >= LOSS_WARN else "plain"


def outage_blocks(report: Report) -> Iterator[Block]:
    """Yield the list of outages."""
    if not report.outages:
        if report.targets:
            yield Line(_("None."), "dim")
        return
    rows: Rows = tuple(
        (
            (clock(report, outage.start), "plain"),
            (outage.target, "plain"),
            (outage.route or "–", "plain"),
            (length(outage.duration_s), "bad"),
            (str(outage.lost), "plain"),
            (_("still going on") if outage.end is None else "", "bad"),
        )
        for outage in report.outages
    )
    yield Table((_("from"), _("target"), _("route"), _("length"), _("lost"), ""), rows, frozenset({3, 4}))
