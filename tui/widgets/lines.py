"""The base of every widget that draws rows: it keeps them, and dirties only those that changed."""

from collections.abc import Sequence
from itertools import zip_longest
from typing import ClassVar, Final

from rich.segment import Segment
from rich.style import Style
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from tui.widgets.runs import Role, Row, clean_row, fit_row, in_letters, row_text

_CLASS: Final[dict[Role, str]] = {
    "plain": "lines--plain",
    "dim": "lines--dim",
    "accent": "lines--accent",
    "ok": "lines--ok",
    "warn": "lines--warn",
    "bad": "lines--bad",
    "head": "lines--head",
    "cursor": "lines--cursor",
}


_MORE: Final = "…"


class Lines(Widget):
    """Rows of (text, role) runs on the Line API. `show` replaces them; text is never read as markup.

    Where there is text below the last row, that one ends in an ellipsis.
    """

    COMPONENT_CLASSES: ClassVar[set[str]] = set(_CLASS.values())
    DEFAULT_CSS = """
    Lines { width: 1fr; height: 1fr; }
    Lines > .lines--plain { color: $foreground; }
    Lines > .lines--dim { color: $text-muted; }
    Lines:ansi > .lines--dim { text-style: dim; }
    Lines > .lines--accent { color: $text-accent; }
    Lines > .lines--ok { color: $text-success; }
    Lines > .lines--warn { color: $text-warning; }
    Lines > .lines--bad { color: $text-error; text-style: bold; }
    Lines > .lines--head { color: $text-muted; text-style: bold; }
    Lines > .lines--cursor { text-style: reverse; }
    """

    def __init__(self, *, name: str | None = None, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002 - Textual's own names
        super().__init__(name=name, id=id, classes=classes)
        self._rows: tuple[Row, ...] = ()

    @property
    def rows(self) -> tuple[Row, ...]:
        """What is drawn, before it is cut to the width."""
        return self._rows

    def show(self, rows: Sequence[Row]) -> None:
        """Draw `rows` from the top; rows that stay the same cost nothing."""
        before, self._rows = self._rows, tuple(map(clean_row, rows))
        width = self.size.width
        changed = [
            Region(0, y, width, 1)
            for y, (old, new) in enumerate(zip_longest(before, self._rows))
            if old != new and y < self.size.height
        ]
        if self._cut(before) != self._cut(self._rows):
            changed.append(Region(0, self.size.height - 1, width, 1))
        if changed:
            self.refresh(*changed)

    def render_line(self, y: int) -> Strip:
        """Return row `y` as styled text in exactly the widget's width."""
        width = self.size.width
        row = self._rows[y] if y < len(self._rows) else ()
        if y == self.size.height - 1 and self._cut(self._rows):
            row = (*fit_row(row, width - 1), (_MORE, "dim"))
        if self.app.has_class("-ascii"):
            row = tuple((in_letters(text), role) for text, role in row)
        return Strip([Segment(text, self._style(role)) for text, role in fit_row(row, width)], width)

    def _cut(self, rows: Sequence[Row]) -> bool:
        """Tell whether there is text below the last row that has room."""
        return any(row_text(row).strip() for row in rows[self.size.height :])

    def _style(self, role: Role) -> Style:
        return self.get_component_rich_style(_CLASS[role])
