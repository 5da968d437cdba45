"""Starts the executor and listens to it."""

import os
import sys
from collections.abc import Iterator
from typing import Final

import msgspec

from tuning.commands import TOOLS, converse
from tuning.plan import Request
from tuning.reports import REPORT, Order, Report

EXECUTOR: Final = ("-I", "-m", "tuning.executor")
"""Isolated: neither the working directory nor the environment says what code root runs."""


def argv(*, sudo: bool) -> tuple[str, ...]:
    """Return the command that starts the executor; with `sudo`, through it and never asking for a password."""
    return (*(("sudo", "-n", "--") if sudo else ()), sys.executable, *EXECUTOR)


def applying(asked: Request, tool: str) -> Order:
    """Return the order to try a plan."""
    return Order("apply", tool, msgspec.Raw(msgspec.json.encode(asked)))


class Execution:
    """An order that is being carried out: iterate over the reports; then `code` is the exit code of the executor."""

    def __init__(self, order: Order, *, sudo: bool = False) -> None:
        self.code: int | None = None
        text = msgspec.json.encode(order).decode()
        self._process = converse(argv(sudo=sudo), text, TOOLS)

    def __iter__(self) -> Iterator[Report]:
        """Yield reports as they come, until the executor ends."""
        assert self._process.stdout is not None  # noqa: S101 - asked for when it was started
        with self._process.stdout as lines:
            for line in lines:
                yield REPORT.decode(line)
        self.code = self._process.wait()


def is_root() -> bool:
    """Say whether the executor would be allowed to work."""
    return os.geteuid() == 0
