"""Columns of a table: which fit, how wide they get, and the rows of runs that they make."""

from collections.abc import Sequence
from typing import Literal

import msgspec
from rich.cells import cell_len

from tui.widgets.runs import Glyphs, Role, Row, Run, fit, fit_name, join

GAP = 2
"""Blank cells between two columns."""


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
