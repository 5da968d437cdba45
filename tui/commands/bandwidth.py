"""`longpipe bandwidth`: what a line carries, tested between two ends that agreed to it."""

import argparse
import re
from typing import Final

from tui.cli import CommandError, Exit, Parser
from tui.text import _
from tui.values import count, seconds, size

PORT: Final = 5209
IPERF3_PORT: Final = 5201
FLOWS: Final = 4
MOST_FLOWS: Final = 64
SECONDS: Final = 10.0
CAP_BYTES: Final = 1 << 30
FEC_BPS: Final = 5_000_000
NEEDED: Final = 10
_RATES: Final = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9}
_SERVING: Final = ("bind", "once", "max_bytes", "time_limit", "tests")
_TESTING: Final = ("udp", "fec", "iperf3", "route", "interface", "source", "record", "json", "yes", "together")


def add_arguments(parser: Parser) -> None:
    """Add the options of this command."""
    parser.add_argument("host", metavar=_("HOST|serve"), help=_("the other end, or “serve” to be the other end"))
    parser.add_argument("--port", metavar=_("PORT"), type=_port, help=_("TCP and UDP port (5209; of iperf3 5201)"))
    what = parser.add_argument_group(_("what to test"))
    what.add_argument(
        "--direction", choices=("up", "down", "both"), default="both", help=_("from here, to here, or both in turn")
    )
    what.add_argument("--together", action="store_true", help=_("both directions at once"))
    what.add_argument("--flows", metavar=_("N"), type=_flows, help=_("TCP connections, up to 64 (4)"))
    what.add_argument("--udp", metavar=_("RATE"), type=rate, help=_("datagrams at 500k, 20M, 1G bit/s, not TCP"))
    what.add_argument(
        "--size", metavar=_("BYTES"), type=_payload, default=1200, help=_("payload of a datagram (1200)")
    )
    what.add_argument("--fec", action="store_true", help=_("datagrams without and with error correction, compared"))
    what.add_argument(
        "--redundancy", metavar="K+M", type=code, help=_("M datagrams added to K of data, or a share: 10+2, 20%%")
    )
    what.add_argument("--iperf3", action="store_true", help=_("run the iperf3 client of this box instead"))
    bounds = parser.add_argument_group(_("how much"))
    bounds.add_argument("--seconds", metavar=_("S"), type=seconds, default=SECONDS, help=_("for each part (10)"))
    bounds.add_argument("--cap", metavar=_("SIZE"), type=size, default=CAP_BYTES, help=_("data at most in all (1G)"))
    bounds.add_argument("--yes", action="store_true", help=_("do not ask before data are moved"))
    way = parser.add_argument_group(_("which way"))
    way.add_argument("--route", metavar=_("NAME"), help=_("over this route of the dashboard"))
    way.add_argument("--interface", metavar=_("IF"), help=_("out by this interface"))
    way.add_argument("--source", metavar=_("ADDRESS"), help=_("from this address"))
    family = way.add_mutually_exclusive_group()
    family.add_argument("-4", dest="family", action="store_const", const=4, help=_("IPv4 only"))
    family.add_argument("-6", dest="family", action="store_const", const=6, help=_("IPv6 only"))
    out = parser.add_argument_group(_("results"))
    out.add_argument("--json", action="store_true", help=_("print data (schema longpipe.bandwidth/1), not text"))
    out.add_argument("--record", metavar=_("FILE"), help=_("write the results into one new session file, too"))
    serve = parser.add_argument_group(_("as the other end (serve)"))
    serve.add_argument("--bind", metavar=_("ADDRESS"), help=_("listen on this address only"))
    serve.add_argument("--once", action="store_true", help=_("end after one test"))
    serve.add_argument("--max-bytes", metavar=_("SIZE"), type=size, help=_("most data of one test (16G)"))
    serve.add_argument("--time-limit", metavar=_("S"), type=seconds, help=_("longest part of a test (60)"))
    serve.add_argument("--tests", metavar=_("N"), type=count, help=_("tests at one time (4)"))


def run(args: argparse.Namespace) -> int:
    """Serve until interrupted, or test: 0 done, 1 not possible, 130 interrupted."""
    _refuse_strangers(args)
    if args.host == "serve":
        from tui.bandwidth_serve import serve

        return serve(args)
    _refuse_contradictions(args)
    from tui.bandwidth_run import test

    return test(args)


def _refuse_strangers(args: argparse.Namespace) -> None:
    """Options of one end are not for the other."""
    serving = args.host == "serve"
    for name in _TESTING if serving else _SERVING:
        if getattr(args, name) not in (None, False):
            option = "--" + name.replace("_", "-")
            raise CommandError(
                _("{option} is not for serve", option=option)
                if serving
                else _("{option} is for serve only", option=option),
                Exit.USAGE,
            )


def _refuse_contradictions(args: argparse.Namespace) -> None:
    udp = args.fec or args.udp is not None
    problem = None
    if args.iperf3 and (args.fec or args.together):
        problem = _("iperf3 has no error correction, and is run for one direction at a time")
    elif args.together and (udp or args.direction != "both"):
        problem = _("--together is for TCP in both directions")
    elif args.redundancy and not args.fec:
        problem = _("--redundancy is for --fec")
    elif udp and args.flows not in (None, 1):
        problem = _("datagrams go in one flow: leave out --flows")
    elif args.route and (args.interface or args.source):
        problem = _("a route has its interface and address: give --route, or the others")
    if problem:
        raise CommandError(problem, Exit.USAGE)


def rate(text: str) -> int:
    """Return bit/s of "500k", "20M", "1.5G" or a plain number."""
    found = re.fullmatch(r"(\d{1,12}(?:\.\d{1,6})?)([kmg]?)(?:bit/s|bps)?", text.lower())
    bps = int(float(found[1]) * _RATES[found[2]]) if found else 0
    if not 1000 <= bps <= 10**12:
        raise argparse.ArgumentTypeError(_("must be a rate from 1k to 1000G, such as 20M"))
    return bps


def code(text: str) -> tuple[int, int]:
    """Return (datagrams of data, datagrams in all) of "10+2" or "20%"."""
    needed, added = NEEDED, 0
    if found := re.fullmatch(r"(\d{1,3})\+(\d{1,3})", text):
        needed, added = int(found[1]), int(found[2])
    elif found := re.fullmatch(r"(\d{1,3}) ?%", text):
        added = -(-int(found[1]) * NEEDED // 100)
    if needed < 1 or added < 1 or needed + added > 128:
        raise argparse.ArgumentTypeError(_("must be such as 10+2 or 20%, with at most 128 datagrams together"))
    return needed, needed + added


def _whole(text: str, least: int, most: int) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) < 6 and least <= int(text) <= most):
        raise argparse.ArgumentTypeError(_("must be a whole number from {least} to {most}", least=least, most=most))
    return int(text)


def _port(text: str) -> int:
    """Return a port that an option was given."""
    return _whole(text, 1, 65535)


def _flows(text: str) -> int:
    """Return a number of flows that an option was given."""
    return _whole(text, 1, MOST_FLOWS)


def _payload(text: str) -> int:
    """Return a size of datagrams that an option was given."""
    return _whole(text, 64, 8972)
