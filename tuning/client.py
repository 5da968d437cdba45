"""Starts the executor and listens to it."""

import os
import sys
from collections.abc import Iterator
from typing import Final

import msgspec

from analysis.text import N_, say
from tuning.commands import TOOLS, converse, run
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

    def __init__(self, order: Order) -> None:
        self.code: int | None = None
        text = msgspec.json.encode(order).decode()
        self._process = converse(argv(sudo=not is_root()), text, TOOLS)

    def __iter__(self) -> Iterator[Report]:
        """Yield reports as they come, until the executor ends; the last one says so where it did not even start."""
        assert self._process.stdout is not None  # noqa: S101 - asked for when it was started
        said, started = "", False
        with self._process.stdout as lines:
            for line in lines:
                if line.startswith("{"):
                    started = True
                    yield REPORT.decode(line)
                else:
                    said = line.strip() or said
        self.code = self._process.wait()
        if not started:
            why = N_("The process that changes the box did not start: {why}")
            yield Report("refused", text=say(why, why=said or f"exit code {self.code}"), trouble=True)


def is_root() -> bool:
    """Say whether we are root."""
    return os.geteuid() == 0


def may_apply() -> bool:
    """Say whether the executor would be allowed to work: we are root, or sudo asks for no password to start it."""
    return is_root() or run(("sudo", "-n", "-l", "--", *argv(sudo=False))).code == 0
