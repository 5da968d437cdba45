"""The page that compares two recorded sessions, alone on the screen: `longpipe diff --screen`."""

from collections.abc import Awaitable, Callable
from typing import ClassVar

from analysis.settings import Settings
from tui.app import LongpipeApp
from tui.compare import Compared
from tui.output.app import TerminalApp
from tui.screens.compare import CompareScreen
from tui.terminal import own_glyphs


class CompareApp(TerminalApp[int]):
    """Shows one comparison and ends with it; `compared` is what was shown."""

    TITLE = "longpipe"
    CSS_PATH: ClassVar = LongpipeApp.CSS_PATH

    def __init__(self, read: Callable[[], Awaitable[Compared]], settings: Settings) -> None:
        super().__init__()
        self._page = CompareScreen(read, own_glyphs(settings.glyphs))
        self._settings = settings

    @property
    def compared(self) -> Compared | None:
        """What was shown, None where the person left before it was read."""
        return self._page.compared

    def on_mount(self) -> None:
        """Choose the look and open the page."""
        self.theme = "ansi-dark" if self._settings.theme == "auto" else self._settings.theme
        self.push_screen(self._page, lambda _none: self.exit(0))
