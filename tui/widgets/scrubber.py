"""One line that shows a whole session: how bad it was when, marks, and where the cursor stands."""

import msgspec
from rich.cells import cell_len
from textual import events
from textual.message import Message

from analysis.buckets import Bucket
from tui.widgets.graph import loss_sign
from tui.widgets.lines import Lines
from tui.widgets.runs import Glyphs, Role, Row, Run, join
from tui.widgets.timeline import Timeline, spread, timeline


class ScrubberData(msgspec.Struct, frozen=True):
    """A session of [start_ns, end_ns], times in ns since the epoch, seen as one line."""

    buckets: tuple[Bucket, ...]
    start_ns: int
    end_ns: int
    cursor_ns: int | None = None
    """None: live, the cursor is the end."""
    marks: tuple[int, ...] = ()
    epochs: tuple[int, ...] = ()
    slow_us: int = 150_000
    """A median above this is shown as slow."""
    start_label: str = ""
    end_label: str = ""


_SIGNS: dict[Glyphs, tuple[str, str, str, str, str, str]] = {
    "unicode": ("▁▂▃▄▅▆▇█", "─", "~", "◆", "┊", "┃"),
    "ascii": ("123456789#", "-", "~", "*", "!", "|"),
}


def scrubber_timeline(data: ScrubberData, width: int) -> Timeline:
    """Return the columns of the line between its labels."""
    labels = sum(cell_len(text) + 1 for text in (data.start_label, data.end_label) if text)
    return timeline(data.start_ns, data.end_ns, width - labels)


def scrubber_row(data: ScrubberData, width: int, glyphs: Glyphs = "unicode") -> Row:
    """Return the line in `width` cells: a bar where probes were lost, "~" where slow, a line where well, a gap where
    nothing was probed; over it epochs, marks and the cursor.
    """
    loss, well, slow, mark, epoch, cursor = _SIGNS[glyphs]
    line = scrubber_timeline(data, width)
    cells: list[Run] = [_cell(buckets, data.slow_us, (loss, well, slow)) for buckets in spread(data.buckets, line)]
    over: list[tuple[int, str, Role]] = [(t_ns, epoch, "dim") for t_ns in data.epochs]
    over += [(t_ns, mark, "accent") for t_ns in data.marks]
    over.append((data.end_ns if data.cursor_ns is None else data.cursor_ns, cursor, "head"))
    for t_ns, sign, role in over:
        if (column := line.column(t_ns)) is not None:
            cells[column] = (sign, role)
    start: Run = (data.start_label + " " if data.start_label else "", "dim")
    end: Run = (" " + data.end_label if data.end_label else "", "dim")
    return join([start, *cells, end])


def _cell(buckets: list[Bucket], slow_us: int, signs: tuple[str, str, str]) -> Run:
    loss, well, slow = signs
    if not any(bucket.sent for bucket in buckets):
        return (" ", "dim")
    if (sign := loss_sign(buckets, loss)) != " ":
        return (sign, "bad")
    if any(bucket.p50_us is not None and bucket.p50_us > slow_us for bucket in buckets):
        return (slow, "warn")
    return (well, "dim")


class Scrubber(Lines):
    """The session at a glance. A click posts `Sought` with the time under the mouse."""

    DEFAULT_CSS = "Scrubber { height: 1; }"

    class Sought(Message):
        """The person points at a moment."""

        def __init__(self, t_ns: int) -> None:
            super().__init__()
            self.t_ns = t_ns

    def __init__(self, *, glyphs: Glyphs = "unicode", id: str | None = None, classes: str | None = None) -> None:  # noqa: A002 - Textual's own name
        super().__init__(id=id, classes=classes)
        self._glyphs: Glyphs = glyphs
        self._data: ScrubberData | None = None

    def show_data(self, data: ScrubberData) -> None:
        """Draw `data`."""
        self._data = data
        self._draw()

    def on_resize(self) -> None:
        """Draw for the new width."""
        self._draw()

    def on_click(self, event: events.Click) -> None:
        """Tell the moment under the mouse."""
        if self._data is None:
            return
        line = scrubber_timeline(self._data, self.size.width)
        left = cell_len(self._data.start_label) + 1 if self._data.start_label else 0
        if 0 <= event.x - left < line.columns:
            self.post_message(self.Sought(line.time(event.x - left)))

    def _draw(self) -> None:
        if self._data is not None and self.size.width:
            self.show([scrubber_row(self._data, self.size.width, self._glyphs)])
