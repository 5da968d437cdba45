"""Rows of text with a meaning for every part: what widgets compute purely and tests read."""

from collections.abc import Iterable
from typing import Literal, TypeAlias

from rich.cells import cell_len, set_cell_size

from tui.widgets.clean import clean

Role: TypeAlias = Literal["plain", "dim", "accent", "ok", "warn", "bad", "head", "cursor"]
Run: TypeAlias = tuple[str, Role]
"""Text and what it means; the style belongs to the widget that shows it."""
Row: TypeAlias = tuple[Run, ...]
Glyphs: TypeAlias = Literal["unicode", "ascii"]
_LETTERS = str.maketrans("–—−→←≥≤×·“”’…✓✖▲●▸▾", '---><><x-""\'~+X!*>v')
_LEAST_NAME = 4
"""Cells of a name that are worth more than what follows it."""


def row_text(row: Row) -> str:
    """Return a row's text alone."""
    return "".join(text for text, _ in row)


def clean_row(row: Row) -> Row:
    """Return `row` without controls in it."""
    return tuple((clean(text), role) for text, role in row)


def in_letters(text: str) -> str:
    """Return `text` with the signs that sentences use as the ASCII next to them, each as wide as it was."""
    return text.translate(_LETTERS)


def fit(text: str, width: int, *, right: bool = False, glyphs: Glyphs = "unicode") -> str:
    """Return `text`, cleaned, in exactly `width` cells, cut with an ellipsis where it is longer."""
    text = clean(text)
    length = cell_len(text)
    if length > width:
        return cut(text, width, glyphs)
    pad = " " * (width - length)
    return pad + text if right else text + pad


def cut(text: str, width: int, glyphs: Glyphs = "unicode") -> str:
    """Return `text` shortened to exactly `width` cells, the last one an ellipsis ("~" in ASCII)."""
    if width <= 0:
        return ""
    return set_cell_size(text, width - 1) + ("…" if glyphs == "unicode" else "~")


def fit_name(text: str, width: int, glyphs: Glyphs = "unicode") -> str:
    """Return `text` in exactly `width` cells; too long, its first word is cut, and what sets it apart stays."""
    text = clean(text)
    name, _blank, apart = text.partition(" ")
    room = width - cell_len(apart) - 1
    if cell_len(text) <= width or not apart or room < _LEAST_NAME:
        return fit(text, width, glyphs=glyphs)
    return f"{fit(name, room, glyphs=glyphs)} {apart}"


def fit_row(row: Row, width: int) -> Row:
    """Return `row` in exactly `width` cells."""
    fitted: list[Run] = []
    left = width
    for text, role in row:
        length = cell_len(text)
        if length > left:
            fitted.append((set_cell_size(text, left), role))
            left = 0
            break
        fitted.append((text, role))
        left -= length
    if left > 0:
        fitted.append((" " * left, "plain"))
    return join(fitted)


def join(runs: Iterable[Run]) -> Row:
    """Return `runs` with neighbours of one role made one: fewer changes of style, fewer bytes."""
    joined: list[Run] = []
    for text, role in runs:
        if not text:
            continue
        if joined and joined[-1][1] == role:
            joined[-1] = (joined[-1][0] + text, role)
        else:
            joined.append((text, role))
    return tuple(joined)
