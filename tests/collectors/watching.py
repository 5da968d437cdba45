"""Runs a collector and lets a test wait for what it says."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import TypeVar

from analysis.samples import Sample
from collectors.base import Collector

S = TypeVar("S", bound=Sample)


class Watcher:
    """The samples of a running collector."""

    def __init__(self) -> None:
        self.samples: list[Sample] = []
        self._arrived = asyncio.Event()

    def emit(self, sample: Sample) -> None:
        self.samples.append(sample)
        self._arrived.set()

    async def until(self, kind: type[S], holds: Callable[[S], bool] = lambda _: True) -> S:
        """Return the latest sample of a kind once it satisfies the condition."""
        while True:
            latest = next((s for s in reversed(self.samples) if isinstance(s, kind)), None)
            if latest is not None and holds(latest):
                return latest
            self._arrived.clear()
            await self._arrived.wait()


@asynccontextmanager
async def watching(collector: Collector) -> AsyncIterator[Watcher]:
    """Run a collector; if it fails, so does the test that waits for it."""
    watcher = Watcher()
    task = asyncio.create_task(collector.run(watcher.emit))
    owner = asyncio.current_task()
    assert owner is not None
    task.add_done_callback(lambda done: None if done.cancelled() else owner.cancel(str(done.exception())))
    try:
        yield watcher
    finally:
        if not task.done():
            task.cancel()
        await asyncio.gather(task, return_exceptions=True)
