"""`longpipe doctor`: what this box lets us do, and the exact command that would allow the rest."""

import argparse
from typing import TYPE_CHECKING

from tui.cli import Parser
from tui.text import N_, _

if TYPE_CHECKING:
    from tui.doctor import Report, State

_WORDS: "dict[State, str]" = {
    "ok": N_("OK"),
    "notice": N_("NOTE"),
    "degraded": N_("DEGRADED"),
    "missing": N_("MISSING"),
}


def add_arguments(parser: Parser) -> None:
    """Add the options of this command."""
    parser.add_argument("--json", action="store_true", help=_("print data (schema longpipe.doctor/1), not text"))
    parser.add_argument(
        "--collect-script",
        action="store_true",
        help=_("print a shell script that collects what advice rests on, for a box without longpipe"),
    )


def run(args: argparse.Namespace) -> int:
    """Print every check; the exit code is 0 all well, 3 degraded, 4 missing privilege."""
    if args.collect_script:
        from importlib.resources import files

        print(files("collectors").joinpath("data/collect-facts.sh").read_text(encoding="utf-8"), end="")
        return 0
    import msgspec

    from tui.doctor import examine, report

    found = report(examine(args.config))
    print(msgspec.json.format(msgspec.json.encode(found)).decode() if args.json else text(found))
    return found.exit_code


def text(found: "Report") -> str:
    """Return the report for people: one line for each check, and the command below it."""
    from rich.cells import cell_len

    from tui.widgets.clean import clean

    width = max(cell_len(_(word)) for word in _WORDS.values())
    rows: list[str] = []
    for check in found.checks:
        word = _(_WORDS[check.state])
        first, *rest = (clean(line) for line in check.text.splitlines())
        indent = " " * (width + 2)
        rows.append(word + " " * (width + 2 - cell_len(word)) + first)
        rows += [indent + line for line in rest]
        if check.command:
            rows.append(f"{indent}$ {check.command}")
    return "\n".join(rows)
