"""Colours of a picture: the terminal's sixteen and what "default" means, as hexadecimal RGB."""

from typing import Final

from rich.color import Color
from rich.color_triplet import ColorTriplet
from rich.style import Style
from rich.terminal_theme import TerminalTheme

THEME: Final = TerminalTheme(
    (16, 20, 27),
    (208, 214, 224),
    [
        (72, 80, 94),
        (240, 104, 104),
        (126, 196, 110),
        (230, 180, 80),
        (104, 164, 246),
        (200, 140, 230),
        (88, 196, 206),
        (208, 214, 224),
    ],
    [
        (100, 110, 126),
        (255, 130, 130),
        (150, 216, 134),
        (250, 204, 110),
        (134, 186, 255),
        (220, 166, 246),
        (118, 216, 224),
        (240, 244, 250),
    ],
)
"""Black is not the background: frames drawn with it stay visible, as most terminals' palettes have it."""
_DIM: Final = 0.42
"""How far dim text goes towards the background."""


def background() -> str:
    """Return the colour of an empty screen."""
    return THEME.background_color.hex


def colours(style: Style | None) -> tuple[str, str]:
    """Return a style's text and background colours, with reverse and dim applied."""
    style = style or Style.null()
    ink, paper = _triplet(style.color, ink=True), _triplet(style.bgcolor, ink=False)
    if style.reverse:
        ink, paper = paper, ink
    if style.dim:
        ink = _mixed(ink, paper, _DIM)
    return ink.hex, paper.hex


def _triplet(colour: Color | None, *, ink: bool) -> ColorTriplet:
    if colour is None or colour.is_default:
        return THEME.foreground_color if ink else THEME.background_color
    return colour.get_truecolor(THEME, foreground=ink)


def _mixed(first: ColorTriplet, second: ColorTriplet, share: float) -> ColorTriplet:
    return ColorTriplet(*(round(a + (b - a) * share) for a, b in zip(first, second, strict=True)))
