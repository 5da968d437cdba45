"""The routes as they are now, shared inside one event loop: one collector publishes, others wait for changes."""

import asyncio

from analysis.samples import Route


class RouteBook:
    """The current ways out of this box. `version` grows by one with every change."""

    def __init__(self, routes: tuple[Route, ...] = ()) -> None:
        self.routes = routes
        self.version = 0
        self._waiting: set[asyncio.Future[None]] = set()

    def publish(self, routes: tuple[Route, ...]) -> None:
        """Replace the routes and wake those who wait, if anything differs. Call from the loop's thread.

        The first call always counts: knowing that there are no routes differs from not knowing yet.
        """
        if routes == self.routes and self.version:
            return
        self.routes = routes
        self.version += 1
        waiting, self._waiting = self._waiting, set()
        for future in waiting:
            if not future.done():
                future.set_result(None)

    async def wait_changed(self, seen_version: int) -> int:
        """Return the current version once it differs from `seen_version`; at once if it already does."""
        while self.version == seen_version:
            future = asyncio.get_running_loop().create_future()
            self._waiting.add(future)
            try:
                await future
            finally:
                self._waiting.discard(future)
        return self.version
