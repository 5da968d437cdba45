"""Rows of styled text as an SVG: self-contained, the same text gives the same bytes."""

from collections.abc import Iterable, Iterator, Sequence
from html import escape
from typing import Final, NamedTuple

from rich.cells import cell_len
from rich.style import Style

from tui.picture.palette import background, colours
from tui.picture.shapes import CELL_H, CELL_W, drawn, filled, number, stroked

FONTS: Final = (
    "ui-monospace,'Cascadia Mono','JetBrains Mono','SF Mono',Menlo,'DejaVu Sans Mono',Consolas,"
    "'Noto Sans Mono CJK SC','Noto Sans CJK SC','PingFang SC','Microsoft YaHei',monospace"
)
FONT_SIZE: Final = 14
"""0.6 em is one cell: the width of most fixed-width fonts."""
WIDE_SIZE: Final = 16
"""Wide characters are 1 em wide; their two cells would leave gaps at the size of the narrow ones."""
_HEAD: Final = (
    '<svg xmlns="http://www.w3.org/2000/svg" role="img" '
    'width="{width}" height="{height}" viewBox="0 0 {width} {height}">'
)
_STYLE: Final = (
    f"text{{font:{FONT_SIZE}px {FONTS};white-space:pre}}"
    ".b{font-weight:bold}"
    f".w{{font-size:{WIDE_SIZE}px;letter-spacing:{2 * CELL_W - WIDE_SIZE:g}px}}"
    ".l{fill:none}"
)
_BASELINE: Final = 13.2
_PAD: Final = 12
_BAR: Final = 30
"""Height of the bar with the title."""

StyledRow = Sequence[tuple[str, Style | None]]


class Piece(NamedTuple):
    """Text of one look at a column. `kind`: words of narrow or wide characters, or shapes."""

    column: int
    text: str
    ink: str
    bold: bool
    kind: str


def picture(rows: Sequence[StyledRow], columns: int, title: str) -> str:
    """Return `rows` as the inside of a window with `title`. Text is data: it is escaped."""
    width, height = columns * CELL_W + 2 * _PAD, len(rows) * CELL_H + _BAR + _PAD
    body = "\n".join(part for y, row in enumerate(rows) for part in _row(row, y * CELL_H))
    parts = (
        _HEAD.format(width=number(width), height=number(height)),
        f"<title>{escape(title)}</title>",
        f"<style>{_STYLE}</style>",
        f'<rect width="100%" height="100%" rx="8" fill="{background()}"/>',
        *_bar(width, title),
        f'<g transform="translate({_PAD} {_BAR})" xml:space="preserve">',
        body,
        "</g></svg>\n",
    )
    return "\n".join(parts)


def _bar(width: float, title: str) -> Iterator[str]:
    for at, colour in enumerate(("#f06868", "#e6b450", "#7ec46e")):
        yield f'<circle cx="{_PAD + 6 + 18 * at}" cy="15" r="5" fill="{colour}"/>'
    yield f'<text x="{number(width / 2)}" y="20" fill="#8a94a4" text-anchor="middle">{escape(title)}</text>'


def _row(row: StyledRow, y: float) -> Iterator[str]:
    """Yield a row's backgrounds, then its shapes, a path for each colour, then its words."""
    yield from _papers(row, y)
    pieces = list(_pieces(row))
    fills: dict[str, list[str]] = {}
    lines: dict[str, list[str]] = {}
    for piece in pieces:
        if piece.kind == "shape":
            for at, char in enumerate(piece.text, piece.column):
                fills.setdefault(piece.ink, []).append(filled(char, at * CELL_W, y))
                lines.setdefault(piece.ink, []).append(stroked(char, at * CELL_W, y))
    for ink, paths in fills.items():
        if data := "".join(paths):
            yield f'<path fill="{ink}" d="{data}"/>'
    for ink, paths in lines.items():
        if data := "".join(paths):
            yield f'<path class="l" stroke="{ink}" d="{data}"/>'
    yield from (_words(piece, y) for piece in pieces if piece.kind != "shape")


def _papers(row: StyledRow, y: float) -> Iterator[str]:
    column = 0
    for text, style in row:
        width = cell_len(text)
        paper = colours(style)[1]
        if paper != background():
            yield (
                f'<rect x="{number(column * CELL_W)}" y="{number(y)}" width="{number(width * CELL_W)}" '
                f'height="{CELL_H:g}" fill="{paper}" shape-rendering="crispEdges"/>'
            )
        column += width


def _pieces(row: StyledRow) -> Iterator[Piece]:
    """Yield what is to be drawn, spaces left out: every word stands in its own column, so that no font can drift."""
    column = 0
    for text, style in row:
        ink, _paper = colours(style)
        bold = bool(style and style.bold)
        for kind, part in _kinds(text):
            if kind != "space":
                yield Piece(column, part, ink, bold, kind)
            column += cell_len(part)


def _kinds(text: str) -> Iterator[tuple[str, str]]:
    """Yield runs of characters that are drawn alike."""
    start = 0
    for end in range(1, len(text) + 1):
        if end == len(text) or _kind(text[end]) != _kind(text[start]):
            yield _kind(text[start]), text[start:end]
            start = end


def _kind(char: str) -> str:
    if char.isspace():
        return "space"
    if drawn(char):
        return "shape"
    return "wide" if cell_len(char) == 2 else "narrow"


def _words(piece: Piece, y: float) -> str:
    names = " ".join(name for name, wanted in (("b", piece.bold), ("w", piece.kind == "wide")) if wanted)
    look = f' class="{names}"' if names else ""
    length = f' textLength="{number(len(piece.text) * CELL_W)}"' if piece.kind == "narrow" else ""
    return (
        f'<text x="{number(piece.column * CELL_W)}" y="{number(y + _BASELINE)}" fill="{piece.ink}"{length}{look}>'
        f"{escape(piece.text)}</text>"
    )


def plain_rows(lines: Iterable[Iterable[tuple[str, Style | None]]]) -> list[StyledRow]:
    """Return rows with their runs made lists and empty ones left out."""
    return [[(text, style) for text, style in line if text] for line in lines]
