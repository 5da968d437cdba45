"""Runs a collector inside a network namespace of its own: a socket belongs to the namespace of its thread."""

import asyncio
import ctypes
import os
import secrets
import shutil
import subprocess
import threading
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

CLONE_NEWNET = 0x40000000


class Namespace:
    """A namespace with `lo` up, and iproute2's tools in it."""

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

        def inside() -> None:
            try:
                enter(self.name)
                asyncio.run(asyncio.wait_for(body(), 30))
            except BaseException as failure:  # noqa: BLE001 - raised again in the test's own thread
                raised.append(failure)

        thread = threading.Thread(target=inside)
        thread.start()
        thread.join()
        if raised:
            raise raised[0]


def enter(name: str) -> None:
    """Move the calling thread into a namespace (setns(2)), for good."""
    with Path(f"/run/netns/{name}").open() as file:
        if ctypes.CDLL(None, use_errno=True).setns(file.fileno(), CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), "setns")


@contextmanager
def namespace() -> Iterator[Namespace]:
    """Make a namespace, and take it away again."""
    if os.geteuid() != 0 or shutil.which("ip") is None:
        pytest.skip("making network namespaces needs root and iproute2")
    name = "lp" + secrets.token_hex(4)
    subprocess.run(["ip", "netns", "add", name], check=True, capture_output=True)
    try:
        made = Namespace(name)
        made.ip("link set lo up")
        yield made
    finally:
        subprocess.run(["ip", "netns", "del", name], check=True, capture_output=True)
