"""Run an app against an emulated terminal inside the test process: what is written is what pyte shows."""

from typing import Any, TypeAlias

import pyte
from textual._compositor import ChopsUpdate, LayoutUpdate
from textual.app import App
from textual.drivers.headless_driver import HeadlessDriver
from textual.pilot import Pilot

from tui.output.app import TerminalApp

Cell: TypeAlias = tuple[str, str, str, bool, bool, bool, bool, bool]


_NO_WRAP = "\x1b[?7l"


class Emulator:
    """A pyte screen and the stream that feeds it."""

    def __init__(self, columns: int, rows: int) -> None:
        self.screen = pyte.Screen(columns, rows)
        self._stream = pyte.Stream(self.screen)
        self.feed(_NO_WRAP)

    def feed(self, data: str) -> None:
        self._stream.feed(data)

    def reshape(self, columns: int, rows: int) -> None:
        """Resize as the unkindest terminal would: nothing that was shown is left."""
        self.screen.resize(rows, columns)
        self.screen.reset()
        self.feed(_NO_WRAP + "\x1b[31;44m" + "".join(f"\x1b[{y + 1}H{'?' * columns}" for y in range(rows)) + "\x1b[m")

    def cells(self) -> list[list[Cell]]:
        """Return glyph, colours and attributes of every cell."""
        return [
            [
                (c.data, c.fg, c.bg, c.bold, c.italics, c.underscore, c.strikethrough, c.reverse)
                for c in (self.screen.buffer[y][x] for x in range(self.screen.columns))
            ]
            for y in range(self.screen.lines)
        ]

    def rows(self) -> list[str]:
        """Return the text of every row, trailing blanks cut."""
        return ["".join(cell[0] for cell in row).rstrip() for row in self.cells()]


class EmulatedDriver(HeadlessDriver):
    """Everything written goes to an emulator."""

    def __init__(self, app: App, **options: Any) -> None:
        super().__init__(app, **options)
        self.terminal = Emulator(*(self._size or (80, 24)))
        self.bytes_written = 0

    @property
    def is_headless(self) -> bool:
        return False

    def write(self, data: str) -> None:
        self.bytes_written += len(data.encode())
        self.terminal.feed(data)


class EmulatedApp(TerminalApp[None]):
    """`terminal` gets what the app sends, `plain` the same frames as Textual writes them."""

    def _build_driver(self, mouse: bool, size: tuple[int, int] | None, **_: bool) -> EmulatedDriver:
        self._driver = self.emulated = EmulatedDriver(self, debug=False, mouse=mouse, size=size)
        self.terminal = self.emulated.terminal
        self.plain = Emulator(self.terminal.screen.columns, self.terminal.screen.lines)
        return self.emulated

    def _display(self, screen: Any, renderable: Any) -> None:
        if isinstance(renderable, ChopsUpdate | LayoutUpdate) and self._drawing:
            self.plain.feed(renderable.render_segments(self.console).replace("\n", ""))
        super()._display(screen, renderable)

    def reshape(self, columns: int, rows: int) -> None:
        """Resize both terminals."""
        self.terminal.reshape(columns, rows)
        self.plain.reshape(columns, rows)


def differing(one: Emulator, other: Emulator) -> dict[tuple[int, int], tuple[Cell, Cell]]:
    """Return the cells that differ, by (x, y)."""
    return {
        (x, y): (a, b)
        for y, (left, right) in enumerate(zip(one.cells(), other.cells(), strict=True))
        for x, (a, b) in enumerate(zip(left, right, strict=True))
        if a != b
    }


async def check(app: EmulatedApp, pilot: Pilot[None]) -> None:
    """Assert that the terminal shows what Textual's own full repaint of this moment shows, and showed it before.

    Where Textual's partial update differs (it cuts wide glyphs in halves), its full repaint decides.
    """
    await pilot.pause()
    sent = app.terminal.cells()
    doubtful = differing(app.terminal, app.plain)
    app.screen.refresh()
    await pilot.pause()
    left = differing(app.terminal, app.plain)
    assert not left, f"a full frame left cells out: {left}"
    wanted = app.plain.cells()
    wrong = {(x, y): (sent[y][x], wanted[y][x]) for x, y in doubtful if wanted[y][x] != sent[y][x]}
    assert not wrong, f"shown, and to be shown: {wrong}"
