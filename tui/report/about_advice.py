"""What a report says of advice."""

from collections.abc import Iterator

from tui.report.blocks import Block, Items, Line, Rows, Table, Topic
from tui.report.schema import AdvicePart, Report
from tui.severity import glyph, of_advice, role
from tui.text import _


def advice_blocks(report: Report) -> Iterator[Block]:
    """Yield every recommendation with its evidence, and how many rules stayed silent."""
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
