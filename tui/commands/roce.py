"""`longpipe roce`: what captures say about RoCE traffic, as text, JSON or CSV."""

import argparse
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING

from tui.cli import CommandError, Exit, Parser, complain
from tui.text import _, tell
from tui.values import duration, size

if TYPE_CHECKING:
    from analysis.roce.schema import Flow, Report
    from collectors.pcapfile.reader import Reader
    from collectors.pcapfile.source import Source


def add_arguments(parser: Parser) -> None:
    """Add the options of this command."""
    parser.add_argument("files", nargs="*", metavar="FILE", help=_("pcap or pcapng, also compressed; - is stdin"))
    shape = parser.add_mutually_exclusive_group()
    shape.add_argument("--json", action="store_true", help=_("print data (schema longpipe.roce/1), not text"))
    shape.add_argument("--csv", action="store_true", help=_("print what each flow did in each second"))
    parser.add_argument("--flow", metavar="TEXT", help=_("only flows whose addresses or QP hold this text"))
    parser.add_argument(
        "--link-speed",
        type=_gbps,
        metavar="GBPS",
        help=_("link speed in Gb/s, to tell how long it was paused"),
    )
    live = parser.add_argument_group(_("live"))
    live.add_argument(
        "-i", "--interface", metavar=_("INTERFACE"), help=_("capture headers here instead of reading files")
    )
    live.add_argument(
        "--for", dest="duration", type=duration, metavar=_("TIME"), help=_("stop after 90s, 15m, 8h, 2d")
    )
    live.add_argument(
        "--save", metavar=_("FILE"), help=_("keep the packets in FILE and FILE.1; none are kept without this")
    )
    live.add_argument(
        "--save-size", type=size, metavar=_("SIZE"), help=_("room for both files (256M); the older half goes")
    )


def run(args: argparse.Namespace) -> int:
    """Read the captures; the exit code is 0 healthy, 3 trouble or a damaged file, 1 nothing readable."""
    if (args.interface is None) == (not args.files):
        raise CommandError(_("Give files to read, or one interface to capture on with -i."), Exit.USAGE)
    if args.interface is not None:
        from tui.commands import roce_live

        return roce_live.run(args)
    from collectors.pcapfile.summary import readers

    with ExitStack() as stack:
        sources = [stack.enter_context(_open(name)) for name in args.files]
        return (_csv if args.csv else _summary)(readers(sources), args)


def _summary(found: "Sequence[Reader]", args: argparse.Namespace) -> int:
    from analysis.roce.pairs import Pairs
    from collectors.pcapfile.summary import begin, fold_pieces, told

    pairs = Pairs()
    pieces = begin(found, pairs)
    # in the meantime, all that is needed for the packets and after them
    import analysis.roce.document  # noqa: F401
    from analysis.roce.fold import Fold
    from analysis.roce.report import report
    from tui.roce_progress import Progress

    fold = Fold(args.link_speed, pairs)
    with Progress(args.files) as progress:
        infos = fold_pieces(pieces, fold, progress)
    whole = report(fold, told(*infos), args.link_speed)
    return show(whole, ", ".join(args.files), args)


def show(whole: "Report", name: str, args: argparse.Namespace) -> int:
    """Judge and print a report of a file or an interface. Return the exit code."""
    import msgspec

    from analysis.roce.document import document
    from analysis.roce.verdict import exit_code, judge

    verdict = judge(whole)
    shown = msgspec.structs.replace(whole, flows=tuple(flow for flow in whole.flows if _wanted(flow, args.flow)))
    if args.json:
        body = document(name, shown, verdict, tell)
        print(msgspec.json.format(msgspec.json.encode(body)).decode())
    else:
        from tui.roce_text import text

        print(text(shown, verdict))
    return exit_code(whole, verdict)


def _csv(found: "Sequence[Reader]", args: argparse.Namespace) -> int:
    """Print one row for each flow and second, as soon as the second is over."""
    import csv

    from analysis.roce.fold import Fold
    from analysis.roce.report import report
    from analysis.roce.seconds import FlowSecond, seconds
    from analysis.roce.verdict import exit_code, judge
    from collectors.pcapfile.merge import merged
    from collectors.pcapfile.summary import told
    from tui.roce_progress import Progress
    from tui.roce_text import flow_name
    from tui.widgets.clean import clean

    fold = Fold(args.link_speed)
    out = csv.writer(sys.stdout, lineterminator="\n")
    out.writerow(["second", "src", "dst", "dest_qpn", "kind", *FlowSecond.__struct_fields__[1:]])
    with Progress(args.files) as progress:
        for second, rows in seconds(fold, merged(found, fold.pairs)):
            progress(sum(reader.consumed for reader in found))
            for row in rows:
                name = flow_name(fold, row.flow)
                if args.flow is None or args.flow in " ".join(name):
                    out.writerow(
                        [second, *name, *(getattr(row, field) for field in FlowSecond.__struct_fields__[1:])]
                    )
    whole = report(fold, told(*(reader.finish() for reader in found)), args.link_speed)
    for problem in whole.capture.problems:
        complain(clean(tell(problem)))
    return exit_code(whole, judge(whole))


def _open(name: str) -> "Source":
    from collectors.pcapfile.source import open_source

    try:
        return open_source(name)
    except OSError as failure:
        reason = failure.strerror
        raise CommandError(_("Cannot read {file}: {reason}", file=name, reason=reason)) from failure


def _wanted(flow: "Flow", text: str | None) -> bool:
    return text is None or text in f"{flow.src} {flow.dst} {flow.dest_qpn} {flow.paired_qpn}"


def _gbps(text: str) -> float:
    """Return a link speed that an option was given."""
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0.001 <= value <= 10_000:
        raise argparse.ArgumentTypeError(_("must be a speed in Gb/s, as in 100"))
    return value
