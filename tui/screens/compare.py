"""Comparing: a question for two spans in words, and the page that shows what differs."""

from collections.abc import Awaitable, Callable
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, Label

from collectors.player import Player
from tui.compare import Compared, Span
from tui.moments import NotATime, moment, stretch, words_for
from tui.panes.compare import COLUMNS, both_graphs, compared_rows, difference_rows, head_rows, path_key
from tui.text import N_, _
from tui.widgets.columns import Column
from tui.widgets.lines import Lines
from tui.widgets.runs import Glyphs
from tui.widgets.table import Table
from tui.widgets.wrap import wrap_rows


class SpansScreen(ModalScreen[tuple[Span, Span] | None]):
    """Two lines of input, filled in with what is most likely meant."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "dismiss(None)", N_("close"))]

    def __init__(self, player: Player, spans: tuple[Span, Span]) -> None:
        super().__init__()
        self._player = player
        last_ns = (player.timeline.store.span() or (0, 0))[1]
        self._proposed = {name: (_in_words(span, last_ns), span) for name, span in zip("ab", spans, strict=True)}

    def compose(self) -> ComposeResult:
        """Make the inputs."""
        with Vertical(id="spans") as frame:
            frame.border_title = _("Compare two spans: from..to")
            frame.border_subtitle = _("Enter compares, Tab goes to the other, Esc closes")
            for name, (words, _span) in self._proposed.items():
                with Horizontal():
                    yield Label(name.upper())
                    yield Input(words, placeholder="-20m..-10m   14:02..14:12", id=f"span-{name}", compact=True)
            yield Lines(id="spans-problem")

    @on(Input.Submitted)
    def _compare(self) -> None:
        try:
            a, b = (self._span(name) for name in "ab")
        except NotATime as problem:
            lines = self.query_one("#spans-problem", Lines)
            lines.show(wrap_rows(str(problem), max(20, lines.size.width), "warn"))
            return
        self.dismiss((a, b))

    def _span(self, name: str) -> Span:
        """Return what is meant; a proposal that was left alone is exact, its words only to the second."""
        words, span = self._proposed[name]
        value = self.query_one(f"#span-{name}", Input).value
        if value == words:
            return span
        timeline = self._player.timeline
        whole = timeline.store.span() or span
        return stretch(value, *whole, lambda side: moment(side, timeline.at_ns, *whole))


def _in_words(span: Span, last_ns: int) -> str:
    return "..".join(words_for(ns, last_ns) for ns in span)


class CompareScreen(ModalScreen[None]):
    """Every path of both sides; the one under the cursor in full, with both graphs on one scale."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,q,c", "dismiss(None)", N_("close"))]

    def __init__(self, read: Callable[[], Awaitable[Compared]], glyphs: Glyphs) -> None:
        super().__init__()
        self._read = read
        self._glyphs: Glyphs = glyphs
        self.compared: Compared | None = None
        self._room = 0, 0

    def compose(self) -> ComposeResult:
        """Make the page."""
        columns = [Column(_(c.title), c.width, c.flex, c.align, c.priority) for c in COLUMNS]
        with Vertical(id="compare") as frame:
            frame.border_title = _("Compare A with B")
            frame.border_subtitle = _("Esc closes")
            yield Lines(id="compare-head")
            yield Table(columns, empty=_("Reading …"), glyphs=self._glyphs, id="compare-paths")
            yield Lines(id="compare-rest")

    def on_mount(self) -> None:
        """Begin to read."""
        self.query_one("#compare-paths", Table).focus()
        self.run_worker(self._load())

    async def _load(self) -> None:
        self.compared = await self._read()
        self._draw()

    def on_resize(self) -> None:
        """Draw for the new size."""
        self.call_after_refresh(self._draw)

    def _draw(self) -> None:
        compared = self.compared
        width, height = self.query_one("#compare").content_size
        if compared is None or not width:
            return
        table, head = self.query_one("#compare-paths", Table), self.query_one("#compare-head", Lines)
        rows = head_rows(compared, width)
        head.styles.height = len(rows)
        head.show(rows)
        paths = compared_rows(compared, self._glyphs)
        listed = min(len(paths) + 1, max(3, height // 4))
        table.styles.height = listed
        self._room = width, height - len(rows) - listed
        table.show_rows(paths, empty=_("Nothing was probed in either span."))
        self._draw_path()

    @on(Table.RowHighlighted, "#compare-paths")
    def _draw_path(self) -> None:
        rest = self.query_one("#compare-rest", Lines)
        width, height = self._room
        compared, key = self.compared, self.query_one("#compare-paths", Table).cursor_key
        paths = compared.result.paths if compared else ()
        found = next((path for path in paths if path_key(path.path) == key), None)
        if compared is None or found is None:
            rest.show([])
            return
        rows = difference_rows(found, width, self._glyphs)
        rest.show([*rows, *both_graphs(compared, found.path, width, height - len(rows), self._glyphs)])
