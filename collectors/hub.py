"""Runs every live collector on one thread with its own event loop, away from the screen.

The terminal's loop stalls when the terminal is slow, so nothing is timed there. A collector that fails is
started again with back-off, and its health is a sample like any other.
"""

import asyncio
import threading
from collections import deque
from collections.abc import Callable, Iterable
from typing import Final

from analysis.samples import Dropped, Health, Sample
from analysis.text import N_, Sentence, say
from collectors.base import Collector, Unavailable, Watching
from collectors.clock import Clock

BACKOFF_S: Final = (1.0, 2.0, 5.0, 10.0, 30.0)
QUEUE_LIMIT: Final = 20_000
"""Samples the reader may be behind: hours of them, at a few a second."""


class Inbox:
    """A bounded queue from the hub's thread to one reader; what does not fit is counted, oldest first."""

    def __init__(self, clock: Clock, limit: int = QUEUE_LIMIT, where: str = "screen") -> None:
        self._samples: deque[Sample] = deque()
        self._lock = threading.Lock()
        self._limit = limit
        self._where = where
        self._clock = clock
        self._dropped = 0

    def put(self, sample: Sample) -> None:
        """Add a sample, dropping the oldest one if the reader is too far behind."""
        with self._lock:
            if len(self._samples) >= self._limit:
                self._samples.popleft()
                self._dropped += 1
            self._samples.append(sample)

    def drain(self) -> list[Sample]:
        """Take everything, in order, followed by a `Dropped` where samples had to go."""
        with self._lock:
            taken = list(self._samples)
            self._samples.clear()
            dropped, self._dropped = self._dropped, 0
        if dropped:
            taken.append(Dropped(self._clock.now_ns(), dropped, self._where))
        return taken


class Hub:
    """Starts and stops collectors and hands their samples to sinks.

    Sinks are called on the hub's thread and must not block: an `Inbox.put`, a recorder's queue.
    """

    def __init__(self, collectors: Iterable[Collector], clock: Clock) -> None:
        self.collectors = tuple(collectors)
        self.clock = clock
        self._sinks: list[Callable[[Sample], None]] = [c.see for c in self.collectors if isinstance(c, Watching)]
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping: asyncio.Event | None = None
        self._ready = threading.Event()

    def subscribe(self, sink: Callable[[Sample], None]) -> None:
        """Send every later sample to `sink`. Call before `start`."""
        self._sinks.append(sink)

    def emit(self, sample: Sample) -> None:
        """Hand a sample to every sink; also used for marks, which come from the person."""
        for sink in self._sinks:
            sink(sample)

    def start(self) -> None:
        """Start the thread; returns once its loop runs."""
        self._thread = threading.Thread(target=self._main, name="longpipe-hub", daemon=True)
        self._thread.start()
        self._ready.wait()

    def stop(self, timeout_s: float = 2.0) -> None:
        """Cancel every collector and wait for the thread. Safe to call twice, and before `start`."""
        thread, loop, stopping = self._thread, self._loop, self._stopping
        if thread is None or loop is None or stopping is None:
            return
        self._thread = None
        if thread.is_alive():
            loop.call_soon_threadsafe(stopping.set)
            thread.join(timeout_s)

    def _main(self) -> None:
        asyncio.run(self._supervise())

    async def _supervise(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._stopping = asyncio.Event()
        tasks = [asyncio.create_task(self._keep(c), name=c.name) for c in self.collectors]
        self._ready.set()
        await self._stopping.wait()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _keep(self, collector: Collector) -> None:
        """Run one collector for ever, starting it again with growing pauses."""
        failures = 0
        while True:
            started = self.clock.now_ns()
            self.emit(Health(started, collector.name, "running"))
            try:
                await collector.run(self.emit)
            except Exception as failure:  # noqa: BLE001 - one collector's bug must not end the others, and it is shown
                pause = self._tell(collector, _first(failure), _pause(failures))
            else:
                return
            if pause is None:
                return
            failures = 0 if self.clock.now_ns() - started > 60e9 else failures + 1
            await asyncio.sleep(pause)

    def _tell(self, collector: Collector, failure: Exception, pause: float) -> float | None:
        """Say why a collector ended; return when to start it again, None for never."""
        now = self.clock.now_ns()
        if isinstance(failure, Unavailable):
            again = None if failure.permanent else pause
            self.emit(Health(now, collector.name, "missing", failure.problem, again))
            return again
        self.emit(Health(now, collector.name, "failed", _sentence(failure), pause))
        return pause


def _first(failure: Exception) -> Exception:
    """Return what went wrong first in a collector of several tasks."""
    while isinstance(failure, ExceptionGroup):
        failure = failure.exceptions[0]
    return failure


def _pause(failures: int) -> float:
    return BACKOFF_S[min(failures, len(BACKOFF_S) - 1)]


def _sentence(failure: Exception) -> Sentence:
    if isinstance(failure, OSError) and failure.strerror:
        return say(N_("{what} ({errno})"), what=failure.strerror, errno=failure.errno)
    return say(N_("{what}: {detail}"), what=type(failure).__name__, detail=failure)
