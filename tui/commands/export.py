"""`longpipe export`: a recorded session, or a part of it, for others: smaller, without names, in other formats."""

import argparse
import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final, TextIO

from tui.cli import CommandError, Exit, Parser, accept_offsets
from tui.text import _

if TYPE_CHECKING:
    from collectors.session.export import Excerpt

FORMATS: Final = {"lps": ".lps", "jsonl": ".jsonl", "csv": ".csv", "prometheus": ".prom"}


def add_arguments(parser: Parser) -> None:
    """Add the options of this command."""
    accept_offsets(parser)
    parser.add_argument("files", metavar=_("FILE"), nargs="+", help=_("session files of one box, or their directory"))
    parser.add_argument("-o", "--output", metavar=_("FILE"), help=_("new file to write; without it, standard output"))
    parser.add_argument("--format", choices=tuple(FORMATS), help=_("default: by the name of the new file, else csv"))
    parser.add_argument("--from", dest="start", metavar=_("TIME"), help=_('"14:02", "-5m", "yesterday 23:10"'))
    parser.add_argument("--to", dest="end", metavar=_("TIME"), help=_("likewise"))
    parser.add_argument(
        "-t", "--target", action="append", default=[], metavar=_("TARGET"), help=_("only this one; can be repeated")
    )
    parser.add_argument(
        "--redact", action="store_true", help=_("replace every address and name, consistently and for good")
    )


def run(args: argparse.Namespace) -> int:
    """Write the export; the exit code is 3 where the session was damaged or torn."""
    from collectors.session.export import Selection, excerpt, write_excerpt
    from tui.sessions import instant, open_one, tell_problems

    form = args.format or _form_of(args.output)
    if form == "lps" and not args.output:
        raise CommandError(_("a session file is not for the screen: give -o FILE"), Exit.USAGE)
    store = open_one(args.files)
    span = store.span() or (0, 0)
    start = instant(args.start, span) if args.start else 0
    selection = Selection(start, instant(args.end, span) if args.end else span[1], tuple(args.target))
    try:
        if form == "lps":
            write_excerpt(store, selection, Path(args.output), redact=args.redact)
        else:
            with _opened(args.output) as out:
                out.writelines(_lines(form, excerpt(store, selection, redact=args.redact)))
    except FileExistsError as error:
        raise CommandError(_("{file} is there already and is never overwritten", file=error.filename)) from None
    except OSError as error:
        if args.output is None:
            raise
        raise CommandError(_("{file}: {reason}", file=args.output, reason=error.strerror)) from None
    return tell_problems(store)


def _form_of(output: str | None) -> str:
    suffix = Path(output).suffix if output else ""
    return next((form for form, ending in FORMATS.items() if ending == suffix), "csv")


def _lines(form: str, cut: "Excerpt") -> Iterable[str]:
    from itertools import chain

    from collectors.session.tables import csv_lines, json_lines, prometheus_lines

    samples = chain(cut.before, cut.samples)
    if form == "jsonl":
        return json_lines(cut.header, samples)
    return csv_lines(samples) if form == "csv" else prometheus_lines(samples)


@contextmanager
def _opened(output: str | None) -> Iterator[TextIO]:
    """Give standard output, or a new file that only its owner can read."""
    if output is None:
        yield sys.stdout
        return
    fd = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(fd, "w", encoding="utf-8", newline="") as file:
        yield file
