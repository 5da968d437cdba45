"""Runs a collector inside a network namespace: a socket belongs to the namespace of the thread that opens it."""

import asyncio
import subprocess
import threading
from collections.abc import Awaitable, Callable, Sequence

from tests.lab.bed import inside


class Namespace:
    """A namespace by name, and iproute2's tools in it."""

    def __init__(self, name: str) -> None:
        self.name = name

    def ip(self, *commands: str) -> None:
        """Run `ip` commands, one a line, in one process."""
        self._batch("ip", commands)

    def tc(self, *commands: str) -> None:
        """Run `tc` commands likewise."""
        self._batch("tc", commands)

    def _batch(self, tool: str, commands: Sequence[str]) -> None:
        argv = [tool, "-n", self.name, "-batch", "-"]
        done = subprocess.run(argv, input="\n".join(commands), text=True, capture_output=True, check=False)
        assert not done.returncode, done.stderr

    def run(self, body: Callable[[], Awaitable[None]]) -> None:
        """Run a coroutine on a loop of its own in this namespace; what it raises is raised here."""
        raised: list[BaseException] = []

        def in_thread() -> None:
            try:
                with inside(self.name):
                    asyncio.run(asyncio.wait_for(body(), 90))
            except BaseException as failure:  # noqa: BLE001 - raised again in the test's own thread
                raised.append(failure)

        thread = threading.Thread(target=in_thread)
        thread.start()
        thread.join()
        if raised:
            raise raised[0]
