"""Dots drawn into rows of characters: braille, 2 by 4 dots a cell, or ASCII, 1 by 2."""

from typing import Final, Protocol

_BRAILLE_BITS: Final = ((0x40, 0x04, 0x02, 0x01), (0x80, 0x20, 0x10, 0x08))
"""Bit of the dot at (column, height above the cell's floor) within U+2800."""
_ASCII: Final = (" ", ".", "'", ":")


class Canvas(Protocol):
    """A field of dots; (0, 0) is the lower left one."""

    across: int
    """Dots in one cell, left to right."""
    up: int
    """Dots in one cell, bottom to top."""

    def dot(self, x: int, y: int) -> None:
        """Set one dot; outside the field nothing happens."""

    def rows(self) -> list[str]:
        """Return the text, top row first, a space where no dot is."""


class Braille:
    """Braille patterns (Unicode block 2800)."""

    across = 2
    up = 4

    def __init__(self, width: int, height: int) -> None:
        self._cells = [[0] * width for _ in range(height)]
        self._dots = (width * self.across, height * self.up)

    def dot(self, x: int, y: int) -> None:
        """Set one dot."""
        if 0 <= x < self._dots[0] and 0 <= y < self._dots[1]:
            self._cells[-1 - y // 4][x // 2] |= _BRAILLE_BITS[x % 2][y % 4]

    def rows(self) -> list[str]:
        """Return the text, top row first."""
        return ["".join(chr(0x2800 + bits) if bits else " " for bits in row) for row in self._cells]


class Ascii:
    """Full stops, apostrophes and colons, for terminals without UTF-8."""

    across = 1
    up = 2

    def __init__(self, width: int, height: int) -> None:
        self._cells = [[0] * width for _ in range(height)]
        self._width = width
        self._height = height * self.up

    def dot(self, x: int, y: int) -> None:
        """Set one dot."""
        if 0 <= x < self._width and 0 <= y < self._height:
            self._cells[-1 - y // 2][x] |= 1 << y % 2

    def rows(self) -> list[str]:
        """Return the text, top row first."""
        return ["".join(_ASCII[bits] for bits in row) for row in self._cells]
