"""A table on the Line API: rows by key, a cursor that stays on its key, only changed rows sent."""

from collections.abc import Sequence
from typing import ClassVar, Literal

import msgspec
from msgspec.structs import replace
from rich.cells import cell_len
from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message

from tui.text import N_, _
from tui.widgets.lines import Lines
from tui.widgets.runs import Glyphs, Role, Row, Run, fit, fit_name, join

GAP = 2
"""Blank cells between two columns."""
_SORTED: dict[Glyphs, str] = {"unicode": "▾", "ascii": "v"}


class Column(msgspec.Struct, frozen=True):
    """How one column is drawn. Widths are cells."""

    title: str
    width: int
    """Least width; fixed where `flex` is 0, so that nothing moves when values change."""
    flex: int = 0
    """Share of the room that is left over."""
    align: Literal["left", "right"] = "left"
    priority: int = 0
    """Narrow tables hide the highest priority first; 0 stays always."""
    named: bool = False
    """A name and what sets it apart from its like: too long, the name is cut."""


class TableRow(msgspec.Struct, frozen=True):
    """One row: its stable key and one (text, role) run a column."""

    key: str
    cells: tuple[Run, ...]
    spread: bool = False
    """The last cell takes the room of all columns that have none."""
    order: tuple[float | str, ...] = ()
    """What the cells are sorted by, where the table can be sorted."""


class Placed(msgspec.Struct, frozen=True):
    """Where a column ended up: its index and its width in cells."""

    index: int
    width: int


def place(columns: Sequence[Column], width: int) -> tuple[Placed, ...]:
    """Return the columns that fit into `width` cells, left to right, with the room shared out."""
    shown = list(range(len(columns)))
    while len(shown) > 1 and _needed(columns, shown) > width:
        worst = max(shown, key=lambda index: (columns[index].priority, index))
        if not columns[worst].priority:
            break
        shown.remove(worst)
    spare = max(0, width - _needed(columns, shown))
    shares = sum(columns[index].flex for index in shown)
    placed = []
    for index in shown:
        flex = columns[index].flex
        extra = spare * flex // shares if flex else 0
        spare, shares = spare - extra, shares - flex
        placed.append(Placed(index, columns[index].width + extra))
    return tuple(placed)


def _needed(columns: Sequence[Column], shown: Sequence[int]) -> int:
    return sum(columns[index].width for index in shown) + GAP * (len(shown) - 1)


def head_row(columns: Sequence[Column], placed: Sequence[Placed], glyphs: Glyphs = "unicode") -> Row:
    """Return the row of titles."""
    return _row(columns, placed, tuple((column.title, "head") for column in columns), glyphs)


def body_row(
    columns: Sequence[Column],
    placed: Sequence[Placed],
    row: TableRow,
    *,
    cursor: bool = False,
    glyphs: Glyphs = "unicode",
) -> Row:
    """Return one row of cells; under the cursor it is one run with one style."""
    drawn = _spread_row(columns, placed, row, glyphs) if row.spread else _row(columns, placed, row.cells, glyphs)
    return (("".join(text for text, _ in drawn), "cursor"),) if cursor else drawn


def _row(columns: Sequence[Column], placed: Sequence[Placed], cells: tuple[Run, ...], glyphs: Glyphs) -> Row:
    runs: list[Run] = []
    for position, place_ in enumerate(placed):
        text, role = cells[place_.index] if place_.index < len(cells) else ("", "plain")
        column = columns[place_.index]
        gap: Role = runs[-1][1] if runs else role
        if position:
            runs.append((" " * GAP, gap))
        if column.named:
            runs.append((fit_name(text, place_.width, glyphs), role))
        else:
            runs.append((fit(text, place_.width, right=column.align == "right", glyphs=glyphs), role))
    return join(runs)


def _spread_row(columns: Sequence[Column], placed: Sequence[Placed], row: TableRow, glyphs: Glyphs) -> Row:
    """Return a row whose last cell is a sentence over the columns from its own on; it takes what the name leaves."""
    last = len(row.cells) - 1
    own = [place_ for place_ in placed if place_.index < last]
    rest = [place_.width for place_ in placed if place_.index >= last]
    text, role = row.cells[last]
    room = sum(rest) + GAP * (len(rest) - 1)
    if own and cell_len(text) > room:
        name, width = own[-1].index, own[-1].width
        spare = max(0, width - cell_len(row.cells[name][0]))
        own, room = [*own[:-1], Placed(name, width - spare)], room + spare
    gap: Row = ((" " * GAP, "plain"),) if own else ()
    return join([*_row(columns, own, row.cells, glyphs), *gap, (fit(text, room, glyphs=glyphs), role)])


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
