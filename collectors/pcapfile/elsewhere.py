"""Doing one half of the work in a process of its own, so that two cores share one capture.

Threads would not do: calls of numpy are so short here that two threads mostly wait for each other.
Arrays come through memory that both processes share, everything else through a pipe.
"""

import mmap
import os
import pickle
import signal
from collections.abc import Iterator
from contextlib import suppress
from typing import IO, Any, Final, NoReturn, TypeVar

T = TypeVar("T")
_SLOTS: Final = 3
_SLOT: Final = 8 << 20
"""Room for the arrays of one item; those of a larger one go through the pipe."""
_ALIGN: Final = 64


class GoneError(Exception):
    """The other process ended before its work did; the text is what ended it."""


def elsewhere(items: Iterator[T]) -> Iterator[T]:
    """Return `items`, made by a forked process that begins at once and comes a few of them ahead at most.

    An item's arrays are valid until the next item is asked for. What `items` raises is raised here. Where there is
    one core only, or no process to be had, all is done here.
    """
    other = _Other(items) if len(os.sched_getaffinity(0)) > 1 else None
    return items if other is None or other.pid is None else other.items()


class _Other:
    """The other process, as this one sees it. `pid` None: there is none."""

    def __init__(self, items: Iterator[Any]) -> None:
        self._shared = memoryview(mmap.mmap(-1, _SLOTS * _SLOT))
        here, there = os.pipe(), os.pipe()
        self.pid: int | None = None
        try:
            self.pid = os.fork()
        except OSError:
            for end in (*here, *there):
                os.close(end)
            return
        if self.pid == 0:
            os.close(here[0])
            os.close(there[1])
            _work(items, os.fdopen(here[1], "wb"), there[0], self._shared)
        os.close(here[1])
        os.close(there[0])
        self._told, self._done = os.fdopen(here[0], "rb"), there[1]

    def __del__(self) -> None:
        """Leave no process behind where nobody came for its items."""
        self._end(kill=True)

    def items(self) -> Iterator[Any]:
        """Yield what the other process makes."""
        turn = 0
        try:
            while (message := self._next()) is not None:
                data, lengths = message
                failure, items = pickle.loads(data, buffers=_slices(self._shared, turn, lengths))  # noqa: S301 - ours
                if failure is not None:
                    raise failure
                yield from items
                turn += 1
                with suppress(BrokenPipeError):  # it may be done already
                    os.write(self._done, b"\0")
        finally:
            self._end(kill=True)

    def _next(self) -> tuple[bytes, list[int]] | None:
        """Return the next message, None at the end."""
        try:
            message: tuple[bytes, list[int]] | None = pickle.load(self._told)  # noqa: S301 - from our own child
        except (EOFError, pickle.UnpicklingError) as failure:
            raise GoneError(self._end(kill=False)) from failure
        return message

    def _end(self, *, kill: bool) -> str:
        """Wait for the other process, which owns nothing and may be killed. Return what ended it."""
        if self.pid is None:
            return ""
        pid, self.pid = self.pid, None
        self._told.close()
        os.close(self._done)
        if kill:
            os.kill(pid, signal.SIGKILL)
        _, status = os.waitpid(pid, 0)
        code = os.waitstatus_to_exitcode(status)
        return signal.Signals(-code).name if code < 0 else f"exit status {code}"


def _work(items: Iterator[Any], out: IO[bytes], done: int, shared: memoryview) -> NoReturn:
    """Be the other process. A Ctrl+C is the first one's to answer, and so is any signal that wakes its loop."""
    code = 1
    try:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        for turn, item in enumerate(items):
            if turn >= _SLOTS:
                os.read(done, 1)
            _tell((None, (item,)), out, shared, turn)
        pickle.dump(None, out)
        out.flush()
        code = 0
    except Exception as failure:  # noqa: BLE001 - raised again where the items are used
        _tell((failure, ()), out, shared[:0], 0)
    finally:
        os._exit(code)


def _tell(message: tuple[Exception | None, tuple[Any, ...]], out: IO[bytes], shared: memoryview, turn: int) -> None:
    arrays: list[pickle.PickleBuffer] = []
    data = pickle.dumps(message, 5, buffer_callback=arrays.append)
    raw = [array.raw() for array in arrays]
    lengths = [len(one) for one in raw]
    if sum(map(_padded, lengths)) > min(_SLOT, len(shared)):
        data, raw, lengths = pickle.dumps(message, 5), [], []
    for place, one in zip(_slices(shared, turn, lengths), raw, strict=True):
        place[:] = one
    pickle.dump((data, lengths), out)
    out.flush()


def _slices(shared: memoryview, turn: int, lengths: list[int]) -> list[memoryview]:
    """Return where the arrays of an item lie."""
    at, found = turn % _SLOTS * _SLOT, []
    for length in lengths:
        found.append(shared[at : at + length])
        at += _padded(length)
    return found


def _padded(length: int) -> int:
    return -(-length // _ALIGN) * _ALIGN
