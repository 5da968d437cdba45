"""`longpipe check`: services and ports, looked at once, as a table or JSON."""

import argparse
from typing import TYPE_CHECKING

from tui.cli import CommandError, Exit, Parser, complain
from tui.text import _, use_language
from tui.values import seconds

if TYPE_CHECKING:
    from analysis.settings import Expectations
    from tui.report.service_schema import Checked

_EXAMPLE = "longpipe check https://HOST/"


def add_arguments(parser: Parser) -> None:
    """Add the options of this command."""
    parser.add_argument(
        "urls", metavar="URL", nargs="*", help=_("dns:NAME, tcp://HOST:PORT, tls://HOST, https://HOST/PATH")
    )
    parser.add_argument("--json", action="store_true", help=_("print data (schema longpipe.check/1), not text"))
    parser.add_argument("--expect", metavar=_("FILE"), help=_("check the [[services]] and [[ports]] of this file"))
    parser.add_argument(
        "--host", metavar=_("HOST"), action="append", default=[], help=_("check the ports of this host, also several")
    )
    parser.add_argument(
        "--profile",
        choices=("cluster", "cluster-outside"),
        help=_("its ports: Ray, Redis, API and SSH, from within or from outside the cluster"),
    )
    parser.add_argument(
        "--resolver", metavar=_("ADDRESS"), action="append", help=_("whom to ask for dns:NAME, also several")
    )
    parser.add_argument("--timeout", metavar=_("SECONDS"), type=seconds, help=_("for each URL (3)"))


def run(args: argparse.Namespace) -> int:
    """Check and print; the exit code is 0 all as it must be, 3 not so."""
    from tui.config.load import load

    configuration = load(file=args.config)
    use_language(configuration.settings.language if args.lang is None else args.lang)
    for notice in configuration.notices:
        complain(notice)
    wanted = _wanted(args)
    if wanted is None:
        from analysis.settings import Expectations

        wanted = Expectations(configuration.settings.services, configuration.settings.ports)
    if not wanted.services and not wanted.ports:
        text = _("Nothing to check: neither services nor ports are configured. Try: {command}", command=_EXAMPLE)
        raise CommandError(text, Exit.USAGE)
    from tui.checkrun import check

    found = check(wanted)
    if args.json:
        import msgspec

        print(msgspec.json.format(msgspec.json.encode(found)).decode())
    else:
        print(_text(found))
    return found.exit_code


def _wanted(args: argparse.Namespace) -> "Expectations | None":
    """Return what the command line asks for, None where it leaves that to the configuration."""
    from tui.config.expect import expectations_of, read_expectations

    if bool(args.host) != bool(args.profile):
        raise CommandError(_("--host and --profile go together"), Exit.USAGE)
    given = {"resolvers": args.resolver, "timeout_s": args.timeout}
    options = {key: value for key, value in given.items() if value}
    found = expectations_of(args.urls, options, args.host, args.profile)
    if args.expect:
        expected = read_expectations(args.expect)
        found = type(found)(expected.services + found.services, expected.ports + found.ports)
    return found if found.services or found.ports else None


def _text(found: "Checked") -> str:
    from tui.report.about_services import port_blocks, service_blocks
    from tui.report.text import text_rows

    rows: list[str] = []
    for blocks in (service_blocks(found.services), port_blocks(found.ports)):
        for block in blocks:
            rows += text_rows(block)
    return "\n".join(row.rstrip() for row in rows).strip("\n")
