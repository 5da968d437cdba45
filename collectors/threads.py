"""A few daemon threads for calls that block in C and cannot be cancelled: name look-ups, one-off checks.

Not an executor of the standard library: those are joined when the program ends, and a look-up over a dead line
would hold the terminal for half a minute after `q`.
"""

import asyncio
import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any, TypeVar

T = TypeVar("T")


class DaemonThreads:
    """At most `limit` threads, started when first needed."""

    def __init__(self, limit: int, name: str) -> None:
        self._jobs: SimpleQueue[Callable[[], None]] = SimpleQueue()
        self._limit = limit
        self._name = name
        self._threads: list[threading.Thread] = []

    async def call(self, function: Callable[..., T], *args: Any) -> T:  # noqa: ANN401 - the function's own
        """Return `function(*args)`, run in one of the threads; its exception is raised here."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        self._jobs.put(lambda: _run(loop, future, function, args))
        if len(self._threads) < self._limit:
            thread = threading.Thread(target=self._work, name=self._name, daemon=True)
            self._threads.append(thread)
            thread.start()
        return await future

    def _work(self) -> None:
        while True:
            self._jobs.get()()


def _run(
    loop: asyncio.AbstractEventLoop, future: asyncio.Future[T], function: Callable[..., T], args: tuple[Any, ...]
) -> None:
    try:
        result = function(*args)
    except Exception as problem:  # noqa: BLE001 - raised again where it was asked for
        _deliver(loop, future, future.set_exception, problem)
    else:
        _deliver(loop, future, future.set_result, result)


def _deliver(
    loop: asyncio.AbstractEventLoop, future: asyncio.Future[T], setter: Callable[[Any], None], value: object
) -> None:
    def settle() -> None:
        if not future.done():
            setter(value)

    # The loop may have ended while the call was blocked; then nobody waits for the result.
    if not loop.is_closed():
        try:
            loop.call_soon_threadsafe(settle)
        except RuntimeError:
            return
