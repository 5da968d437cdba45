"""The application: composes feed, screens, theme and terminal. It knows no domain."""

import os
import time
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path
from typing import ClassVar, Final

from textual.app import SystemCommand
from textual.screen import Screen

import styles
from analysis.settings import Settings
from tui.actions import DASHBOARD
from tui.config.load import Configuration
from tui.feed import Feed
from tui.live import observe
from tui.output.app import TerminalApp
from tui.screens.dashboard import DashboardScreen
from tui.screens.detail import DetailScreen
from tui.terminal import mouse_for, own_glyphs
from tui.text import _
from tui.widgets.runs import Glyphs

FIRST_S: Final = 0.1
"""How often to look for samples until the first ones are there."""


class LongpipeApp(TerminalApp[int]):
    """The dashboard over a feed. Its return value is the exit code."""

    TITLE = "longpipe"
    CSS_PATH: ClassVar = [Path(styles.__file__).parent / sheet for sheet in styles.SHEETS]
    HORIZONTAL_BREAKPOINTS = [(0, "-tiny"), (72, "-narrow"), (110, "-wide")]  # noqa: RUF012 - an instance variable of Textual
    VERTICAL_BREAKPOINTS = [(0, "-short"), (20, "-tall")]  # noqa: RUF012 - likewise
    ENABLE_COMMAND_PALETTE = True

    def __init__(self, feed: Feed, settings: Settings, glyphs: Glyphs) -> None:
        super().__init__()
        self.feed = feed
        self.settings = settings
        self.glyphs: Glyphs = glyphs
        self._ticked = time.monotonic()
        self.dashboard = DashboardScreen(feed, glyphs)

    def terminal_gone(self) -> None:
        """Stop observing: nobody looks any more."""
        self.feed.close()

    def on_mount(self) -> None:
        """Choose the look and begin to draw."""
        self.theme = "ansi-dark" if self.settings.theme == "auto" else self.settings.theme
        self.push_screen(self.dashboard)
        refresh_s = self.settings.refresh_s * (2 if self.settings.slow else 1)
        self._hurry = self.set_interval(FIRST_S, self.first)
        self.set_interval(refresh_s, self.tick)

    def first(self) -> None:
        """Draw as soon as there is something to draw."""
        self.tick()
        if self.dashboard.view is not None and self.dashboard.view.paths:
            self._hurry.stop()

    def tick(self) -> None:
        """Take what is new and draw it, on the dashboard and on what lies over it."""
        now = time.monotonic()
        elapsed, self._ticked = now - self._ticked, now
        if self.feed.poll(elapsed) or self.dashboard.view is None:
            view = self.dashboard.refresh_view()
            if isinstance(self.screen, DetailScreen):
                self.screen.show(view)

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """Offer every action of the dashboard in the palette, beside Textual's own."""
        yield from super().get_system_commands(screen)
        if screen is self.dashboard:
            for action in DASHBOARD:
                yield SystemCommand(_(action.label), _(action.help), self._runner(action.name))

    def _runner(self, action: str) -> Callable[[], Awaitable[None]]:
        async def run() -> None:
            await self.dashboard.run_action(action)

        return run

    def action_mark(self) -> None:
        """Mark this moment."""
        if self.feed.mark(""):
            self.notify(_("Marked."), timeout=2)

    def action_redraw(self) -> None:
        """Draw the whole screen again, whatever the terminal may have lost."""
        self.repaint()

    async def action_quit(self) -> None:
        """Leave."""
        self.feed.close()
        self.exit(0)


def run(configuration: Configuration) -> int:
    """Run the dashboard on this box until the person leaves; return the exit code."""
    settings = configuration.settings
    return show(observe(settings), settings)


def show(feed: Feed, settings: Settings) -> int:
    """Show a feed until the person leaves, then close it; return the exit code."""
    try:
        app = LongpipeApp(feed, settings, own_glyphs(settings.glyphs))
        app.run(mouse=mouse_for(settings.mouse, os.environ))
        return app.return_code or 0
    finally:
        feed.close()
