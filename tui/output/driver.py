"""The terminal driver: it never blocks the event loop, notices when the terminal is gone, survives being stopped."""

import os
import select
import sys
import threading
from collections.abc import Callable
from typing import Any, Final

from textual.app import App
from textual.drivers.linux_driver import LinuxDriver

_LAST_WORDS_S: Final = 1.0
"""How long a terminal that does not read may hold up leaving."""


class Tty:
    """The file that Textual's writer thread writes to. After the first error everything is discarded."""

    def __init__(self, fd: int, encoding: str) -> None:
        self._fd = fd
        self._own_fd = _private_fd(fd)
        self._encoding = encoding
        self._buffer: list[str] = []
        self._patience_s: float | None = None
        self.taken = 0
        """How many writes have left for the terminal (or were discarded)."""
        self.bytes_written = 0
        self.gone = False
        self.on_gone: Callable[[], object] = _nothing
        self.on_drained: Callable[[], object] = _nothing

    def fileno(self) -> int:
        """Return the descriptor Textual asks the size of."""
        return self._fd

    def write(self, text: str) -> None:
        """Keep `text` until the next flush."""
        self._buffer.append(text)

    def flush(self) -> None:
        """Send what was kept; blocks the writer thread, and only it, while the terminal does not read."""
        writes, self._buffer = self._buffer, []
        if writes and not self.gone:
            self._send("".join(writes).encode(self._encoding, "replace"))
        self.taken += len(writes)
        self.on_drained()

    def hurry(self) -> None:
        """From now on wait no longer than a moment for the terminal to read."""
        self._patience_s = _LAST_WORDS_S

    def close(self) -> None:
        """Give back the descriptor opened here."""
        if self._own_fd is not None:
            os.close(self._own_fd)
            self._own_fd = None

    def _send(self, data: bytes) -> None:
        fd = self._fd if self._own_fd is None else self._own_fd
        poll = select.poll()
        poll.register(fd, select.POLLOUT)
        waited_s = 0.0
        while data and not self.gone:
            try:
                sent = os.write(fd, data)
            except BlockingIOError:
                if self._patience_s is not None and waited_s >= self._patience_s:
                    return
                poll.poll(100)
                waited_s += 0.1
            except OSError:
                self.gone = True
                self.on_gone()
            else:
                self.bytes_written += sent
                data = data[sent:]


def _private_fd(fd: int) -> int | None:
    """Open the terminal once more, without blocking; the shell's own descriptor must stay as it is.

    None where that is not allowed (after su, in some containers): writes then block, in their own thread.
    """
    try:
        return os.open(os.ttyname(fd), os.O_WRONLY | os.O_NOCTTY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return None


def _nothing() -> None:
    """Do nothing: until somebody wants to know."""


class TerminalDriver(LinuxDriver):
    """Textual's Linux driver with a `Tty` under it. `on_gone` and `on_drained` are called on the event loop."""

    def __init__(
        self, app: App[Any], *, debug: bool = False, mouse: bool = True, size: tuple[int, int] | None = None
    ) -> None:
        super().__init__(app, debug=debug, mouse=mouse, size=size)
        self.on_gone: Callable[[], object] = _nothing
        self.on_drained: Callable[[], object] = _nothing
        self.tty = Tty(2, getattr(sys.__stderr__, "encoding", None) or "utf-8")
        self.tty.on_gone = lambda: self._tell(self.on_gone)
        self.tty.on_drained = self._drained
        self._file = self.tty  # type: ignore[assignment]
        self._asked = 0
        self._owes_frame = False
        self._counting = threading.Lock()
        self._hangup: select.epoll | None = None

    @property
    def busy(self) -> bool:
        """True while something is on its way that the terminal has not taken."""
        return self._asked > self.tty.taken

    def owe_frame(self) -> None:
        """Ask for `on_drained` as soon as the terminal has taken everything."""
        self._owes_frame = True
        if not self.busy:
            self._drained()

    def write(self, data: str) -> None:
        """Hand `data` to the writer thread."""
        with self._counting:
            self._asked += 1
        super().write(data)

    def start_application_mode(self) -> None:
        """Take the terminal and watch for its end."""
        super().start_application_mode()  # type: ignore[no-untyped-call]
        self._watch()

    def stop_application_mode(self) -> None:
        """Give the terminal back as it was."""
        self._unwatch()
        super().stop_application_mode()

    def close(self) -> None:
        """End the writer thread; a terminal that does not read cannot prevent that."""
        self.tty.hurry()
        closing = threading.Thread(target=super().close, daemon=True)
        closing.start()
        closing.join(2 * _LAST_WORDS_S)
        self.tty._patience_s = None

    def _watch(self) -> None:
        """Listen for the hang-up of the terminal. Textual's input thread would spin on its end of file instead."""
        hangup = select.epoll()
        try:
            hangup.register(self.fileno, 0)
        except PermissionError:
            hangup.close()
            return
        self._hangup = hangup
        self._loop.add_reader(hangup.fileno(), self._hung_up)

    def _unwatch(self) -> None:
        if self._hangup is not None:
            self._loop.remove_reader(self._hangup.fileno())
            self._hangup.close()
            self._hangup = None

    def _hung_up(self) -> None:
        self._unwatch()
        self.exit_event.set()
        self.tty.gone = True
        self.on_gone()

    def _drained(self) -> None:
        if self._owes_frame and not self.busy:
            self._owes_frame = False
            self._tell(self.on_drained)

    def _tell(self, callback: Callable[[], object]) -> None:
        try:
            self._loop.call_soon_threadsafe(callback)
        except RuntimeError:
            return  # the loop has ended before its terminal did

    def _sigcont_application(self, *_: object) -> None:
        """Continue. Stopped from outside (SIGSTOP), the terminal was not given back: do that first, or Textual would
        read it twice and keep the raw mode as the state to restore.
        """
        if not self._auto_restart:
            return
        if self._key_thread is not None and self._key_thread.is_alive():
            self.suspend_application_mode()
            self._must_signal_resume = True
        self.resume_application_mode()
