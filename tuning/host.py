"""The box that is changed: its files below one root, and its programs."""

import os
from pathlib import Path
from typing import Final

from analysis.text import N_, say
from tuning.commands import TOOLS, Done, run
from tuning.failure import Refused
from tuning.steps import Act, Cell, Write

STATE: Final = "/var/lib/longpipe-tuning"
"""Not /var/lib/longpipe: the recorder, which runs as nobody in particular, may own that, and root trusts this."""


class Host:
    """Reads cells and carries out acts. `root` stands before every path, so that a test can bring its own files."""

    def __init__(self, root: str = "/", tools: str = TOOLS) -> None:
        self.root = Path(root)
        self.tools = tools

    @property
    def state(self) -> Path:
        """Return the directory of the journal and of the trial that is under way."""
        return self.path(STATE)

    def path(self, path: str) -> Path:
        """Return where an absolute path of the box is."""
        return self.root / path.lstrip("/")

    def text(self, path: str) -> str:
        """Return a file's text. Raises OSError."""
        return self.path(path).read_text(encoding="utf-8", errors="replace")

    def exists(self, path: str) -> bool:
        """Say whether there is something at `path`."""
        return self.path(path).exists()

    def names(self, folder: str) -> list[str]:
        """Return the names in a directory, sorted; none where there is no such directory."""
        try:
            return sorted(entry.name for entry in self.path(folder).iterdir())
        except OSError:
            return []

    def run(self, *argv: str, text: str = "") -> Done:
        """Run a program to its end."""
        return run(argv, text=text, tools=self.tools)

    def read(self, cell: Cell) -> str:
        """Return the value of a cell. Raises Refused where it cannot be read."""
        out = self._raw(cell)
        if cell.sed:
            out = self.run("sed", "-n", cell.sed, text=out).out
        return " ".join(" ".join(sorted(out.splitlines())).split()) or cell.absent

    def _raw(self, cell: Cell) -> str:
        if cell.path:
            try:
                return self.text(cell.path)
            except OSError as failure:
                why = N_("{what} cannot be read: {why}.")
                raise Refused(say(why, what=cell.path, why=os.strerror(failure.errno or 0))) from failure
        done = self.run(*cell.argv)
        if done.code:
            why = N_("“{command}” failed: {why}.")
            said = done.err.splitlines()[-1] if done.err else done.code
            raise Refused(say(why, command=" ".join(cell.argv), why=said))
        return done.out

    def act(self, act: Act) -> None:
        """Carry out an act. Raises Refused where the kernel or the program refuses."""
        if isinstance(act, Write):
            try:
                put(self.path(act.path), act.text)
            except OSError as failure:
                why = N_("{what} refused “{value}”: {why}.")
                reason = os.strerror(failure.errno or 0)
                raise Refused(say(why, what=act.path, value=act.text, why=reason)) from failure
            return
        done = self.run(*act.argv)
        if done.code and act.failed is not None:
            raise Refused(act.failed)
        if done.code:
            why = N_("“{command}” failed: {why}.")
            said = done.err.splitlines()[-1] if done.err else done.code
            raise Refused(say(why, command=" ".join(act.argv), why=said))


def put(path: Path, text: str) -> None:
    """Write one line into a file that is there, in one piece, as the kernel wants it. Raises OSError."""
    descriptor = os.open(path, os.O_WRONLY | os.O_TRUNC | os.O_CLOEXEC)
    try:
        os.write(descriptor, f"{text}\n".encode())
    finally:
        os.close(descriptor)
