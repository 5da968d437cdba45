"""The application: composes feed, screens, theme and terminal. It knows no domain.

What is slow to import (the model, the panes, the collectors) is imported after the first paint: over a bad line the
person sees at once that something happens.
"""

import os
import time
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Final

from textual.app import ComposeResult, SystemCommand
from textual.binding import Binding, BindingType
from textual.command import CommandPalette
from textual.screen import Screen
from textual.theme import ThemeProvider
from textual.widgets import Input

import styles
from tui.output.app import TerminalApp
from tui.terminal import mouse_for, own_glyphs
from tui.text import N_, _
from tui.widgets.lines import Lines
from tui.widgets.palette import Palette
from tui.widgets.runs import Glyphs

if TYPE_CHECKING:
    from analysis.settings import Settings
    from tui.config.load import Configuration
    from tui.feed import Feed
    from tui.screens.dashboard import DashboardScreen
    from tui.tune.box import Box

FIRST_S: Final = 0.1
"""How often to look for samples until the first ones are there."""


class LongpipeApp(TerminalApp[int]):
    """The dashboard over a feed, which `open_feed` opens after the first paint. Returns the exit code."""

    TITLE = "longpipe"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "ctrl+c",
            "interrupt",
            N_("leave"),
            show=False,
            priority=True,
            tooltip=N_("Leave; where something is selected, copy it."),
        ),
    ]
    CSS_PATH: ClassVar = [Path(styles.__file__).parent / sheet for sheet in styles.SHEETS]
    HORIZONTAL_BREAKPOINTS = [(0, "-tiny"), (72, "-narrow"), (110, "-wide")]  # noqa: RUF012 - an instance variable of Textual
    VERTICAL_BREAKPOINTS = [(0, "-short"), (20, "-tall")]  # noqa: RUF012 - likewise

    feed: "Feed | None" = None
    dashboard: "DashboardScreen | None" = None

    def __init__(
        self,
        open_feed: "Callable[[], Feed]",
        settings: "Settings",
        glyphs: Glyphs,
        open_box: "Callable[[], Box] | None" = None,
    ) -> None:
        """`open_box`: what the wizard may change; a recording has none."""
        super().__init__()
        self._open_feed = open_feed
        self._open_box = open_box
        self.settings = settings
        self.glyphs: Glyphs = glyphs
        self._ticked = time.monotonic()

    def compose(self) -> ComposeResult:
        """Make the first paint: one line."""
        yield Lines(id="starting")

    def on_mount(self) -> None:
        """Choose the look, show the first line, and go on once it is on the screen."""
        self.set_class(self.glyphs == "ascii", "-ascii")
        self.theme = "ansi-dark" if self.settings.theme == "auto" else self.settings.theme
        self.query_one("#starting", Lines).show([((" longpipe  ", "accent"), (_("starting …"), "dim"))])
        self.call_after_refresh(self.begin)

    def begin(self) -> None:
        """Open the feed and show the dashboard."""
        from tui.screens.dashboard import DashboardScreen

        self.feed = self._open_feed()
        self.dashboard = DashboardScreen(self.feed, self.glyphs)
        self.push_screen(self.dashboard)
        refresh_s = self.settings.refresh_s * (2 if self.settings.slow else 1)
        self._hurry = self.set_interval(FIRST_S, self.first)
        self.set_interval(refresh_s, self.tick)

    def terminal_gone(self) -> None:
        """Stop observing: nobody looks any more."""
        if self.feed is not None:
            self.feed.close()

    def first(self) -> None:
        """Draw as soon as there is something to draw."""
        self.tick()
        if self.dashboard and self.dashboard.view and self.dashboard.view.paths:
            self._hurry.stop()

    def tick(self) -> None:
        """Take what is new and draw it, on the dashboard and on what lies over it."""
        if self.feed is None or self.dashboard is None or not self._drawable(self.dashboard):
            return
        now = time.monotonic()
        elapsed, self._ticked = now - self._ticked, now
        if self.feed.poll(elapsed) or self.dashboard.view is None:
            self.dashboard.draw()

    def _drawable(self, dashboard: "DashboardScreen") -> bool:
        """Say whether there is something to draw on: on a busy box a timer may come before a screen is made.

        It may also come while the screens are being taken away.
        """
        return self.is_running and dashboard.is_mounted and self.screen.is_mounted

    def get_key_display(self, binding: Binding) -> str:
        """Return what a key is called; arrows and such by name where there are only letters."""
        shown = super().get_key_display(binding)
        return shown if self.glyphs == "unicode" or shown.isascii() else binding.key

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """Offer every action of the dashboard in the palette, and the colours everywhere."""
        from tui.actions import DASHBOARD

        yield SystemCommand(_("theme"), _("Choose other colours."), self.action_change_theme)
        if self.dashboard is not None and screen is self.dashboard:
            for action in DASHBOARD:
                yield SystemCommand(_(action.label), _(action.help), self._runner(self.dashboard, action.name))

    def _runner(self, screen: "DashboardScreen", action: str) -> Callable[[], Awaitable[None]]:
        async def run() -> None:
            await screen.run_action(action)

        return run

    def action_mark(self) -> None:
        """Mark this moment."""
        if self.feed is not None and self.feed.mark(""):
            self.notify(_("Marked."), timeout=2)
        else:
            self.notify(_("A recorded session cannot be marked."), timeout=2)

    def action_wizard(self) -> None:
        """Open the wizard that tunes this box."""
        from tui import __version__
        from tui.screens.wizard import WizardScreen

        if self.feed is not None:
            box = self._open_box() if self._open_box else None
            self.push_screen(WizardScreen(self.feed, self.glyphs, box, f"longpipe {__version__}"))

    def action_save_screen(self) -> None:
        """Save what is seen as a picture."""
        from tui.picture.save import save_screen

        if self.feed is None:
            return
        try:
            path = save_screen(self, self.feed.host, self.feed.player.timeline.at_ns)
        except OSError as error:
            self.notify(_("The screen was not saved: {why}.", why=error.strerror), severity="error", markup=False)
        else:
            self.notify(_("Saved: {file}", file=path), timeout=5, markup=False)

    def action_redraw(self) -> None:
        """Draw the whole screen again, whatever the terminal may have lost."""
        self.repaint()

    def action_command_palette(self) -> None:
        """Ask for an action by its name."""
        if not any(isinstance(screen, CommandPalette) for screen in self.screen_stack):
            self.push_screen(Palette(placeholder=_("a word of what to do"), id="--command-palette"))

    def search_themes(self) -> None:
        """Ask for colours by their name."""
        self.push_screen(Palette([ThemeProvider], placeholder=_("a word of a theme's name")))

    def action_interrupt(self) -> None:
        """Copy what is selected, else leave, as everything in a shell does; not over a trial of the wizard's."""
        from tui.screens.wizard import WizardScreen

        selected = self.focused.selected_text if isinstance(self.focused, Input) else self.screen.get_selected_text()
        if selected:
            self.copy_to_clipboard(selected)
            return
        wizard = next((screen for screen in self.screen_stack if isinstance(screen, WizardScreen)), None)
        if wizard is None:
            self._leave()
        elif wizard.is_active:
            wizard.action_leave()
        else:  # a page or a question over the wizard
            self.screen.dismiss()

    async def action_quit(self) -> None:
        """Leave."""
        self._leave()

    def _leave(self) -> None:
        self.terminal_gone()
        self.exit(0)


def run(configuration: "Configuration") -> int:
    """Run the dashboard on this box until the person leaves; return the exit code."""
    settings = configuration.settings

    def open_feed() -> "Feed":
        from tui.live import observe

        return observe(settings)

    def open_box() -> "Box":
        from tui.tune.box import ThisBox

        return ThisBox()

    return show(open_feed, settings, open_box)


def show(open_feed: "Callable[[], Feed]", settings: "Settings", open_box: "Callable[[], Box] | None" = None) -> int:
    """Show a feed until the person leaves, then close it; return the exit code."""
    app = LongpipeApp(open_feed, settings, own_glyphs(settings.glyphs), open_box)
    try:
        app.run(mouse=mouse_for(settings.mouse, os.environ))
        return app.return_code or 0
    finally:
        app.terminal_gone()
