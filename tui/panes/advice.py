"""Advice: what to change on this box, most pressing first, with what it would bring."""

from typing import ClassVar, Final

from textual.app import ComposeResult

from analysis.advice.plan import Plan, Recommendation
from analysis.view import View
from tui.panes.base import Pane
from tui.severity import glyph, of_advice, role
from tui.text import N_, _, tell
from tui.widgets.columns import Column, TableRow
from tui.widgets.lines import Lines
from tui.widgets.runs import Glyphs
from tui.widgets.table import Table
from tui.widgets.wrap import wrap_rows

COLUMNS: Final = (
    Column("", 1),
    Column(N_("advice"), 16, flex=3),
    Column(N_("effect"), 12, flex=2, priority=1),
    Column(N_("risk"), 4),
)

_NOTHING: Final = N_("Nothing measured asks for a change.")
_UNKNOWN: Final = N_("The settings are not known yet.")


class AdvicePane(Pane):
    """The fourth pane."""

    number: ClassVar = 4
    heading: ClassVar = N_("Advice")

    def compose(self) -> ComposeResult:
        """Make the table and the line about all the rules that stayed silent."""
        columns = [Column(_(c.title), c.width, c.flex, c.align, c.priority) for c in COLUMNS]
        yield Table(columns, empty=_(_UNKNOWN), glyphs=self.glyphs, id="advice-rows")
        yield Lines(id="advice-rest")

    def show(self, view: View) -> None:
        """Draw the recommendations and count the rest."""
        plan = view.plan
        table = self.query_one("#advice-rows", Table)
        cells = [advice_cells(advice, self.glyphs) for advice in plan.recommendations]
        table.show_rows(cells, empty=_(_NOTHING if view.facts else _UNKNOWN))
        rest = self.query_one("#advice-rest", Lines)
        width = max(20, self.content_size.width)
        chosen = next((advice for advice in plan.recommendations if advice.id == table.cursor_key), None)
        rows = [] if chosen is None else [*wrap_rows(tell(chosen.effect), width), ()]
        if view.facts:
            rows += wrap_rows(silent_rules(plan), width, "dim")
        rest.styles.height = len(rows)
        rest.show(rows)


def advice_cells(advice: Recommendation, glyphs: Glyphs) -> TableRow:
    """Return one recommendation's line of the table."""
    severity = of_advice(advice.severity)
    return TableRow(
        advice.id,
        (
            (glyph(severity, glyphs), role(severity)),
            (f"{advice.id} {tell(advice.title)}", "plain"),
            (tell(advice.effect), "dim"),
            (advice.risk, "dim"),
        ),
    )


def silent_rules(plan: Plan) -> str:
    """Return one sentence on every rule that recommends nothing: silence is never an answer."""
    return _(
        "{kept} rules found nothing to change, {unknown} could not tell, {irrelevant} do not apply here.",
        kept=len(plan.kept),
        unknown=len(plan.unknown),
        irrelevant=len(plan.not_applicable),
    )
