"""The dead-man's script: plain `sh` that puts one trial back. Needs sed, sort, grep and what the plan itself uses."""

import shlex
from importlib.resources import files
from pathlib import Path

from tuning.host import Host
from tuning.journal import begun_pattern
from tuning.steps import Cell, Step, in_sh


def script(host: Host, plan: str, steps: tuple[Step, ...], *, journal: Path, pending: Path) -> str:
    """Return the script of a trial. Options: `--check` reads and changes nothing; `--now` does not ask `pending`."""
    frame = files("tuning").joinpath("data/revert.sh").read_text(encoding="utf-8")
    values = {
        "@plan@": plan,
        "@path@": host.tools,
        "@journal@": str(journal),
        "@pending@": str(pending),
    }
    for name, value in values.items():
        frame = frame.replace(name, shlex.quote(value))
    functions = "".join(_functions(host, number, plan, step) for number, step in enumerate(steps))
    backwards = " ".join(str(number) for number in reversed(range(len(steps))))
    return frame.replace("@functions@", functions).replace("@steps@", backwards)


def _functions(host: Host, number: int, plan: str, step: Step) -> str:
    root = str(host.root).rstrip("/")
    acts = "".join(f"    {n}) {in_sh(act, root)} ;;\n" for n, act in enumerate(step.undo))
    same = _read(host, step.same) if step.same else "echo"
    return (
        f"\n# {step.knob} {step.key}\n"
        f"about_{number}() {{\n"
        f"    begun={shlex.quote(begun_pattern(plan, number))}\n"
        f"    old={shlex.quote(step.old)}\n"
        f"    new={shlex.quote(step.new)}\n"
        f"    identity={shlex.quote(step.identity)}\n"
        f"    absent={shlex.quote(step.cell.absent)}\n"
        f"    acts={len(step.undo)}\n"
        "}\n"
        f"read_{number}() {{ {_read(host, step.cell)}; }}\n"
        f"same_{number}() {{ {same}; }}\n"
        f"undo_{number}() {{\n    case $1 in\n{acts}    esac\n}}\n"
    )


def _read(host: Host, cell: Cell) -> str:
    argv = ("cat", str(host.path(cell.path))) if cell.path else cell.argv
    return f"lines {shlex.quote(cell.sed)} {shlex.join(argv)}"
