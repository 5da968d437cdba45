"""Send only the cells that changed. Textual sends whole dirty regions: five to ten times as much.

`CellDiff` keeps a shadow of what the terminal shows. It reads the updates of Textual's compositor, which is private
to Textual: `fits()` tells whether the installed one is the one this was written for.
"""

import inspect
from collections.abc import Callable, Iterator
from typing import Final

import textual
from rich.color import ColorSystem
from rich.console import COLOR_SYSTEMS, Console
from textual._compositor import ChopsUpdate, CompositorUpdate, LayoutUpdate
from textual.app import App
from textual.geometry import Size
from textual.strip import Strip

from tui.output.cells import PLAIN, WHOLE, Cells, Pen, cells_of, change_pen

PINNED: Final = "8.2.8"
_PARAMETERS: Final[tuple[tuple[Callable[..., object], str], ...]] = (
    (App._display, "self screen renderable"),
    (ChopsUpdate.__init__, "self chops spans chop_ends"),
    (LayoutUpdate.__init__, "self strips region"),
    (CompositorUpdate.render_segments, "self console"),
    (Strip.render_ansi, "style color_system"),
    (Strip.render_style, "style text color_system"),
)
_BRIDGE: Final = 3
"""So many unchanged ASCII cells are written again rather than jumped over: a jump takes four bytes."""


def fits() -> bool:
    """Return whether the installed Textual is the one whose internals are read here."""
    return textual.__version__ == PINNED and all(
        " ".join(inspect.signature(function).parameters) == names for function, names in _PARAMETERS
    )


class Ready(CompositorUpdate):
    """An update that is already written out."""

    def __init__(self, text: str) -> None:
        self.text = text

    def render_segments(self, console: Console) -> str:  # noqa: ARG002 - Textual's signature
        """Return the text."""
        return self.text


class CellDiff:
    """What the terminal shows, cell by cell, and how to turn it into the next frame."""

    def __init__(self) -> None:
        self._rows: dict[int, Cells] = {}
        self._out: list[str] = []
        self._pen: Pen | None = None
        self._at: tuple[int, int] | None = None

    @property
    def knows_nothing(self) -> bool:
        """True at first and after `forget`: the next frame has to be a whole one."""
        return not self._rows

    def forget(self) -> None:
        """The terminal may show anything now (it was resized, suspended or written to by others)."""
        self._rows.clear()

    def render(self, update: ChopsUpdate | LayoutUpdate, console: Console) -> str:
        """Return the bytes, as text, that bring the terminal to `update`; "" where it shows it already."""
        colours = COLOR_SYSTEMS.get(console.color_system or "", ColorSystem.TRUECOLOR)
        self._begin()
        for y, x, strip in _pieces(update):
            self._piece(y, x, cells_of(strip, colours))
        if self._pen not in (None, PLAIN):
            self._out.append("\x1b[m")
        return "".join(self._out)

    def _begin(self) -> None:
        self._out, self._pen, self._at = [], None, None

    def _piece(self, y: int, x: int, new: Cells) -> None:
        end = x + len(new.glyphs)
        row = self._row(y, end)
        old = Cells(row.glyphs[x:end], row.pens[x:end])
        if old == new:
            return
        if new.pens[0] is WHOLE:
            self._write_whole(y, x, new)
        else:
            self._write_changes(y, x, old, new)
        row.glyphs[x:end] = new.glyphs
        row.pens[x:end] = new.pens
        self._mend(y, x, end, old)

    def _row(self, y: int, width: int) -> Cells:
        row = self._rows.setdefault(y, Cells([], []))
        if (short := width - len(row.glyphs)) > 0:
            row.glyphs.extend(["\0"] * short)
            row.pens.extend([PLAIN] * short)
        return row

    def _write_whole(self, y: int, x: int, new: Cells) -> None:
        self._move(y, x)
        self._out.append(change_pen(self._pen, PLAIN) + new.glyphs[0])
        self._pen, self._at = PLAIN, None

    def _write_changes(self, y: int, x: int, old: Cells, new: Cells) -> None:
        glyphs, pens = new
        same = [a == b and p == q for a, b, p, q in zip(old.glyphs, glyphs, old.pens, pens, strict=True)]
        count = len(glyphs)
        i = 0
        while i < count:
            if same[i] and not self._worth_bridging(same, new, i, (y, x + i)):
                i += 1
                continue
            while not glyphs[i] and i:
                i -= 1
            wide = i + 1 < count and not glyphs[i + 1]
            self._write(y, x + i, glyphs[i], pens[i], 2 if wide else 1)
            i += 2 if wide else 1

    def _worth_bridging(self, same: list[bool], new: Cells, i: int, at: tuple[int, int]) -> bool:
        """Tell whether writing the unchanged cell `i` again is cheaper than jumping over it and what follows."""
        if self._at != at:
            return False
        gap = next((n for n, equal in enumerate(same[i : i + _BRIDGE + 1]) if not equal), None)
        if gap is None:
            return False
        between = new.glyphs[i : i + gap]
        return all(pen == self._pen for pen in new.pens[i : i + gap]) and all(map(_one_byte, between))

    def _mend(self, y: int, start: int, end: int, old: Cells) -> None:
        """Blank the halves of wide glyphs that lost their other half under what was just written."""
        row = self._rows[y]
        if start and not old.glyphs[0] and row.glyphs[start] and row.pens[start - 1] is not WHOLE:
            self._blank(y, start - 1, row)
        if end < len(row.glyphs) and not row.glyphs[end] and row.pens[end] is not WHOLE:
            self._blank(y, end, row)

    def _blank(self, y: int, x: int, row: Cells) -> None:
        row.glyphs[x] = " "
        self._write(y, x, " ", row.pens[x], 1)

    def _write(self, y: int, x: int, glyph: str, pen: Pen, width: int) -> None:
        self._move(y, x)
        if pen != self._pen:
            self._out.append(change_pen(self._pen, pen))
            self._pen = pen
        self._out.append(glyph)
        self._at = (y, x + width)

    def _move(self, y: int, x: int) -> None:
        if self._at == (y, x):
            return
        if self._at is not None and self._at[0] == y and self._at[1] < x:
            self._out.append(f"\x1b[{x - self._at[1]}C")
        else:
            self._out.append(f"\x1b[{y + 1};{x + 1}H" if x else f"\x1b[{y + 1}H")


def size_of(update: ChopsUpdate | LayoutUpdate) -> Size:
    """Return the size of the screen an update was made for. It may be late: the terminal has another one by now."""
    if isinstance(update, LayoutUpdate):
        return update.region.size
    return Size(update.chop_ends[0][-1], len(update.chops)) if update.chops else Size(0, 0)


def _one_byte(glyph: str) -> bool:
    return len(glyph) == 1 and glyph.isascii()


def _pieces(update: ChopsUpdate | LayoutUpdate) -> Iterator[tuple[int, int, Strip]]:
    """Yield (row, column, strip) of an update, uncut: what lies beside a dirty span costs nothing if unchanged."""
    if isinstance(update, LayoutUpdate):
        for y, line in enumerate(update.strips, update.region.y):
            x = update.region.x
            for strip in line:
                yield y, x, strip
                x += strip.cell_length
        return
    for y, start, stop in update.spans:
        for end, (x, chop) in zip(update.chop_ends[y], update.chops[y].items(), strict=False):
            if chop is not None and x < stop and end > start:
                yield y, x, chop
