"""What commands printed on a recorded box: `cmd/<name>.txt`, and `cmd/index.json` tells which each was."""

import re
import shlex
from collections.abc import Callable
from typing import Final, TypeVar

import msgspec

from analysis.samples import Fact
from analysis.text import N_, say
from collectors.facts_device import refused
from collectors.reading import attempt, unknown
from collectors.root import Root

INDEX: Final = "index.json"
_NAME: Final = re.compile(r"[^A-Za-z0-9]+")
T = TypeVar("T")


class Ran(msgspec.Struct, frozen=True):
    """One command of the index: `exit` 127 means that the box does not have it."""

    argv: list[str] | str
    exit: int = 0
    stderr: str = ""


class Failed(Exception):
    """A command was not recorded or failed; the fact says which and why."""

    def __init__(self, fact: Fact) -> None:
        super().__init__(str(fact.problem))
        self.fact = fact


class Commands:
    """The recorded commands by their command lines. `folder`: where they are in the tree."""

    def __init__(self, root: Root, folder: str = "cmd") -> None:
        self._root = root
        self._folder = folder
        self._ran = {_line(ran.argv): (name, ran) for name, ran in _index(root, f"{folder}/{INDEX}").items()}

    def text(self, line: str) -> str:
        """Return what a command printed; raise `Failed` where it did not."""
        name, ran = self._ran.get(line, (_NAME.sub("_", line).strip("_"), Ran(line)))
        try:
            printed = self._root.read_text(f"{self._folder}/{name}.txt")
        except OSError:
            absent = say(N_("“{command}” is not part of this recording."), command=line)
            raise Failed(unknown(absent, line)) from None
        if ran.exit and not printed:
            raise Failed(_why(line, ran))
        return printed

    def rows(self, line: str, kind: type[T]) -> list[T]:
        """Return the objects that a command printed as a JSON list; raise `Failed` likewise."""
        try:
            return msgspec.json.decode(self.text(line) or "[]", type=list[kind])  # type: ignore[valid-type]
        except msgspec.DecodeError:
            raise Failed(unknown(say(N_("It is there, but not written as expected.")), line)) from None

    def find_rows(self, line: str, kind: type[T]) -> list[T]:
        """Return the same, and nothing where there is nothing."""
        try:
            return self.rows(line, kind)
        except Failed:
            return []

    def find(self, line: str) -> str:
        """Return what a command printed, "" where it was not recorded or failed."""
        try:
            return self.text(line)
        except Failed:
            return ""

    def fact(self, line: str, read: Callable[[str], object]) -> Fact:
        """Return what `read` makes of a command's output as a fact, or why there is none."""
        try:
            printed = self.text(line)
        except Failed as failed:
            return failed.fact
        return attempt(line, lambda: read(printed))

    def time_ns(self, line: str) -> int | None:
        """Return when a command ran, None where it is not recorded."""
        name, _ = self._ran.get(line, (_NAME.sub("_", line).strip("_"), None))
        try:
            return self._root.time_ns(f"{self._folder}/{name}.txt")
        except OSError:
            return None


def _why(line: str, ran: Ran) -> Fact:
    if "not supported" in ran.stderr:
        return refused(line)
    if ran.exit == 127:
        return unknown(say(N_("“{command}” was not to be had on that box."), command=line), line)
    if "not permitted" in ran.stderr or "denied" in ran.stderr:
        return unknown(say(N_("Not readable without root.")), line)
    why = ran.stderr.strip().splitlines()[0] if ran.stderr.strip() else f"exit {ran.exit}"
    return unknown(say(N_("Could not be read: {why}."), why=why.rstrip(".")[:200]), line)


def _line(argv: list[str] | str) -> str:
    return argv if isinstance(argv, str) else shlex.join(argv)


def _index(root: Root, path: str) -> dict[str, Ran]:
    try:
        return msgspec.json.decode(root.read_bytes(path), type=dict[str, Ran])
    except (OSError, msgspec.DecodeError):
        return {}
