"""Latency and loss: every path with its numbers, and the graph of the one under the cursor."""

from collections.abc import Iterator, Sequence
from typing import ClassVar, Final

from msgspec.structs import replace
from textual import on
from textual.app import ComposeResult
from textual.message import Message

from analysis.path_names import apart, target_name, trouble
from analysis.samples import Name
from analysis.text import Sentence
from analysis.units import count, milliseconds, percent
from analysis.view import PathRow, View
from tui.panes.base import Pane
from tui.panes.time import clock_text
from tui.text import N_, _, tell
from tui.widgets.clean import clean
from tui.widgets.columns import Column, TableRow
from tui.widgets.graph import GraphData, TimeGraph
from tui.widgets.runs import Glyphs, Role, Run
from tui.widgets.table import Table

COLUMNS: Final = (
    Column(N_("target"), 15, flex=3, named=True),
    Column(N_("last"), 6, align="right", priority=2),
    Column(N_("p50"), 6, align="right"),
    Column(N_("p99"), 6, align="right", priority=1),
    Column(N_("jitter"), 6, align="right", priority=3),
    Column(N_("loss"), 6, align="right"),
    Column(N_("n"), 5, align="right", priority=2),
)
LOSS_WARN: Final = 0.01
LOSS_BAD: Final = 0.05
NAME: Final = "name:"
"""What keys of rows begin with that stand for a name without addresses."""
MARK: Final[dict[Glyphs, str]] = {"unicode": "◆", "ascii": "*"}


class LatencyPane(Pane):
    """The first pane."""

    number: ClassVar = 1
    heading: ClassVar = N_("Latency and loss")
    _at_name = False
    """Whether the person has moved the cursor to a row that has no graph."""

    class PathHighlighted(Message):
        """Another path's graph is wanted."""

        def __init__(self, path: str) -> None:
            super().__init__()
            self.path = path

    def compose(self) -> ComposeResult:
        """Make the table and the graph under it."""
        columns = [replace(c, title=_(c.title)) for c in COLUMNS]
        yield Table(columns, empty=_("No probe has been sent yet."), glyphs=self.glyphs, id="paths")
        yield TimeGraph(glyphs=self.glyphs, id="graph")

    def show(self, view: View) -> None:
        """Draw the paths and the selected one's graph."""
        table = self.query_one("#paths", Table)
        paths = sorted(view.paths, key=_is_over)
        rows = [path_cells(row, label) for row, label in zip(paths, labels(paths), strict=True)]
        rows += [name_cells(name) for name in view.names if not name.addresses]
        table.show_rows(rows)
        room = max(3, self.content_size.height // 2)
        table.styles.height = min(len(rows) + 1, room) if rows else 2
        if view.graph is not None and not self._at_name:
            table.move_to(view.graph.path)
        self.query_one("#graph", TimeGraph).show_data(self._graph_data(view))

    def _graph_data(self, view: View) -> GraphData:
        """Return the selected path's graph; an empty one where nothing had been probed by then."""
        graph = view.graph
        start_ns, end_ns = view.span_ns if graph is None else (graph.start_ns, graph.end_ns)
        events = () if graph is None else graph.events
        return GraphData(
            buckets=() if graph is None else graph.buckets,
            start_ns=start_ns,
            end_ns=end_ns,
            epochs=(*(graph.epochs if graph else ()), *(event.t for event in events if event.kind == "route")),
            marks=tuple((event.t, MARK[self.glyphs]) for event in events if event.kind == "mark"),
            loss_label=_("loss"),
            start_label=clock_text(start_ns) if start_ns > 0 else "",
            end_label=clock_text(end_ns) if start_ns > 0 else "",
        )

    @on(Table.RowHighlighted, "#paths")
    def _highlighted(self, event: Table.RowHighlighted) -> None:
        self._at_name = event.key.startswith(NAME)
        self.post_message(self.PathHighlighted(event.key))


def labels(paths: Sequence[PathRow]) -> Iterator[str]:
    """Yield a name for each path: the target, and what tells it from the same target's other paths."""
    words = apart(paths)
    for row in paths:
        name = target_name(row)
        parts = [tell(name) if isinstance(name, Sentence) else name, *words[row.id]]
        yield clean(" ".join(part for part in parts if part))


def _is_over(row: PathRow) -> bool:
    """Tell paths that are not probed any more, which stand below the others."""
    return row.series.ended


def path_cells(row: PathRow, label: str) -> TableRow:
    """Return one path's line of the table."""
    window = row.window
    usual: Role = "dim" if row.series.ended else "plain"
    if row.problem is not None and not window.answered:
        said: Run = (tell(row.problem), "dim" if row.barred else "warn")
        return TableRow(row.id, ((label, "plain"), said), spread=True)
    return TableRow(
        row.id,
        (
            (label, usual),
            (milliseconds(row.last_rtt_us), usual),
            (milliseconds(window.p50_us), usual),
            (milliseconds(window.p99_us), usual),
            (milliseconds(window.jitter_us), "dim"),
            loss_run(window.loss_ratio),
            (count(window.settled), "dim"),
        ),
    )


def name_cells(name: Name) -> TableRow:
    """Return the line of a target that has no address."""
    problem = trouble(name)
    said = clean(tell(problem)) if problem is not None else ""
    head: tuple[Run, ...] = () if name.target in said else ((clean(name.target), "plain"),)
    return TableRow(NAME + name.target, (*head, (said, "dim")), spread=True)


def loss_run(ratio: float | None) -> Run:
    """Return a loss ratio with the role that its size earns."""
    role: Role = "dim"
    if ratio is not None and ratio > 0:
        role = "bad" if ratio >= LOSS_BAD else "warn" if ratio >= LOSS_WARN else "plain"
    return percent(ratio), role
