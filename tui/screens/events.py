"""What happened, as a list: Enter goes to the moment, y copies the list."""

from collections.abc import Callable, Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen

from analysis.events import Event
from tui.panes.events import COLUMNS, event_rows, events_text, time_of
from tui.text import N_, _
from tui.widgets.columns import Column
from tui.widgets.runs import Glyphs
from tui.widgets.table import Table


class EventsScreen(ModalScreen[int | None]):
    """Outages, route changes and marks, the newest first. Returns the time to go to, None to stay."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,v", "dismiss(None)", N_("close")),
        Binding("y", "copy", N_("copy")),
    ]

    def __init__(self, events: Callable[[], Sequence[Event]], now_ns: Callable[[], int], glyphs: Glyphs) -> None:
        """`now_ns`: the end of the session, to which an outage that goes on has lasted."""
        super().__init__()
        self._events = events
        self._now_ns = now_ns
        self._glyphs: Glyphs = glyphs

    def compose(self) -> ComposeResult:
        """Make the list."""
        columns = [Column(_(c.title), c.width, c.flex, c.align, c.priority) for c in COLUMNS]
        with Vertical(id="events") as frame:
            frame.border_title = _("Events")
            frame.border_subtitle = _("Enter goes there, y copies, Esc closes")
            yield Table(columns, empty=_("Nothing has happened yet."), glyphs=self._glyphs, id="event-list")

    def on_mount(self) -> None:
        """Show the list."""
        self.draw()
        self.query_one("#event-list", Table).focus()

    def draw(self) -> None:
        """Write what has happened by now."""
        self.query_one("#event-list", Table).show_rows(event_rows(self._events(), self._now_ns(), self._glyphs))

    @on(Table.RowSelected, "#event-list")
    def _go(self, event: Table.RowSelected) -> None:
        self.dismiss(time_of(event.key))

    def action_copy(self) -> None:
        """Give the list to the terminal's clipboard; whether the terminal takes it (OSC 52) it does not tell."""
        events = self._events()
        self.app.copy_to_clipboard(events_text(events, self._now_ns()))
        self.notify(_("Copied {n} events, if the terminal lets programs copy (OSC 52).", n=len(events)), timeout=4)
