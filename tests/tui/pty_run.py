"""Run a command in a real pseudo-terminal: send keys, count bytes, wait for what an emulated screen shows."""

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil
import pyte

ROOT = Path(__file__).parents[2]
_UNKNOWN_TO_PYTE = re.compile(rb"\x1b\[[<>=][0-9;]*[a-zA-Z]|\x1b\[\?[0-9;]*\$p")
_UNFINISHED = re.compile(rb"\x1b(\[[0-9;:?<>=$]*)?\Z")
_PATIENCE_S = 90.0
_NOT_INHERITED = ("SSH_", "TEXTUAL", "NO_COLOR", "COLUMNS", "LINES")


class PtyRun:
    """One command in a pty of its own, as session leader, with the pty as its controlling terminal."""

    def __init__(
        self,
        argv: Sequence[str],
        columns: int = 80,
        rows: int = 24,
        env: Mapping[str, str] | None = None,
        cwd: Path = ROOT,
    ) -> None:
        self.master, slave = pty.openpty()
        self.screen = pyte.Screen(columns, rows)
        self._stream = pyte.ByteStream(self.screen)
        self._tail = b""
        self.bytes_read = 0
        self.received = bytearray()
        """Everything the command wrote, as it wrote it."""
        self.frames: list[tuple[float, int]] = []
        """(seconds since the start, bytes) of every read."""
        self._set_size(columns, rows)
        self.settings_before = termios.tcgetattr(slave)
        self._slave: int | None = slave
        base = {name: value for name, value in os.environ.items() if not name.startswith(_NOT_INHERITED)}
        base |= {"TERM": "xterm-256color", "COLORTERM": "truecolor", "LC_ALL": "C.UTF-8", "PYTHONPATH": str(cwd)}
        self.started = time.monotonic()
        self.process = subprocess.Popen(
            argv,
            stdin=slave,
            stdout=slave,
            stderr=slave,
            cwd=cwd,
            env=base | dict(env or {}),
            start_new_session=True,
            preexec_fn=_own_terminal,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()
        self.close_terminal()

    @property
    def settings(self) -> list:
        """The terminal's modes as they are now (termios)."""
        assert self._slave is not None
        return termios.tcgetattr(self._slave)

    def rows(self) -> list[str]:
        """Return the emulated screen as text, trailing blanks cut."""
        return [row.rstrip() for row in self.screen.display]

    def send(self, keys: str) -> None:
        """Type `keys`."""
        os.write(self.master, keys.encode())

    def resize(self, columns: int, rows: int) -> None:
        """Give the terminal another size; the kernel sends SIGWINCH."""
        self.screen.resize(rows, columns)
        self._set_size(columns, rows)

    def read(self, timeout_s: float = 0.05, at_most: int = 65536) -> int:
        """Read once, waiting no longer than `timeout_s`; return how many bytes came."""
        if not select.select([self.master], [], [], timeout_s)[0]:
            return 0
        try:
            data = os.read(self.master, at_most)
        except OSError:
            return 0
        self.bytes_read += len(data)
        self.frames.append((time.monotonic() - self.started, len(data)))
        self.received += data
        self._feed(data)
        return len(data)

    def wait_for(self, condition: Callable[[], object], timeout_s: float = _PATIENCE_S) -> None:
        """Read until `condition` holds."""
        deadline = time.monotonic() + timeout_s
        while not condition():
            self.read()
            if time.monotonic() > deadline:
                raise AssertionError("not seen in time; the screen shows:\n" + "\n".join(self.rows()))

    def wait_for_text(self, text: str, timeout_s: float = _PATIENCE_S) -> None:
        """Read until `text` stands in some row."""
        self.wait_for(lambda: any(text in row for row in self.rows()), timeout_s)

    def read_for(self, seconds: float) -> int:
        """Read for a while (benchmarks); return how many bytes came."""
        before, deadline = self.bytes_read, time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            self.read(left)
        return self.bytes_read - before

    def close_terminal(self) -> None:
        """Take the terminal away, as a dying sshd does."""
        for fd in (self._slave, self.master):
            if fd is not None:
                with suppress(OSError):
                    os.close(fd)
        self._slave, self.master = None, -1

    def exit_code(self, timeout_s: float = _PATIENCE_S) -> int:
        """Wait for the end and return the exit code; what is written meanwhile is read."""
        if self.master >= 0:
            self.wait_for(lambda: self.process.poll() is not None, timeout_s)
            while self.read(0):
                pass
        return self.process.wait(timeout_s)

    def cpu_s(self) -> float:
        """Return the CPU seconds the command has used."""
        times = psutil.Process(self.process.pid).cpu_times()
        return times.user + times.system

    def rss_bytes(self) -> int:
        """Return the resident memory of the command."""
        return psutil.Process(self.process.pid).memory_info().rss

    def state(self) -> str:
        """Return the process state ("sleeping", "stopped", ...)."""
        return psutil.Process(self.process.pid).status()

    def _set_size(self, columns: int, rows: int) -> None:
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def _feed(self, data: bytes) -> None:
        data = self._tail + data
        cut = _UNFINISHED.search(data)
        self._tail = cut[0] if cut else b""
        self._stream.feed(_UNKNOWN_TO_PYTE.sub(b"", data[: len(data) - len(self._tail)]))


def _own_terminal() -> None:
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # who runs the tests in the background has it ignored
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


def python(*arguments: str) -> list[str]:
    """Return the argument vector that runs this interpreter."""
    return [sys.executable, *arguments]
