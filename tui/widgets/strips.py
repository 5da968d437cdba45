"""Strip charts: several quantities of one thing over one time axis, one row each."""

from collections.abc import Sequence
from typing import Final

import msgspec
from rich.cells import cell_len

from tui.widgets.runs import Glyphs, Role, Row, Run, fit, join
from tui.widgets.timeline import timeline

_BARS: Final[dict[Glyphs, str]] = {"unicode": "▁▂▃▄▅▆▇█", "ascii": ".:-=+*%#"}


class Strip(msgspec.Struct, frozen=True):
    """One quantity: (time in ns, value) in time order; None is a gap. `peak` says what a full bar stands for."""

    label: str
    points: tuple[tuple[int, float | None], ...]
    peak: str
    role: Role = "accent"


def strip_rows(
    strips: Sequence[Strip], start_ns: int, end_ns: int, width: int, glyphs: Glyphs = "unicode"
) -> list[Row]:
    """Return one row a strip: its label, a bar for every moment, and its peak. Zero and gaps are blank."""
    margin = max((cell_len(strip.label) for strip in strips), default=0)
    tail = max((cell_len(strip.peak) for strip in strips), default=0)
    columns = max(1, width - margin - tail - 2)
    return [_row(strip, start_ns, end_ns, margin, columns, glyphs) for strip in strips]


def _row(strip: Strip, start_ns: int, end_ns: int, margin: int, columns: int, glyphs: Glyphs) -> Row:
    line = timeline(start_ns, end_ns, columns)
    highest: list[float | None] = [None] * line.columns
    for t_ns, value in strip.points:
        column = line.column(t_ns)
        if column is not None and value is not None:
            highest[column] = max(value, highest[column] or 0.0)
    top = max((value for value in highest if value is not None), default=0.0)
    bars: list[Run] = [(_bar(value, top, _BARS[glyphs]), strip.role) for value in highest]
    return join([(fit(strip.label, margin, glyphs=glyphs) + " ", "dim"), *bars, (" " + strip.peak, "dim")])


def _bar(value: float | None, top: float, bars: str) -> str:
    if value is None or not value or not top:
        return " "
    return bars[min(len(bars) - 1, int(value / top * len(bars)))]
