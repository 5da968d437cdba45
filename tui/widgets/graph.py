"""Latency and loss over time. `graph_rows` is pure and says everything; the widget only keeps the scale steady."""

from bisect import bisect_left
from collections.abc import Sequence
from typing import Final

import msgspec
from rich.cells import cell_len

from analysis.buckets import Bucket
from tui.widgets.canvas import Ascii, Braille, Canvas
from tui.widgets.lines import Lines
from tui.widgets.runs import Glyphs, Row, Run, fit, join
from tui.widgets.scale import NS_PER, Unit, label, steady_ceiling, usual_peak
from tui.widgets.timeline import Timeline, spread, timeline


class GraphData(msgspec.Struct, frozen=True):
    """What one graph shows of [start_ns, end_ns], times in ns since the epoch."""

    buckets: tuple[Bucket, ...]
    start_ns: int
    end_ns: int
    marks: tuple[tuple[int, str], ...] = ()
    """(time, one character) each, drawn at the top."""
    epochs: tuple[int, ...] = ()
    """Moments from which the numbers mean something else (a new route): a vertical line."""
    unit: Unit = "ms"
    ceiling: float | None = None
    """Top of the axis in `unit`; None chooses a round number above the data."""
    loss_label: str = "loss"
    start_label: str = ""
    end_label: str = ""
    """Written under the left and right ends; without both there is no row for them."""


class _Signs(msgspec.Struct, frozen=True):
    axis: str
    tick: str
    epoch: str
    cut_off: str
    failed: str
    loss: str
    """By rising loss ratio; the last one is everything."""


_SIGNS: Final[dict[Glyphs, _Signs]] = {
    "unicode": _Signs("│", "┤", "┊", "↑", "×", "▁▂▃▄▅▆▇█"),
    "ascii": _Signs("|", "+", "!", "^", "x", "123456789#"),
}
_US_PER: Final[dict[Unit, float]] = {unit: ns / 1000 for unit, ns in NS_PER.items()}
_LOSS_STEPS: Final = (0.01, 0.02, 0.05, 0.1, 0.2, 0.4, 1 - 1e-9)
_BAND_ROWS: Final = 3
"""Graphs lower than this show the median only: a band would be a blot."""


def peak(data: GraphData) -> float:
    """Return how high the axis of `data` must reach, in its unit."""
    scale = _US_PER[data.unit]
    shown = [b for b in data.buckets if b.p50_us is not None and b.start_ns + b.step_ns > data.start_ns]
    middles = [b.p50_us / scale for b in shown if b.p50_us is not None]
    tops = [(b.max_us if b.max_us is not None else b.p50_us or 0) / scale for b in shown]
    return usual_peak(middles, tops)


def plot_timeline(data: GraphData, width: int, ceiling: float) -> Timeline:
    """Return the columns of the plot in a graph `width` cells wide: the axis takes its part."""
    return timeline(data.start_ns, data.end_ns, width - _margin(data, ceiling) - 1)


def _margin(data: GraphData, ceiling: float) -> int:
    return max(len(label(ceiling)), len(label(ceiling / 2)), cell_len(data.loss_label))


def graph_rows(data: GraphData, width: int, height: int, glyphs: Glyphs = "unicode") -> list[Row]:
    """Return `height` rows of `width` cells: the plot over an axis from 0, loss beneath, then the ends' labels.

    The median is a line, least to greatest a stippled band. Nothing answered is a gap. `loss` shows the share lost of
    the probes sent in that column; "×" where probes never left this box. Without any answer the axis has no numbers.
    """
    ceiling = data.ceiling or steady_ceiling(peak(data), None)
    signs = _SIGNS[glyphs]
    line = plot_timeline(data, width, ceiling)
    labelled = bool(data.start_label or data.end_label) and height >= 4
    plot_height = max(1, height - 1 - labelled)
    margin = _margin(data, ceiling)
    plot = _plot(data, line, plot_height, ceiling, glyphs)
    measured = any(bucket.p50_us is not None for bucket in data.buckets)
    axis = _axis(ceiling if measured else None, plot_height, margin, signs)
    rows: list[Row] = [
        join([(head, "dim"), *_overlay(text, data, line, signs, _cut_off(data, line, ceiling) if y == 0 else None)])
        for y, (head, text) in enumerate(zip(axis, plot, strict=True))
    ]
    loss: Run = (fit(data.loss_label, margin, right=True, glyphs=glyphs) + signs.axis, "dim")
    rows.append(join([loss, *_loss(data.buckets, line, signs)]))
    if labelled:
        room = max(0, line.columns - cell_len(data.start_label) - cell_len(data.end_label))
        text = " " * (margin + 1) + data.start_label + " " * room + data.end_label
        rows.append(((text, "dim"),))
    return rows[:height]


def _plot(data: GraphData, line: Timeline, height: int, ceiling: float, glyphs: Glyphs) -> list[str]:
    canvas: Canvas = (Braille if glyphs == "unicode" else Ascii)(line.columns, height)
    top = height * canvas.up - 1
    scale = top / (ceiling * _US_PER[data.unit])
    before: int | None = None
    for x, buckets in enumerate(spread(data.buckets, line.finer(canvas.across))):
        answered = [bucket for bucket in buckets if bucket.p50_us is not None]
        if not answered:
            before = None
            continue
        middle = _level(_median([bucket.p50_us for bucket in answered if bucket.p50_us is not None]), scale, top)
        if height >= _BAND_ROWS:
            _band(canvas, x, answered, scale, top)
        for y in _between(before, middle):
            canvas.dot(x, y)
        before = middle
    return canvas.rows()


def _level(time_us: float, scale: float, top: int) -> int:
    return min(top, round(time_us * scale))


def _median(values: list[int]) -> int:
    return sorted(values)[(len(values) - 1) // 2]


def _band(canvas: Canvas, x: int, buckets: Sequence[Bucket], scale: float, top: int) -> None:
    lows = [bucket.min_us for bucket in buckets if bucket.min_us is not None]
    highs = [bucket.max_us for bucket in buckets if bucket.max_us is not None]
    if not lows or not highs:
        return
    for y in range(_level(min(lows), scale, top), _level(max(highs), scale, top) + 1):
        if (x + y) % 2:
            canvas.dot(x, y)


def _between(before: int | None, now: int) -> range:
    """Return the heights that join the line to its last point."""
    if before is None or abs(now - before) <= 1:
        return range(now, now + 1)
    return range(before + 1, now + 1) if now > before else range(now, before)


def _axis(ceiling: float | None, height: int, margin: int, signs: _Signs) -> list[str]:
    """Return the axis of each row; `ceiling` is None where nothing was measured, and then it has no numbers."""
    if ceiling is None:
        return [" " * margin + signs.axis] * height
    labels = {0: label(ceiling), height - 1: "0"} if height > 1 else {0: label(ceiling)}
    if height >= 5 and height % 2:
        labels[height // 2] = label(ceiling / 2)
    return [labels.get(y, "").rjust(margin) + (signs.tick if y in labels else signs.axis) for y in range(height)]


def _overlay(text: str, data: GraphData, line: Timeline, signs: _Signs, cut_off: Sequence[int] | None) -> list[Run]:
    """Return a row of the plot with epochs where it is empty; the top row (`cut_off` given) has the marks too."""
    cells: list[Run] = [(char, "accent") for char in text]
    for t_ns in data.epochs:
        column = line.column(t_ns)
        if column is not None and text[column] == " ":
            cells[column] = (signs.epoch, "dim")
    if cut_off is not None:
        for column in cut_off:
            cells[column] = (signs.cut_off, "warn")
        for t_ns, sign in data.marks:
            if (column := line.column(t_ns)) is not None:
                cells[column] = (sign, "head")
    return cells


def _cut_off(data: GraphData, line: Timeline, ceiling: float) -> list[int]:
    limit = ceiling * _US_PER[data.unit]
    return [
        column
        for column, buckets in enumerate(spread(data.buckets, line))
        if any(bucket.max_us is not None and bucket.max_us > limit for bucket in buckets)
    ]


def loss_sign(buckets: Sequence[Bucket], loss_signs: str) -> str:
    """Return the sign for the share lost of what `buckets` sent; a space for none, whether lost or sent.

    The steps widen: 1 % and 5 % are told apart, as are a few losses and an outage.
    """
    settled = sum(bucket.settled for bucket in buckets)
    lost = sum(bucket.lost for bucket in buckets)
    if not lost:
        return " "
    step = bisect_left(_LOSS_STEPS, lost / settled)
    return loss_signs[step * (len(loss_signs) - 1) // len(_LOSS_STEPS)]


def _loss(buckets: Sequence[Bucket], line: Timeline, signs: _Signs) -> list[Run]:
    runs: list[Run] = []
    for column in spread(buckets, line):
        sign = loss_sign(column, signs.loss)
        if sign == " " and any(bucket.failed for bucket in column):
            sign = signs.failed
        runs.append((sign, "bad"))
    return runs


class TimeGraph(Lines):
    """A graph that keeps its scale while the data fit it."""

    def __init__(self, *, glyphs: Glyphs = "unicode", id: str | None = None, classes: str | None = None) -> None:  # noqa: A002 - Textual's own name
        super().__init__(id=id, classes=classes)
        self._glyphs: Glyphs = glyphs
        self._data: GraphData | None = None
        self._ceiling: float | None = None

    def show_data(self, data: GraphData) -> None:
        """Draw `data`; rows that stay the same are not sent."""
        self._ceiling = data.ceiling or steady_ceiling(peak(data), self._ceiling)
        self._data = msgspec.structs.replace(data, ceiling=self._ceiling)
        self._draw()

    def on_resize(self) -> None:
        """Draw for the new size."""
        self._draw()

    def time_at(self, x: int) -> int | None:
        """Return when the column at `x` (cells from the widget's left edge) begins; None left of the plot."""
        if self._data is None or self._ceiling is None:
            return None
        line = plot_timeline(self._data, self.size.width, self._ceiling)
        column = x - (self.size.width - line.columns)
        return line.time(column) if column >= 0 else None

    def _draw(self) -> None:
        width, height = self.size
        if self._data is not None and width and height:
            self.show(graph_rows(self._data, width, height, self._glyphs))
