"""What the four panes have in common: a frame with a title, and `show`, which draws a view."""

from typing import ClassVar

from textual.containers import Vertical

from analysis.view import View
from tui.text import _
from tui.widgets.runs import Glyphs


class Pane(Vertical):
    """A framed part of the dashboard. Subclasses say their `number` and `heading` and draw in `show`."""

    number: ClassVar[int]
    heading: ClassVar[str]
    """Marked for translation; told when the pane is made."""
    _drawn: View | None = None

    def __init__(self, glyphs: Glyphs, pane_id: str) -> None:
        super().__init__(id=pane_id, classes="pane")
        self.glyphs: Glyphs = glyphs
        self.border_title = f"{self.number} {_(self.heading)}"

    def draw(self, view: View) -> None:
        """Draw `view`, at once or as soon as there is room: without any, words would be drawn a letter wide."""
        self._drawn = view
        if self.content_size.width:
            self.show(view)

    def on_resize(self) -> None:
        """Draw for the new size, the first one too."""
        if self._drawn is not None:
            self.draw(self._drawn)

    def show(self, view: View) -> None:
        """Draw what the view holds for this pane."""
