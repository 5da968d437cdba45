"""A table on the Line API: rows by key, a cursor that stays on its key, only changed rows sent."""

from collections.abc import Sequence
from typing import ClassVar

from msgspec.structs import replace
from rich.cells import cell_len
from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message

from tui.text import N_, _
from tui.widgets.columns import Column, TableRow, body_row, head_row, place
from tui.widgets.lines import Lines
from tui.widgets.runs import Glyphs

_SORTED: dict[Glyphs, str] = {"unicode": "▾", "ascii": "v"}


def _largest_first(value: float | str) -> tuple[float, str]:
    return (0.0, value) if isinstance(value, str) else (-value, "")


class Table(Lines, can_focus=True):
    """Rows under a head, with a cursor. Enter posts `RowSelected`, moving posts `RowHighlighted`."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "select", N_("open"), tooltip=N_("Open the row under the cursor: everything about it.")),
        Binding("up,k", "move(-1)", N_("up"), show=False, tooltip=N_("To the row above.")),
        Binding("down,j", "move(1)", N_("down"), show=False, tooltip=N_("To the row below.")),
        Binding("pageup", "page(-1)", show=False),
        Binding("pagedown", "page(1)", show=False),
        Binding("ctrl+home", "move(-1000000)", show=False),
        Binding("ctrl+end", "move(1000000)", show=False),
        Binding("o", "sort", N_("sort"), show=False, tooltip=N_("Sort this table by the next column, if it can be.")),
    ]

    class RowHighlighted(Message):
        """The cursor is on another row."""

        def __init__(self, table: "Table", key: str) -> None:
            super().__init__()
            self.table = table
            self.key = key

        @property
        def control(self) -> "Table":
            """The table, for `@on` selectors."""
            return self.table

    class RowSelected(RowHighlighted):
        """Enter on a row."""

    def __init__(
        self,
        columns: Sequence[Column],
        *,
        empty: str = "",
        glyphs: Glyphs = "unicode",
        id: str | None = None,  # noqa: A002 - Textual's own name
        classes: str | None = None,
    ) -> None:
        """`empty` is shown while there are no rows."""
        super().__init__(id=id, classes=classes)
        self._columns = tuple(columns)
        self._empty = empty
        self._glyphs: Glyphs = glyphs
        self._data: tuple[TableRow, ...] = ()
        self._all: tuple[TableRow, ...] = ()
        self._sorted: int | None = None
        self._wanted = ""
        self._cursor = 0
        self._top = 0

    @property
    def cursor_key(self) -> str | None:
        """Key of the row under the cursor, None in an empty table."""
        return self._data[self._cursor].key if self._data else None

    def show_rows(self, rows: Sequence[TableRow], empty: str | None = None) -> None:
        """Replace all rows. The cursor stays on its key, or near its place where the key is gone."""
        self._all = tuple(rows)
        if empty is not None:
            self._empty = empty
        self._arrange()

    @property
    def wanted(self) -> str:
        """The text that shown rows hold; empty where all are shown."""
        return self._wanted

    def filter(self, text: str) -> None:
        """Show only rows that hold `text` in some cell, whatever its case."""
        self._wanted = text.casefold()
        self._arrange()

    def action_sort(self) -> None:
        """Sort by the next column, largest first; after the last one in the order given."""
        columns = len(self._all[0].order) if self._all else 0
        if columns:
            following = 0 if self._sorted is None else self._sorted + 1
            self._sorted = following if following < columns else None
            self._arrange()

    def _arrange(self) -> None:
        key = self.cursor_key
        rows = [row for row in self._all if self._wanted in "\0".join(text for text, _ in row.cells).casefold()]
        column = self._sorted
        if column is not None:
            rows.sort(key=lambda row: _largest_first(row.order[column]) if column < len(row.order) else (0.0, ""))
        self._data = tuple(rows)
        keys = [row.key for row in rows]
        self._cursor = keys.index(key) if key in keys else max(0, min(self._cursor, len(keys) - 1))
        self._draw()

    def move_to(self, key: str) -> None:
        """Put the cursor on the row of `key`, if there is one."""
        for index, row in enumerate(self._data):
            if row.key == key:
                self._go(index)

    def action_move(self, rows: int) -> None:
        """Move the cursor by `rows`."""
        self._go(self._cursor + rows)

    def action_page(self, pages: int) -> None:
        """Move the cursor by whole pages."""
        self._go(self._cursor + pages * max(1, self.size.height - 2))

    def action_select(self) -> None:
        """Tell that the row under the cursor was chosen."""
        if (key := self.cursor_key) is not None:
            self.post_message(self.RowSelected(self, key))

    def on_click(self, event: events.Click) -> None:
        """Put the cursor where the mouse is; a second click chooses."""
        index = event.y - 1 + self._top
        if event.y < 1 or index >= len(self._data):
            return
        if index == self._cursor and event.chain > 1:
            self.action_select()
        self._go(index)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """Move the cursor down: the rows follow it."""
        self.action_move(1)
        event.stop()

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Move the cursor up."""
        self.action_move(-1)
        event.stop()

    def on_resize(self) -> None:
        """Lay out again."""
        self._draw()

    def on_focus(self) -> None:
        """Show the cursor."""
        self._draw()

    def on_blur(self) -> None:
        """Hide the cursor."""
        self._draw()

    def _go(self, index: int) -> None:
        index = max(0, min(index, len(self._data) - 1))
        if index != self._cursor:
            self._cursor = index
            self._draw()
            self.post_message(self.RowHighlighted(self, self._data[index].key))

    def _draw(self) -> None:
        width, height = self.size
        if not width or not height:
            return
        room = max(1, height - 1)
        self._top = max(0, min(self._top, len(self._data) - room))
        self._top = min(max(self._top, self._cursor - room + 1), self._cursor)
        placed = place(self._columns, width)
        widths = {place_.index: place_.width for place_ in placed}
        titled = next((index for index in widths if self._columns[index].title), 0)
        head = [
            replace(column, title=self._title(index, column, widths.get(index, 0) if index == titled else 0, room))
            for index, column in enumerate(self._columns)
        ]
        body = [
            body_row(self._columns, placed, row, cursor=self.has_focus and index == self._cursor, glyphs=self._glyphs)
            for index, row in enumerate(self._data[self._top : self._top + room], self._top)
        ]
        if not self._data and self._empty:
            empty = _("No row holds “{text}”.", text=self._wanted) if self._all else self._empty
            body = [((empty, "dim"),)]
        self.show([head_row(head, placed, self._glyphs), *body])

    def _title(self, index: int, column: Column, width: int, room: int) -> str:
        """Return a column's title: how it is sorted, and where it is the first, `width` wide, what rows are shown."""
        title = column.title + (_SORTED[self._glyphs] if index == self._sorted else "")
        if width and self._wanted:
            title += f" /{self._wanted}"
        place_ = f" {self._top + 1}-{self._top + room}/{len(self._data)}"
        return title + place_ if len(self._data) > room and cell_len(title + place_) <= width else title
