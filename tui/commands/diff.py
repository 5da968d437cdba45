"""`longpipe diff A B`: what differs between two sessions, or before and after a moment of one."""

import argparse
import sys
from typing import TYPE_CHECKING

from tui.cli import CommandError, Exit, Parser, accept_offsets
from tui.text import _

if TYPE_CHECKING:
    from analysis.compare import Comparison, Measure
    from collectors.session.filestore import FileStore
    from tui.compare import Span


def add_arguments(parser: Parser) -> None:
    """Add the options of this command."""
    accept_offsets(parser)
    parser.add_argument(
        "files", metavar=_("FILE"), nargs="+", help=_("two sessions, or one with --at or with both spans")
    )
    parser.add_argument("--at", metavar=_("TIME"), help=_("compare one session before and after this moment"))
    parser.add_argument("--a", dest="span_a", metavar=_("FROM..TO"), help=_("span of the first"))
    parser.add_argument("--b", dest="span_b", metavar=_("FROM..TO"), help=_("span of the second"))
    parser.add_argument("--json", action="store_true", help=_("print data (schema longpipe.diff/1), not text"))
    parser.add_argument("--screen", action="store_true", help=_("show a table and graphs of both on the screen"))


def run(args: argparse.Namespace) -> int:
    """Print the comparison; the exit code is 3 where something became worse or a session was damaged."""
    from tui.sessions import open_one, tell_problems

    if len(args.files) > 2 or (len(args.files) == 1 and not args.at and not (args.span_a and args.span_b)):
        raise CommandError(_("give two sessions, or one with --at TIME or with --a and --b"), Exit.USAGE)
    if args.at and (len(args.files) == 2 or args.span_a or args.span_b):
        raise CommandError(_("--at is for one session, without --a and --b"), Exit.USAGE)
    if args.screen and (args.json or not (sys.stdin.isatty() and sys.stdout.isatty())):
        raise CommandError(_("--screen needs a terminal, and goes without --json"), Exit.USAGE)
    stores = [open_one([file]) for file in args.files]
    spans = _spans(args, stores[0], stores[-1])
    worse = _shown(args, stores, spans) if args.screen else _printed(args, stores, spans)
    problems = tell_problems(*stores)
    return Exit.DEGRADED if worse else problems


def _printed(args: argparse.Namespace, stores: "list[FileStore]", spans: "tuple[Span, Span]") -> bool:
    """Print the comparison; return whether anything became worse."""
    import msgspec

    from analysis.compare import compare
    from tui.compare import Compared, side

    a, b = side("", stores[0], spans[0]), side("", stores[-1], spans[1])
    result = compare(a.paths, b.paths)
    if args.json:
        data = {"schema": "longpipe.diff/1", "a": a.span, "b": b.span, **msgspec.to_builtins(result)}
        print(msgspec.json.format(msgspec.json.encode(data)).decode())
    else:
        print(text(result))
    return Compared(a, b, result).worse


def _shown(args: argparse.Namespace, stores: "list[FileStore]", spans: "tuple[Span, Span]") -> bool:
    """Show the comparison until the person leaves; return whether anything became worse."""
    from tui.compare import compared
    from tui.compare_app import CompareApp
    from tui.config.load import load

    settings = load(file=args.config).settings
    first, second = ((store.files[0].header.host, store) for store in (stores[0], stores[-1]))
    a, b = (*first, spans[0]), (*second, spans[1])
    app = CompareApp(lambda: compared(a, b, settings.score), settings)
    app.run()
    return app.compared is not None and app.compared.worse


def text(result: "Comparison") -> str:
    """Return a comparison for people."""
    from rich.cells import set_cell_size

    from tui.compare import NAMES, path_name, value_text
    from tui.text import tell
    from tui.widgets.clean import clean

    rows = [tell(result.verdict)]
    for path in result.paths:
        rows += ["", clean(tell(path.verdict))]
        for measure in path.measures:
            name, a, b = measure.name, value_text(measure.name, measure.a), value_text(measure.name, measure.b)
            rows.append(f"  {set_cell_size(_(NAMES[name]), 14)}{a:>10} → {b:<10} {_why(measure)}".rstrip())
    rows += [_("only in the first: {path}", path=clean(path_name(path))) for path in result.only_a]
    rows += [_("only in the second: {path}", path=clean(path_name(path))) for path in result.only_b]
    if result.tests:
        rows.append("")
        rows.append(_("{n} tests were made; p is corrected for that (Holm).", n=result.tests))
        rows.append(_("After ≈: how many independent probes these are worth, each being like its neighbours."))
    return "\n".join(rows)


def _why(measure: "Measure") -> str:
    """Return what a measure means and what that rests on."""
    from tui.compare import effect_text, meaning_text, p_text

    word = meaning_text(measure)
    if measure.name in ("p99", "score"):
        return word
    numbers = _(
        "p {p}, n {n_a}≈{worth_a} and {n_b}≈{worth_b}",
        p=p_text(measure),
        n_a=measure.n_a,
        n_b=measure.n_b,
        worth_a=measure.worth_a,
        worth_b=measure.worth_b,
    )
    if effect := effect_text(measure):
        numbers = _("effect {effect}, {numbers}", effect=effect, numbers=numbers)
    return f"{word} ({numbers})"


def _spans(args: argparse.Namespace, first: "FileStore", second: "FileStore") -> "tuple[Span, Span]":
    from tui.sessions import instant, period

    whole_a, whole_b = first.span() or (0, 0), second.span() or (0, 0)
    if args.at:
        at = instant(args.at, whole_a)
        return (whole_a[0], at), (at, whole_a[1])
    span_a = period(args.span_a, whole_a) if args.span_a else whole_a
    return span_a, period(args.span_b, whole_b) if args.span_b else whole_b
