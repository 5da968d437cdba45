"""The base of the application: Textual's App on a thin and unreliable line."""

import os
import traceback
from typing import Any, ClassVar, Final

import msgspec
from rich.console import RenderableType
from rich.text import Text
from textual import events
from textual._compositor import ChopsUpdate, LayoutUpdate
from textual.app import App, ReturnType
from textual.binding import Binding, BindingType
from textual.driver import Driver
from textual.filter import Monochrome, NoColor
from textual.geometry import Size
from textual.screen import Screen

from tui.output.celldiff import CellDiff, Ready, fits, size_of
from tui.output.driver import TerminalDriver
from tui.output.guard import TerminalGuard
from tui.text import N_

OFF: Final = "LONGPIPE_NO_CELLDIFF"


class OutputStats(msgspec.Struct, frozen=True):
    """What drawing has cost so far."""

    bytes_written: int
    frames: int
    skipped: int
    """Frames left out because the terminal had not taken the last one."""
    cell_diff: bool


class TerminalApp(App[ReturnType]):
    """Sends changed cells only, leaves frames out when the terminal is slow, and ends with the terminal."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "ctrl+z",
            "suspend_process",
            N_("suspend"),
            show=False,
            tooltip=N_("Back to the shell until fg. Nothing is observed meanwhile."),
        ),
    ]

    def __init__(self, *, cell_diff: bool = True) -> None:
        super().__init__()
        self.animation_level = "none"
        if self.no_color:
            # Textual's grey levels of the terminal's own colours, whose values nobody knows, are black on black.
            self._filters[:] = [NoColor() if isinstance(one, Monochrome) else one for one in self._filters]
        self._cells = CellDiff() if cell_diff and not os.environ.get(OFF) and fits() else None
        self._guard = TerminalGuard()
        self._painted = Size(0, 0)
        self._frames = 0
        self._skipped = 0

    def _fatal_error(self) -> None:
        """End with the plain traceback. Textual draws all variables too: minutes on a slow box, and private."""
        self._exit_renderables.append(Text(traceback.format_exc()))
        self._close_messages_no_wait()

    @property
    def output_stats(self) -> OutputStats:
        """Return the counts so far."""
        written = self._driver.tty.bytes_written if isinstance(self._driver, TerminalDriver) else 0
        return OutputStats(written, self._frames, self._skipped, self._cells is not None)

    def get_driver_class(self) -> type[Driver]:
        """Use our driver."""
        return TerminalDriver

    def terminal_gone(self) -> None:
        """Called once before leaving on a signal or because the terminal is gone: stop what runs. Must not block."""

    def repaint(self) -> None:
        """Draw everything anew: the terminal may show anything."""
        if self._cells is not None:
            self._cells.forget()
        for screen in self.screen_stack[-1:]:
            screen.refresh()

    def on_load(self) -> None:
        """Be ready for signals before there is a driver."""
        self._guard.install(self, self.terminal_gone)

    def on_mount(self) -> None:
        """Listen to the driver and to being resumed."""
        self.app_resume_signal.subscribe(self, lambda _: self.repaint())
        if isinstance(self._driver, TerminalDriver):
            self._driver.on_gone = self._guard.leave
            self._driver.on_drained = self.repaint_changes

    def on_resize(self, _event: events.Resize) -> None:
        """Forget what was drawn: terminals cut, wrap or clear what they show."""
        self.repaint()

    def repaint_changes(self) -> None:
        """Draw the frames that were left out, as one."""
        for screen in self.screen_stack[-1:]:
            screen.refresh()

    def _display(self, screen: Screen[Any], renderable: RenderableType | None) -> None:
        if not isinstance(renderable, ChopsUpdate | LayoutUpdate) or not self._drawing:
            super()._display(screen, renderable)
            return
        driver = self._driver
        if isinstance(driver, TerminalDriver) and driver.busy:
            self._skipped += 1
            driver.owe_frame()
            self.post_display_hook()
            return
        self._frames += 1
        if self._cells is None:
            super()._display(screen, renderable)
            return
        text = self._changes(self._cells, screen, renderable)
        if text or self._cursor_moved:
            super()._display(screen, Ready(text))  # type: ignore[arg-type]  # as Textual's own updates
        else:
            self.post_display_hook()

    @property
    def _drawing(self) -> bool:
        """Whether Textual would write a frame now."""
        return (
            self._running
            and not self._closed
            and not self._batch_count
            and self._driver is not None
            and not self._driver.is_headless
            and not self._driver.is_inline
        )

    @property
    def _cursor_moved(self) -> bool:
        return self.screen.outer_size.clamp_offset(self.cursor_position) != self._previous_cursor_position

    def _changes(self, cells: CellDiff, screen: Screen[Any], update: ChopsUpdate | LayoutUpdate) -> str:
        if (size := size_of(update)) != self._painted:
            cells.forget()
            self._painted = size
        if cells.knows_nothing and isinstance(update, ChopsUpdate):
            update = screen._compositor.render_full_update()
        return cells.render(update, self.console)
