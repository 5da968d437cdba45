"""`longpipe record`: observe without a screen, into session files."""

import argparse
import sys

from tui.cli import CommandError, Exit, Parser, complain, hosts
from tui.text import _
from tui.values import duration, size


def add_arguments(parser: Parser) -> None:
    """Add the options of this command."""
    parser.add_argument("targets", metavar=_("TARGET"), nargs="*", help=_("name or address to probe"))
    where = parser.add_argument_group(_("where to"))
    where.add_argument("-o", "--output", metavar=_("FILE"), help=_("one new file, without a limit to its size"))
    where.add_argument(
        "--dir",
        metavar=_("DIRECTORY"),
        help=_("hourly files here, kept for 24 h and up to 256 MiB (default: your own)"),
    )
    until = parser.add_argument_group(_("until when"))
    until.add_argument(
        "--for", dest="duration", type=duration, metavar=_("TIME"), help=_("stop after 90s, 15m, 8h, 2d")
    )
    until.add_argument("--until-size", type=size, metavar=_("SIZE"), help=_("stop when 500k, 20M, 1G are written"))
    until.add_argument(
        "--until-outage",
        action="store_true",
        help=_("stop half a minute after some target was lost three times running"),
    )
    parser.add_argument("--quiet", action="store_true", help=_("no status line"))
    parser.add_argument(
        "--print-unit", action="store_true", help=_("print a systemd unit that records always, and exit")
    )


def run(args: argparse.Namespace) -> int:
    """Record until told to stop (SIGINT, SIGTERM, SIGHUP) or until a condition holds; SIGUSR1 marks the moment."""
    from pathlib import Path

    from tui import recording

    if args.print_unit:
        print(recording.unit(), end="")
        return Exit.OK
    if args.output and args.dir:
        raise CommandError(_("give -o or --dir, not both"), Exit.USAGE)
    folder = Path(args.output or ".").parent
    if not folder.is_dir():
        raise CommandError(
            _("There is no directory {directory}. Make it, or give another FILE.", directory=folder), Exit.USAGE
        )
    from tui.config.load import Option, load

    targets = hosts(args.targets, "replay")
    configuration = load([Option(("targets",), _("command line"), targets)] if targets else [], file=args.config)
    for notice in configuration.notices:
        complain(notice)
    until = recording.Until(args.duration, args.until_size, args.until_outage)
    return recording.record(
        configuration.settings, args.output, args.dir, until, status=not args.quiet and sys.stderr.isatty()
    )
