"""`longpipe [TARGET ...]`: the dashboard on this box, or plain lines where there is no terminal."""

import argparse
import os
import sys
from typing import TYPE_CHECKING, Any, Final

from tui.cli import Parser, complain, hosts
from tui.text import _, use_language
from tui.values import count, seconds

if TYPE_CHECKING:
    from tui.config.load import Option

_OF_TARGETS: Final = {
    "family": "-4/-6",
    "interval_s": "--interval",
    "payload_bytes": "--size",
    "dscp": "--dscp",
    "protocol": "--tcp/--udp",
    "port": "--port",
}
"""Options that set a key of every target."""


def add_arguments(parser: Parser) -> None:
    """Add the options of this command; short ones as in ping and mtr."""
    parser.add_argument("targets", metavar="TARGET", nargs="*", help=_("name or address to probe"))
    probes = parser.add_argument_group(_("how to probe"))
    family = probes.add_mutually_exclusive_group()
    family.add_argument("-4", dest="family", action="store_const", const="4", help=_("IPv4 only"))
    family.add_argument("-6", dest="family", action="store_const", const="6", help=_("IPv6 only"))
    protocol = probes.add_mutually_exclusive_group()
    protocol.add_argument(
        "-T", "--tcp", dest="protocol", action="store_const", const="tcp", help=_("TCP connections, not ICMP echo")
    )
    protocol.add_argument(
        "-u", "--udp", dest="protocol", action="store_const", const="udp", help=_("UDP packets, not ICMP echo")
    )
    probes.add_argument("-P", "--port", type=int, metavar="PORT", help=_("port for TCP and UDP"))
    probes.add_argument(
        "-i", "--interval", dest="interval_s", type=float, metavar="SECONDS", help=_("time between two probes")
    )
    probes.add_argument("-s", "--size", dest="payload_bytes", type=int, metavar="BYTES", help=_("payload of a probe"))
    probes.add_argument("--dscp", type=int, metavar="DSCP", help=_("DSCP of probes, 0 to 63"))
    screen = parser.add_argument_group(_("what is shown"))
    screen.add_argument("--ascii", action="store_true", help=_("draw with ASCII characters only"))
    screen.add_argument("--no-color", action="store_true", help=_("no colours; so does NO_COLOR"))
    screen.add_argument("--slow", action="store_true", help=_("draw half as often, for very thin lines"))
    screen.add_argument("--mouse", action=argparse.BooleanOptionalAction, help=_("use the mouse, or leave it alone"))
    screen.add_argument("--no-record", action="store_true", help=_("keep nothing on disk; rewinding reaches 15 min"))
    plain = parser.add_argument_group(_("without a screen"))
    plain.add_argument("--plain", action="store_true", help=_("print lines; so does output that is no terminal"))
    plain.add_argument(
        "--every", type=seconds, default=5.0, metavar="SECONDS", help=_("time between two printed summaries")
    )
    plain.add_argument("--count", type=count, metavar="N", help=_("stop after N summaries"))


def run(args: argparse.Namespace) -> int:
    """Put the settings together and start the dashboard, or print lines where it cannot be seen."""
    from tui.config.load import load

    configuration = load(options_of(args), file=args.config)
    use_language(configuration.settings.language)
    for notice in configuration.notices:
        complain(notice)
    if args.no_color:
        os.environ["NO_COLOR"] = "1"
    if args.plain or not (sys.stdin.isatty() and sys.stdout.isatty()):
        from tui.live import observe
        from tui.plain import run as print_lines

        return print_lines(observe(configuration.settings), every_s=args.every, count=args.count)
    from tui.app import run as run_app

    return run_app(configuration)


def options_of(args: argparse.Namespace) -> "list[Option]":
    """Return the settings that the command line makes."""
    from tui.config.load import Option

    given: list[tuple[tuple[str, ...], str, Any]] = [
        (("targets", key), name, getattr(args, key)) for key, name in _OF_TARGETS.items()
    ]
    given.append((("targets",), _("command line"), hosts(args.targets, "replay") or None))
    given.append((("language",), "--lang", args.lang))
    given.append((("glyphs",), "--ascii", "ascii" if args.ascii else None))
    given.append((("slow",), "--slow", args.slow or None))
    given.append((("record",), "--no-record", False if args.no_record else None))
    if args.mouse is not None:
        given.append((("mouse",), "--mouse" if args.mouse else "--no-mouse", "on" if args.mouse else "off"))
    return [Option(path, name, value) for path, name, value in given if value is not None]
