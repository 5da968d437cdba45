"""Routes: every way out with its score, and what the score of the one under the cursor is made of."""

from collections.abc import Iterator
from typing import ClassVar, Final

from textual import on
from textual.app import ComposeResult

from analysis.units import count, megabits, milliseconds
from analysis.view import RouteRow, View
from tui.panes.base import Pane
from tui.panes.explain import objective_rows, score_rows, tcp_rows
from tui.panes.latency import loss_run
from tui.text import N_, _
from tui.widgets.clean import clean
from tui.widgets.columns import Column, TableRow
from tui.widgets.lines import Lines
from tui.widgets.runs import Glyphs, Role, Row
from tui.widgets.table import Table

COLUMNS: Final = (
    Column("", 1),
    Column(N_("route"), 8, flex=1),
    Column(N_("score"), 5, align="right"),
    Column(N_("rtt"), 6, align="right"),
    Column(N_("loss"), 6, align="right"),
    Column(N_("Mb/s"), 6, align="right", priority=1),
    Column(N_("n"), 5, align="right", priority=2),
)


class RoutesPane(Pane):
    """The second pane."""

    number: ClassVar = 2
    heading: ClassVar = N_("Routes")
    _view: View | None = None

    def compose(self) -> ComposeResult:
        """Make the table and the explanation under it."""
        columns = [Column(_(c.title), c.width, c.flex, c.align, c.priority) for c in COLUMNS]
        yield Table(columns, glyphs=self.glyphs, id="routes")
        yield Lines(id="why")

    def show(self, view: View) -> None:
        """Draw the routes and why the one under the cursor has its score."""
        self._view = view
        table = self.query_one("#routes", Table)
        none = _("This box has no default route.") if view.routes_known else _("Not known yet.")
        table.show_rows([route_cells(row, self.glyphs) for row in view.routes], none)
        room = max(3, self.content_size.height // 2)
        table.styles.height = min(len(view.routes) + 1, room) if view.routes else 2
        self._explain()

    @on(Table.RowHighlighted, "#routes")
    def _explain(self) -> None:
        if self._view is None:
            return
        key = self.query_one("#routes", Table).cursor_key
        lines, width = self.query_one("#why", Lines), max(20, self.content_size.width)
        rows = (row for row in self._view.routes if row.id == key)
        lines.show([line for row in rows for line in why_rows(row, width, self.glyphs, self._view.at_ns)])


def route_cells(row: RouteRow, glyphs: Glyphs) -> TableRow:
    """Return one route's line of the table; the best one is marked."""
    best = ("*" if glyphs == "ascii" else "●") if row.best else " "
    name: Role = "plain" if row.up else "bad"
    score = "–" if row.score.value is None else f"{row.score.value:.2f}"
    return TableRow(
        row.id,
        (
            (best, "ok"),
            (clean(row.name) + (" (IPv6)" if row.family == 6 else ""), name),
            (score, "plain"),
            (milliseconds(row.window.p50_us), "plain"),
            loss_run(row.window.loss_ratio),
            (("≥" if row.bandwidth_at_least else "") + megabits(row.bandwidth_mbps), "dim"),
            (count(row.window.settled), "dim"),
        ),
    )


def why_rows(row: RouteRow, width: int, glyphs: Glyphs, now_ns: int) -> Iterator[Row]:
    """Yield what a route's score is made of, what it hides, and which objectives are met."""
    yield from score_rows(row.score, width)
    yield from tcp_rows(row.predictions, width)
    yield from objective_rows(row.objectives, width, glyphs, now_ns)
