"""Text as terminal cells: what one cell holds, which pen draws it, how to get from one pen to the next."""

import re
from functools import lru_cache
from typing import Final, NamedTuple

from rich.cells import cell_len, get_character_cell_size
from rich.color import ColorSystem
from rich.style import Style
from textual.strip import Strip

_NARROW: Final = re.compile("[\x20-\x7e\u00a0-\u00ac\u00ae-\u02ff\u0370-\u0482\u2500-\u25fc\u2800-\u28ff]*")
"""Text of which every character takes one cell, told by one quick match. Not all such text."""
_JOINING: Final = re.compile("[\U0001f1e6-\U0001f1ff\U0001f3fb-\U0001f3ff]")
"""Regional indicators and skin tones: they have a width alone, and another one together."""
_CONTROLS: Final = re.compile("[\x00-\x1f\x7f-\x9f]")


class Pen(NamedTuple):
    """SGR parameters (ECMA-48 8.3.117) of a style, in the three parts that change separately."""

    attributes: str
    foreground: str
    background: str


PLAIN: Final = Pen("", "39", "49")
WHOLE: Final = Pen("whole", "", "")
"""The pen of cells that are only known together: text whose cells cannot be told apart."""


class Cells(NamedTuple):
    """A piece of a row: glyph and pen of each cell. The second cell of a wide glyph holds ""."""

    glyphs: list[str]
    pens: list[Pen]


@lru_cache(maxsize=4096)
def pen_of(style: Style | None, colours: ColorSystem) -> Pen:
    """Return the pen that draws `style` on a terminal with `colours`."""
    if style is None:
        return PLAIN
    return Pen(
        Strip.render_ansi(style.without_color, colours),
        ";".join(style.color.downgrade(colours).get_ansi_codes()) if style.color else PLAIN.foreground,
        ";".join(style.bgcolor.downgrade(colours).get_ansi_codes(False)) if style.bgcolor else PLAIN.background,
    )


@lru_cache(maxsize=4096)
def change_pen(before: Pen | None, after: Pen) -> str:
    """Return the shortest sequence known to turn `before` (None: not known) into `after`."""
    if before == after:
        return ""
    fresh = [part for part in after if part and part not in (PLAIN.foreground, PLAIN.background)]
    whole = f"\x1b[{';'.join(['0', *fresh] if fresh else [])}m"
    if before is None or (before.attributes and before.attributes != after.attributes):
        return whole
    changed = [new for old, new in zip(before, after, strict=True) if old != new]
    return min(f"\x1b[{';'.join(changed)}m", whole, key=len)


def cells_of(strip: Strip, colours: ColorSystem) -> Cells:
    """Return the cells of a strip.

    Where graphemes of several code points or links make single cells meaningless, the first cell holds the whole
    strip as it is written and the others "": it is then sent whole or not at all.
    """
    glyphs: list[str] = []
    pens: list[Pen] = []
    for text, style, control in strip:
        if control or not text:
            continue
        parts = None if style is not None and style.link else _split(text)
        if parts is None:
            return _whole(strip, colours)
        glyphs.extend(parts)
        pens.extend([pen_of(style, colours)] * len(parts))
    return Cells(glyphs, pens)


def _split(text: str) -> str | list[str] | None:
    """Return `text` cell by cell, None where that cannot be done."""
    if _NARROW.fullmatch(text):
        return text
    if _JOINING.search(text):
        return None
    cells: list[str] = []
    for char in text:
        width = get_character_cell_size(char)
        if width == 0:
            return None
        cells.append(char)
        if width > 1:
            cells.append("")
    return cells if len(cells) == cell_len(text) else None


def _whole(strip: Strip, colours: ColorSystem) -> Cells:
    written = "".join(
        Strip.render_style(style or Style.null(), _CONTROLS.sub("", text), color_system=colours)
        for text, style, control in strip
        if not control
    )
    width = strip.cell_length
    return Cells([written] + [""] * (width - 1), [WHOLE] * width) if width else Cells([], [])
