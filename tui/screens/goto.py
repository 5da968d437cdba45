"""Ask for a time in words and put the cursor there."""

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input

from collectors.player import Player
from tui.moments import NotATime, moment
from tui.text import N_, _
from tui.widgets.lines import Lines
from tui.widgets.wrap import wrap_rows


class GotoScreen(ModalScreen[bool]):
    """One line of input; what cannot be read as a time is said under it."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "dismiss(False)", N_("close"))]

    def __init__(self, player: Player) -> None:
        super().__init__()
        self._player = player

    def compose(self) -> ComposeResult:
        """Make the input."""
        with Vertical(id="goto") as frame:
            frame.border_title = _("Go to a time")
            yield Input(placeholder=_("14:02   -5m   yesterday 23:10"), id="when", compact=True)
            yield Lines(id="goto-problem")

    @on(Input.Submitted)
    def _go(self, event: Input.Submitted) -> None:
        span = self._player.timeline.store.span()
        if span is None:
            self.dismiss(False)
            return
        try:
            at_ns = moment(event.value, self._player.timeline.at_ns, *span)
        except NotATime as problem:
            lines = self.query_one("#goto-problem", Lines)
            lines.show(wrap_rows(str(problem), max(20, lines.size.width), "warn"))
            return
        self._player.seek(at_ns)
        self.dismiss(True)
