"""The keys that move the cursor in time, for the screen that shows what is at the cursor."""

from typing import Final, Literal

from textual.screen import Screen

from analysis.view import Lens, View
from tui.feed import Feed
from tui.screens.goto import GotoScreen
from tui.text import _

SECOND_NS: Final = 10**9


class TimeKeys(Screen[None]):
    """A screen over a feed. Subclasses draw the cursor's moment in `refresh_view`, as `lens` asks for it."""

    feed: Feed

    def lens(self) -> Lens:
        """Return what the person looks at."""
        return Lens()

    def refresh_view(self) -> View:
        """Draw the view at the cursor and return it."""
        return self.feed.player.timeline.view(self.lens())

    def action_pause(self) -> None:
        """Hold the view, or let it go on."""
        self.feed.player.toggle()
        self.refresh_view()

    def action_step(self, columns: int) -> None:
        """Step by as much as a dot of the graph stands for."""
        self.feed.player.step(columns * self.lens().step_ns)
        self.refresh_view()

    def action_jump(self, seconds: int) -> None:
        """Move by some seconds."""
        self.feed.player.step(seconds * SECOND_NS)
        self.refresh_view()

    def action_start(self) -> None:
        """Go to the start of the session."""
        self.feed.player.start()
        self.refresh_view()

    def action_end(self) -> None:
        """Go to the end."""
        self.feed.player.end()
        self.refresh_view()

    def action_walk(self, by: Literal[1, -1]) -> None:
        """Go to the next event in a direction."""
        if not self.feed.player.walk(tuple(event.t for event in self.feed.events()), by):
            self.notify(_("No further event in this direction."), timeout=2)
        self.refresh_view()

    def action_faster(self, by: int) -> None:
        """Play faster or slower."""
        self.feed.player.faster(by)
        self.refresh_view()

    def action_source(self) -> None:
        """Show the next box."""
        if not self.feed.next_source():
            self.notify(_("There is no other box in this session."), timeout=2)
        self.refresh_view()

    def _went(self, _there: bool | None) -> None:
        self.refresh_view()

    def action_goto(self) -> None:
        """Ask for a time and go there."""
        self.app.push_screen(GotoScreen(self.feed.player), self._went)
