"""Ask for a text that the shown rows must hold; an empty one shows all."""

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input

from tui.text import N_, _


class FilterScreen(ModalScreen[str]):
    """One line of input. Escape leaves the rows as they are."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "dismiss", N_("close"))]

    def __init__(self, wanted: str) -> None:
        super().__init__()
        self._wanted = wanted

    def compose(self) -> ComposeResult:
        """Make the input."""
        with Vertical(id="filter") as frame:
            frame.border_title = _("Show rows with")
            yield Input(self._wanted, placeholder=_("a name, an address; empty for all"), compact=True)

    @on(Input.Submitted)
    def _done(self, event: Input.Submitted) -> None:
        self.dismiss(event.value.strip())

    async def action_dismiss(self, result: str | None = None) -> None:
        """Close without a change."""
        self.dismiss(self._wanted if result is None else result)
