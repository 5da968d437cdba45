"""`longpipe path`: hops, flows, MTU and carrier line of the way to a host, as text or JSON."""

import argparse
import math
import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tui.cli import CommandError, Exit, Parser, complain
from tui.text import _, tell
from tui.values import count, duration, seconds
from tui.widgets.clean import clean

if TYPE_CHECKING:
    from analysis.path.carriers import AsnOf, Carrier, Table
    from analysis.path.view import PathView
    from analysis.samples import Protocol
    from tui.pathrun import Request

ROUNDS: Final = 10
MOST_FLOWS: Final = 64
ROCE_PORT: Final = 4791
ROCE_DSCP: Final = 26
ROCE_SOURCE_PORT: Final = 0xC000
LEAST_INTERVAL_S: Final = 0.2


def add_arguments(parser: Parser) -> None:
    """Add the options of this command."""
    parser.add_argument("host", metavar=_("HOST"), help=_("name or address"))
    parser.add_argument("--json", action="store_true", help=_("print data (schema longpipe.path/1), not text"))
    how = parser.add_argument_group(_("how to probe"))
    kind = how.add_mutually_exclusive_group()
    kind.add_argument("--tcp", metavar=_("PORT"), type=_port, help=_("SYN to this port, not ICMP echo"))
    kind.add_argument("--udp", metavar=_("PORT"), type=_port, help=_("datagrams to this port, not ICMP echo"))
    kind.add_argument(
        "--roce", action="store_true", help=_("the way RoCEv2 takes: UDP 4791, its source ports, DSCP 26")
    )
    how.add_argument(
        "--flows", metavar=_("N"), type=_flows, default=1, help=_("flows to tell parallel links apart, up to 64")
    )
    how.add_argument("--dscp", metavar=_("N"), type=_dscp, help=_("class of the probes, 0 to 63"))
    how.add_argument("--mtu", action="store_true", help=_("measure the path MTU too, up to 9216 bytes"))
    family = how.add_mutually_exclusive_group()
    family.add_argument("-4", dest="family", action="store_const", const=4, help=_("IPv4 only"))
    family.add_argument("-6", dest="family", action="store_const", const=6, help=_("IPv6 only"))
    until = parser.add_argument_group(_("how long"))
    length = until.add_mutually_exclusive_group()
    length.add_argument("--count", metavar=_("N"), type=count, help=_("rounds; each probes every hop once (10)"))
    length.add_argument("--for", dest="duration", type=duration, metavar=_("TIME"), help=_("probe for 30s, 5m"))
    until.add_argument(
        "--interval", metavar=_("SECONDS"), type=seconds, default=1.0, help=_("between rounds (1; at least 0.2)")
    )
    parser.add_argument("--asn-db", metavar=_("FILE"), type=Path, help=_("local MaxMind or IPinfo database (.mmdb)"))


def run(args: argparse.Namespace) -> int:
    """Trace; the exit code is 0 healthy, 3 trouble, 4 without CAP_NET_RAW, 130 interrupted."""
    import msgspec

    from analysis.path.carriers import identify, line_names
    from analysis.path.document import document
    from analysis.path.locate import verdict
    from tui.pathrun import Request, trace

    if args.interval < LEAST_INTERVAL_S:
        raise CommandError(_("--interval must be at least {least} s", least=LEAST_INTERVAL_S), Exit.USAGE)
    if args.flows > 1 and not (args.tcp or args.udp or args.roce):
        raise CommandError(_("ICMP has no ports, so it has one flow: give --tcp, --udp or --roce"), Exit.USAGE)
    table, asn_of = _lines(args)
    traced = trace(_request(args, Request))
    view = traced.view
    hops = ((row.ttl, router.address) for row in view.hops for router in row.routers)
    carrier = identify(hops, table, asn_of)
    severity, sentence = verdict(view, line_names(carrier))
    if args.json:
        body = document(view, carrier, (severity, sentence), tell)
        print(msgspec.json.format(msgspec.json.encode(body)).decode())
    else:
        print(_text(view, carrier))
    if traced.interrupted:
        complain(_("interrupted: this is what was seen until then"))
        return Exit.INTERRUPTED
    return Exit.DEGRADED if severity in ("bad", "warn", "unknown") else Exit.OK


def _lines(args: argparse.Namespace) -> "tuple[Table, AsnOf | None]":
    """Return the table of carrier lines, the person's own rows with it, and the AS numbers where they are given."""
    from analysis.path.carriers import TableError
    from collectors.base import Unavailable
    from collectors.carriers import asn_database, load_table
    from tui.config.sources import user_file

    own = user_file(os.environ)
    try:
        table = load_table(own.parent if own else None)
        return table, asn_database(args.asn_db) if args.asn_db else None
    except (TableError, Unavailable) as problem:
        raise CommandError(tell(problem.problem)) from problem


def _request(args: argparse.Namespace, kind: "type[Request]") -> "Request":
    rounds = args.count or (max(1, math.ceil(args.duration / args.interval)) if args.duration else ROUNDS)
    protocol: Protocol = "udp" if args.udp or args.roce else "tcp" if args.tcp else "icmp"
    return kind(
        host=args.host,
        family=args.family,
        protocol=protocol,
        port=ROCE_PORT if args.roce else args.udp or args.tcp,
        source_port=ROCE_SOURCE_PORT if args.roce else None,
        flows=args.flows,
        dscp=args.dscp if args.dscp is not None else ROCE_DSCP if args.roce else 0,
        rounds=rounds,
        interval_s=args.interval,
        mtu=args.mtu,
        progress=sys.stderr.isatty(),
    )


def _text(view: "PathView", carrier: "Carrier") -> str:
    from tui.pathview import path_rows
    from tui.terminal import own_glyphs
    from tui.widgets.runs import row_text

    path = view.path
    port = "" if path.port is None else f" {path.port}"
    head = f"{path.target} ({path.address})  {path.protocol.upper()}{port}  DSCP {path.dscp}"
    width = max(60, min(shutil.get_terminal_size((100, 24)).columns, 160))
    rows = path_rows(view, width, own_glyphs("auto"), carrier)
    return "\n".join([clean(head), *(row_text(row).rstrip() for row in rows)])


def _number(text: str, least: int, most: int) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) < 6 and least <= int(text) <= most):
        raise argparse.ArgumentTypeError(_("must be a whole number from {least} to {most}", least=least, most=most))
    return int(text)


def _port(text: str) -> int:
    """Return a port that an option was given."""
    return _number(text, 1, 65535)


def _flows(text: str) -> int:
    """Return a number of flows that an option was given."""
    return _number(text, 1, MOST_FLOWS)


def _dscp(text: str) -> int:
    """Return a class that an option was given."""
    return _number(text, 0, 63)
