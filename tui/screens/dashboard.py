"""The dashboard: two lines that say what matters, four panes on one time axis, one line of keys."""

from typing import ClassVar, Final

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Grid
from textual.reactive import reactive

from analysis.roce.merge import FlowKey
from analysis.samples import Series
from analysis.view import SPANS_NS, Lens, View
from tui.actions import DASHBOARD, bindings
from tui.box import box_detail
from tui.compare import Span, compared, usual_spans
from tui.details import DETAILS, verdict_detail
from tui.feed import Feed
from tui.panes.advice import AdvicePane
from tui.panes.base import Pane
from tui.panes.head import header_row, tab_row, verdict_rows
from tui.panes.latency import LatencyPane
from tui.panes.roce import RocePane
from tui.panes.routes import RoutesPane
from tui.panes.time import scrubber_data
from tui.screens.compare import CompareScreen, SpansScreen
from tui.screens.detail import DetailScreen, MakeDetail
from tui.screens.events import EventsScreen
from tui.screens.filter import FilterScreen
from tui.screens.help import help_detail
from tui.screens.time_keys import SECOND_NS, TimeKeys
from tui.services import services_detail
from tui.text import _
from tui.widgets.keybar import KeyBar
from tui.widgets.lines import Lines
from tui.widgets.runs import Glyphs
from tui.widgets.scrubber import Scrubber
from tui.widgets.table import Table

PANES: Final[dict[str, type[Pane]]] = {
    "latency": LatencyPane,
    "routes": RoutesPane,
    "roce": RocePane,
    "advice": AdvicePane,
}
STEPS_NS: Final = tuple(s * 10**9 for s in (1, 2, 5, 10, 30, 60, 300, 600, 1800))
"""How much time one dot of a graph may stand for."""
MARGIN: Final = 8
"""Cells that frame and axis take from a graph's width."""


class DashboardScreen(TimeKeys):
    """What the person sees first."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings(DASHBOARD)]

    zoomed: reactive[bool] = reactive(False, init=False)
    front: reactive[str] = reactive("latency", init=False)
    span: reactive[int] = reactive(0, init=False)

    def __init__(self, feed: Feed, glyphs: Glyphs) -> None:
        super().__init__()
        self.feed = feed
        self.glyphs: Glyphs = glyphs
        self.path: str | None = None
        self.flow: tuple[str, FlowKey] | None = None
        self.view: View | None = None
        self.traced: Series | None = None

    def compose(self) -> ComposeResult:
        """Make the lines and the panes."""
        yield Lines(id="header")
        yield Lines(id="verdict")
        yield Scrubber(glyphs=self.glyphs, id="scrubber")
        yield Lines(id="tabs")
        with Grid(id="panes"):
            for name, pane in PANES.items():
                yield pane(self.glyphs, name)
        yield KeyBar(id="keys")

    def on_mount(self) -> None:
        """Begin in the first pane; a capture alone has only one that is of use."""
        self.query_one("#latency").add_class("-front")
        self.zoomed = self.feed.only_capture
        self.action_pane("roce" if self.zoomed else "latency")

    def lens(self) -> Lens:
        """Return what the person looks at: a dot of the graph is a round number of seconds."""
        dots = max(20, 2 * (self.query_one("#latency").size.width - MARGIN))
        wanted = SPANS_NS[self.span] / dots
        step = next((step for step in STEPS_NS if step >= wanted), STEPS_NS[-1])
        return Lens(span_ns=step * dots, step_ns=step, path=self.path, trace=self.traced is not None, flow=self.flow)

    def draw(self) -> None:
        """Draw the view at the cursor here, and on the page that lies over the dashboard."""
        view = self.refresh_view()
        if isinstance(self.app.screen, DetailScreen):
            self.app.screen.show(view)
        elif isinstance(self.app.screen, EventsScreen):
            self.app.screen.draw()

    def refresh_view(self) -> View:
        """Take the view at the cursor and draw it."""
        view = self.view = self.feed.player.timeline.view(self.lens())
        width = self.size.width
        self.query_one("#header", Lines).show([header_row(view, self.feed, self.glyphs, width)])
        verdict = verdict_rows(view, self.glyphs, width)
        lines = self.query_one("#verdict", Lines)
        lines.styles.height = len(verdict)
        lines.show(verdict)
        self._draw_scrubber(width)
        self.query_one("#tabs", Lines).show([tab_row(PANES, self.front)])
        for pane in self.query(Pane):
            if pane.display:
                pane.draw(view)
        return view

    def _draw_scrubber(self, width: int) -> None:
        scrubber = self.query_one(Scrubber)
        data = scrubber_data(self.feed, width) if scrubber.display else None
        if data is not None:
            scrubber.show_data(data)

    @on(Scrubber.Sought)
    def _sought(self, event: Scrubber.Sought) -> None:
        self.feed.player.seek(event.t_ns)
        self.refresh_view()

    @on(LatencyPane.PathHighlighted)
    def _select_path(self, event: LatencyPane.PathHighlighted) -> None:
        self.path = event.path
        self.refresh_view()

    @on(RocePane.FlowHighlighted)
    def _select_flow(self, event: RocePane.FlowHighlighted) -> None:
        self.flow = event.flow
        self.refresh_view()

    @on(Table.RowSelected)
    def _open_row(self, event: Table.RowSelected) -> None:
        detail = DETAILS.get(event.table.id or "")
        if detail is not None:
            self._trace(event.key if event.table.id == "paths" else None)
            self._open(lambda view, width: detail(view, event.key, self.glyphs, width))

    def _trace(self, path: str | None) -> None:
        """Look at the hops of a path while its page is open."""
        if self.traced is not None:
            self.feed.trace(self.traced, False)
        rows = (row for row in self.view.paths if row.id == path) if self.view else iter(())
        row = next(rows, None)
        self.traced = row.series if row else None
        if self.traced is not None:
            self.path = path
            self.feed.trace(self.traced, True)
            self.refresh_view()

    def on_screen_resume(self) -> None:
        """A page was closed."""
        self._trace(None)

    def _open(self, make: MakeDetail) -> None:
        if self.view is not None:
            self.app.push_screen(DetailScreen(make, self.view))

    def action_verdict(self) -> None:
        """Show what the verdict rests on."""
        self._open(lambda view, width: verdict_detail(view, self.feed.problems(), self.glyphs, width))

    def action_services(self) -> None:
        """Show the services and ports that are checked."""
        self._open(lambda view, width: services_detail(view, self.glyphs, width))

    def action_box(self) -> None:
        """Show the box itself."""
        self._open(lambda view, width: box_detail(view, self.glyphs, width))

    def action_events(self) -> None:
        """List outages, route changes and marks."""
        self.app.push_screen(EventsScreen(self.feed.events, self._end_ns, self.glyphs), self._seek)

    def action_compare(self) -> None:
        """Ask which two spans to compare, and compare them."""
        player = self.feed.player
        whole = player.timeline.store.span()
        if whole is None or whole[0] == whole[1]:
            self.notify(_("There is nothing to compare yet."), timeout=2)
            return
        marks = [event.t for event in self.feed.events() if event.kind == "mark"]
        at_end = player.mode in {"follow", "end"}
        spans = usual_spans(whole, player.timeline.at_ns, marks, at_end=at_end)
        self.app.push_screen(SpansScreen(player, spans), self._compare)

    def _compare(self, spans: tuple[Span, Span] | None) -> None:
        if spans is not None:
            timeline, host = self.feed.player.timeline, self.feed.host
            a, b = ((host, timeline.store, span) for span in spans)
            page = CompareScreen(lambda: compared(a, b, timeline.settings.score), self.glyphs)
            self.app.push_screen(page)

    def _end_ns(self) -> int:
        span = self.feed.player.timeline.store.span()
        return span[1] if span else 0

    def _seek(self, to_ns: int | None) -> None:
        if to_ns is not None:
            self.feed.player.seek(to_ns)
        self.refresh_view()

    def action_help(self) -> None:
        """Show the keys as they are bound now."""
        self._open(lambda _view, width: help_detail(self, width, self.glyphs))

    def action_pane(self, name: str) -> None:
        """Go to a pane."""
        self.front = name
        (self._table(name) or self.query_one(f"#{name}")).focus()

    def action_next_pane(self, by: int = 1) -> None:
        """Go to the pane after this one."""
        names = list(PANES)
        self.action_pane(names[(names.index(self.front) + by) % len(names)])

    def action_previous_pane(self) -> None:
        """Go to the pane before this one."""
        self.action_next_pane(-1)

    def action_zoom(self) -> None:
        """Let the front pane fill the screen, or give it back."""
        self.zoomed = not self.zoomed

    def action_shorter(self) -> None:
        """Show less time."""
        self.span = max(0, self.span - 1)

    def action_longer(self) -> None:
        """Show more time."""
        self.span = min(len(SPANS_NS) - 1, self.span + 1)

    def action_packets(self) -> None:
        """List the packets of the second before the cursor, of the flow under the table's cursor."""
        captures = self.feed.captures()
        if not captures or self.view is None:
            self.notify(_("There are no packets here: longpipe keeps none. Replay a capture file to see them."))
            return
        from collectors.pcapfile.replay import packets
        from tui.screens.packets import PacketsScreen

        wanted = next((c for c in captures if self.flow and c.path.name == self.flow[0]), captures[0])
        at_ns = self.feed.player.timeline.at_ns
        found = packets(wanted.path, at_ns - SECOND_NS, at_ns, self.flow[1] if self.flow else None)
        self.app.push_screen(PacketsScreen(wanted.path, found, self.glyphs, self.view))

    def action_filter(self) -> None:
        """Ask which rows of the front pane's table to show."""
        table = self._table(self.front)
        if table is not None:
            self.app.push_screen(FilterScreen(table.wanted), lambda text: table.filter(text or ""))

    def _table(self, pane: str) -> Table | None:
        return next((table for table in self.query_one(f"#{pane}").query(Table) if table.display), None)

    def watch_zoomed(self, zoomed: bool) -> None:
        """Tell the style sheet."""
        self.set_class(zoomed, "-zoomed")
        self.call_after_refresh(self.refresh_view)

    def watch_front(self, name: str) -> None:
        """Bring a pane to the front, where only one can be seen."""
        for pane in self.query(Pane):
            pane.set_class(pane.id == name, "-front")
        self.call_after_refresh(self.refresh_view)

    def watch_span(self) -> None:
        """Draw at the new scale."""
        self.refresh_view()

    def on_resize(self) -> None:
        """Draw for the new size."""
        self.call_after_refresh(self.refresh_view)
