"""Characters drawn as shapes: braille, blocks and lines join exactly, whatever font the reader has.

A shape is the data of an SVG path within one cell whose upper left corner is (x, y).
"""

from collections.abc import Callable
from typing import Final

CELL_W: Final = 8.4
CELL_H: Final = 18.0
_BRAILLE: Final = ((0x01, 0, 0), (0x02, 0, 1), (0x04, 0, 2), (0x40, 0, 3), (0x08, 1, 0), (0x10, 1, 1), (0x20, 1, 2))
_DOTS: Final = (*_BRAILLE, (0x80, 1, 3))
"""(bit, column, row from the top) of each dot of Unicode block 2800."""
_DOT: Final = 2.6
"""Side of a dot; dots are squares, which stay sharp at any scale."""
_ARMS: Final = {
    "─": "lr", "━": "lr", "│": "ud", "┃": "ud", "╭": "dr", "┌": "dr", "╮": "dl", "┐": "dl", "╰": "ur", "└": "ur",
    "╯": "ul", "┘": "ul", "├": "udr", "┤": "udl", "┬": "dlr", "┴": "ulr", "┼": "udlr",
}  # fmt: skip
_HEAVY: Final = "━┃"
_ROUND: Final = "╭╮╰╯"
_EIGHTHS: Final = " ▁▂▃▄▅▆▇█"


def drawn(char: str) -> bool:
    """Return whether `shape` draws this character."""
    return "\u2800" <= char <= "\u28ff" or char in _ARMS or char in _EIGHTHS[1:] or char in _FILLED or char == "┊"


def filled(char: str, x: float, y: float) -> str:
    """Return the part of a character that is filled."""
    if "\u2800" <= char <= "\u28ff":
        bits = ord(char) - 0x2800
        return "".join(_dot(x, y, column, row) for bit, column, row in _DOTS if bits & bit)
    if (eighths := _EIGHTHS.find(char)) > 0:
        height = CELL_H * eighths / 8
        return _rectangle(x, y + CELL_H - height, CELL_W, height)
    shape = _FILLED.get(char)
    return shape(x + CELL_W / 2, y + CELL_H / 2) if shape else ""


def stroked(char: str, x: float, y: float) -> str:
    """Return the part of a character that is a thin line."""
    if char == "┊":
        return "".join(f"M{number(x + CELL_W / 2)} {number(y + CELL_H * at)}v3" for at in (0.08, 0.42, 0.76))
    if char in _HEAVY:
        return ""
    arms = _ARMS.get(char, "")
    if char in _ROUND:
        return _corner(arms, x, y)
    return "".join(_arm(arm, x, y) for arm in arms)


def _arm(arm: str, x: float, y: float) -> str:
    middle_x, middle_y = number(x + CELL_W / 2), number(y + CELL_H / 2)
    half = {"l": f"h{-CELL_W / 2:g}", "r": f"h{CELL_W / 2:g}", "u": f"v{-CELL_H / 2:g}", "d": f"v{CELL_H / 2:g}"}
    return f"M{middle_x} {middle_y}{half[arm]}"


def _corner(arms: str, x: float, y: float) -> str:
    """Return a rounded corner from its vertical arm's end to its horizontal arm's end."""
    radius = CELL_W / 2
    down, right = (1 if "d" in arms else -1), (1 if "r" in arms else -1)
    start = f"M{number(x + CELL_W / 2)} {number(y + CELL_H / 2 + down * CELL_H / 2)}"
    straight = f"v{-down * (CELL_H / 2 - radius):g}"
    return f"{start}{straight}q0 {-down * radius:g} {right * radius:g} {-down * radius:g}"


def _dot(x: float, y: float, column: int, row: int) -> str:
    return _rectangle(
        x + CELL_W * (0.25 + 0.5 * column) - _DOT / 2, y + CELL_H * (0.125 + 0.25 * row) - _DOT / 2, _DOT, _DOT
    )


def _rectangle(x: float, y: float, width: float, height: float) -> str:
    return f"M{number(x)} {number(y)}h{number(width)}v{number(height)}h{number(-width)}z"


def _polygon(*points: tuple[float, float]) -> Callable[[float, float], str]:
    """Return a shape around the middle of a cell."""

    def draw(x: float, y: float) -> str:
        return "M" + "L".join(f"{number(x + dx)} {number(y + dy)}" for dx, dy in points) + "z"

    return draw


def _disc(x: float, y: float) -> str:
    return f"M{number(x - 3.4)} {number(y)}a3.4 3.4 0 1 1 6.8 0a3.4 3.4 0 1 1 -6.8 0z"


def number(value: float) -> str:
    """Return a coordinate, to a hundredth and no longer than it must be."""
    return f"{value:.2f}".rstrip("0").rstrip(".")


_FILLED: Final[dict[str, Callable[[float, float], str]]] = {
    "●": _disc,
    "◆": _polygon((0, -4.6), (3.8, 0), (0, 4.6), (-3.8, 0)),
    "▲": _polygon((0, -4.4), (4, 3.6), (-4, 3.6)),
    "▶": _polygon((-3.4, -4.4), (4, 0), (-3.4, 4.4)),
    "■": _polygon((-3.6, -3.6), (3.6, -3.6), (3.6, 3.6), (-3.6, 3.6)),
    "━": _polygon((-CELL_W / 2, -1.2), (CELL_W / 2, -1.2), (CELL_W / 2, 1.2), (-CELL_W / 2, 1.2)),
    "┃": _polygon((-1.2, -CELL_H / 2), (1.2, -CELL_H / 2), (1.2, CELL_H / 2), (-1.2, CELL_H / 2)),
}
