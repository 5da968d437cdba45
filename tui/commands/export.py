"""`longpipe export`: a recorded session, or a part of it, for others: smaller, without names, in other formats."""

import argparse
import re
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tui.cli import CommandError, Exit, Parser, accept_offsets
from tui.text import _

if TYPE_CHECKING:
    from collectors.session.export import Excerpt, Selection
    from collectors.session.filestore import FileStore

FORMATS: Final = {
    "lps": ".lps",
    "jsonl": ".jsonl",
    "csv": ".csv",
    "prometheus": ".prom",
    "events": ".events",
    "events-jsonl": ".events-jsonl",
    "html": ".html",
    "svg": ".svg",
    "png": ".png",
}
PICTURES: Final = ("svg", "png")
EVENTS: Final = ("events", "events-jsonl")
"""Outages, changes of routes and marks only, as CSV or JSON lines."""


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
    pictures = parser.add_argument_group(_("of svg and png, pictures of the dashboard"))
    pictures.add_argument("--at", metavar=_("TIME"), help=_("when (default: at the end)"))
    pictures.add_argument("--size", type=cells, default=(120, 36), metavar="120x36", help=_("columns by rows"))


def run(args: argparse.Namespace) -> int:
    """Write the export; the exit code is 3 where the session was damaged or torn."""
    from collectors.session.export import Selection, excerpt
    from tui.files import output_to
    from tui.sessions import instant, open_one, tell_problems

    form = args.format or _form_of(args.output)
    if form in ("lps", "png") and not args.output:
        raise CommandError(_("that is not for the screen: give -o FILE"), Exit.USAGE)
    if form in PICTURES and args.redact:
        raise CommandError(
            _("a picture shows names: export --redact to a session, then take its picture"), Exit.USAGE
        )
    store = open_one(args.files)
    span = store.span() or (0, 0)
    start = instant(args.start, span) if args.start else 0
    selection = Selection(start, instant(args.end, span) if args.end else span[1], tuple(args.target))
    if form == "lps":
        _write_session(store, selection, args)
        return tell_problems(store)
    with output_to(args.output) as out:
        if form in PICTURES:
            out.buffer.write(_picture(form, store, args))
        elif form == "html":
            out.write(_page(store, selection, args))
        else:
            out.writelines(_lines(form, excerpt(store, selection, redact=args.redact), args.config))
    return tell_problems(store)


def _write_session(store: "FileStore", selection: "Selection", args: argparse.Namespace) -> None:
    from collectors.session.export import write_excerpt

    try:
        write_excerpt(store, selection, Path(args.output), redact=args.redact)
    except FileExistsError as error:
        raise CommandError(_("{file} is there already and is never overwritten", file=error.filename)) from None
    except OSError as error:
        raise CommandError(_("{file}: {reason}", file=args.output, reason=error.strerror)) from None


def _page(store: "FileStore", selection: "Selection", args: argparse.Namespace) -> str:
    from tui.config.load import load
    from tui.page.page import page
    from tui.report.recorded import recorded

    return page(recorded(store, selection, load(file=args.config).settings, redact=args.redact))


def _picture(form: str, store: "FileStore", args: argparse.Namespace) -> bytes:
    from tui.config.load import load
    from tui.picture.png import png
    from tui.picture.session import session_svg
    from tui.sessions import instant

    at_ns = instant(args.at, store.span() or (0, 0)) if args.at else None
    svg = session_svg(store, load(file=args.config).settings, at_ns, args.size)
    return png(svg) if form == "png" else svg.encode()


def cells(text: str) -> tuple[int, int]:
    """Return the size of a screen that an option was given: "120x36"."""
    found = re.fullmatch(r"(\d{2,3})x(\d{2,3})", text)
    if not found:
        raise argparse.ArgumentTypeError(_("must be columns by rows, such as 120x36"))
    return int(found[1]), int(found[2])


def _form_of(output: str | None) -> str:
    suffix = Path(output).suffix if output else ""
    return next((form for form, ending in FORMATS.items() if ending == suffix), "csv")


def _lines(form: str, cut: "Excerpt", config: str | None) -> Iterable[str]:
    from itertools import chain

    from collectors.session.tables import csv_lines, json_lines, prometheus_lines

    samples = chain(cut.before, cut.samples)
    if form in EVENTS:
        from collectors.session.happened import event_csv, event_json_lines, happened
        from tui.config.load import load

        events, end_ns = happened(samples, load(file=config).settings)
        return event_csv(events, end_ns) if form == "events" else event_json_lines(events, end_ns)
    if form == "jsonl":
        return json_lines(cut.header, samples)
    return csv_lines(samples) if form == "csv" else prometheus_lines(samples)
