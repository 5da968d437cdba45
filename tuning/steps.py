"""What a change comes down to: cells that can be read and acts that write them, as plain data.

Python and the dead-man's shell script carry out the same data, so that they cannot differ in what they do, and a
later version can put back what an earlier one has changed.
"""

import shlex
from typing import Final, TypeAlias

import msgspec

from analysis.text import Sentence


class Cell(msgspec.Struct, frozen=True, omit_defaults=True):
    """Where a value is read: a file, or what a program prints, through `sed -n` where there is more than the value.

    The lines are sorted, and white space between words counts as one space. `absent`: the value where there is
    nothing to be read.
    """

    path: str = ""
    argv: tuple[str, ...] = ()
    sed: str = ""
    absent: str = ""


class Write(msgspec.Struct, frozen=True, tag="write"):
    """Write one line into a file of the kernel's."""

    path: str
    text: str


class Run(msgspec.Struct, frozen=True, omit_defaults=True, tag="run"):
    """Run a program. `failed`: what it means if that fails, where the program does not say."""

    argv: tuple[str, ...]
    failed: Sentence | None = None


Act: TypeAlias = Write | Run


class Step(msgspec.Struct, frozen=True, omit_defaults=True):
    """One value to change. All acts of `apply` are done; those of `undo` until the value is `old` again.

    `same` with `identity` tells whether the interface is still the one that was changed. `driver`: for people.
    """

    knob: str
    key: str
    cell: Cell
    old: str
    new: str
    apply: tuple[Act, ...]
    undo: tuple[Act, ...]
    same: Cell | None = None
    identity: str = ""
    driver: str = ""
    keep: str = "none"
    """Where it is kept for the next boot: "sysctl", "module", "boot", "limits" or "none"."""

    @property
    def changes(self) -> bool:
        """Whether carrying it out, or keeping it, makes a difference."""
        return self.old != self.new or self.keep == "limits"


IDENTITY: Final = r"s/^\([0-9]*\): .*link\/[a-z0-9]* *\([0-9a-f:]*\).*/\1 \2/p"
"""Interface index and hardware address out of `ip -o link`."""


def identity_cell(interface: str) -> Cell:
    """Return the cell that tells one interface from another of the same name."""
    return Cell(argv=("ip", "-o", "link", "show", "dev", interface), sed=IDENTITY)


def in_sh(act: Act, root: str = "") -> str:
    """Return an act as a line of a shell script; `root` stands before the path of a file."""
    if isinstance(act, Run):
        return shlex.join(act.argv)
    return f"printf '%s\\n' {shlex.quote(act.text)} > {shlex.quote(root + act.path)}"


def shown(act: Act) -> str:
    """Return an act as a command that a person can type."""
    if isinstance(act, Run):
        return shlex.join(act.argv)
    if act.path.startswith("/proc/sys/"):
        name = act.path.removeprefix("/proc/sys/").translate(str.maketrans("/.", "./"))
        return f"sysctl -w {shlex.quote(f'{name}={act.text}')}"
    return f"echo {shlex.quote(act.text)} > {shlex.quote(act.path)}"
