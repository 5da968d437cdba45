"""`longpipe report`: one test, one page, an exit code."""

import argparse
import sys
from typing import TYPE_CHECKING

from tui.cli import CommandError, Exit, Parser, accept_offsets, complain, hosts
from tui.text import _, use_language
from tui.values import duration

if TYPE_CHECKING:
    from analysis.settings import Settings
    from tui.report.seen import Seen


def add_arguments(parser: Parser) -> None:
    """Add the options of this command."""
    accept_offsets(parser)
    parser.add_argument("targets", metavar=_("TARGET"), nargs="*", help=_("name or address to probe"))
    parser.add_argument(
        "--for", dest="time", type=duration, default=60.0, metavar=_("TIME"), help=_("test so long: 30s, 5m (60s)")
    )
    recorded = parser.add_argument_group(_("of a recorded session"))
    recorded.add_argument("--session", action="append", metavar=_("FILE"), help=_("report on this, probe nothing"))
    recorded.add_argument("--from", dest="start", metavar=_("TIME"), help=_('"14:02", "-5m", "yesterday 23:10"'))
    recorded.add_argument("--to", dest="end", metavar=_("TIME"), help=_("likewise"))
    shape = parser.add_argument_group(_("what is printed")).add_mutually_exclusive_group()
    shape.add_argument("--json", action="store_true", help=_("data (schema longpipe.report/1), not text"))
    shape.add_argument("--markdown", action="store_true", help=_("Markdown, for a ticket"))
    shape.add_argument("--html", action="store_true", help=_("a page with graphs that needs no network"))
    parser.add_argument("-o", "--output", metavar=_("FILE"), help=_("new file to write; without it, standard output"))
    parser.add_argument("--quiet", action="store_true", help=_("no status line"))


def run(args: argparse.Namespace) -> int:
    """Test and print; the exit code is 0 healthy, 3 degraded or not known, 4 missing privilege, 130 cut short."""
    from tui.config.load import Option, load
    from tui.files import output_to

    if (args.start or args.end) and not args.session:
        raise CommandError(_("--from and --to are for --session FILE"), Exit.USAGE)
    targets = [] if args.session else hosts(args.targets, "report --session")
    options = [Option(("targets",), _("command line"), targets)] if targets else []
    configuration = load(options, file=args.config)
    use_language(configuration.settings.language if args.lang is None else args.lang)
    for notice in configuration.notices:
        complain(notice)
    with output_to(args.output) as out:
        if args.session:
            seen, code = _recorded(args, configuration.settings)
        else:
            seen, code = _observed(args, configuration.settings)
        body, exit_code = _printed(seen, args)
        out.write(body)
    return code or exit_code


def _observed(args: argparse.Namespace, settings: "Settings") -> "tuple[Seen, int]":
    from tui.report.live import observed

    seen, whole = observed(settings, args.time, status=not args.quiet and sys.stderr.isatty())
    return seen, Exit.OK if whole else Exit.INTERRUPTED


def _recorded(args: argparse.Namespace, settings: "Settings") -> "tuple[Seen, int]":
    from collectors.session.export import Selection
    from tui.report.recorded import recorded
    from tui.sessions import instant, open_one, tell_problems

    store = open_one(args.session)
    span = store.span() or (0, 0)
    start = instant(args.start, span) if args.start else 0
    end = instant(args.end, span) if args.end else span[1]
    return recorded(store, Selection(start, end, tuple(args.targets)), settings), tell_problems(store)


def _printed(seen: "Seen", args: argparse.Namespace) -> tuple[str, int]:
    from tui.report.build import report

    found = report(seen)
    if args.html:
        from tui.page.page import page

        return page(seen), found.exit_code
    if args.json:
        import msgspec

        return msgspec.json.format(msgspec.json.encode(found)).decode() + "\n", found.exit_code
    from tui.report.text import markdown, text

    return (markdown(found) if args.markdown else text(found)) + "\n", found.exit_code
