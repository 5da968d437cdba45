"""`longpipe diff A B`: what differs between two sessions, or before and after a moment of one."""

import argparse
from typing import TYPE_CHECKING, Final

from tui.cli import CommandError, Exit, Parser, accept_offsets
from tui.text import N_, _

if TYPE_CHECKING:
    from analysis.compare import ComparedPath, Comparison, Evidence, Measure
    from collectors.session.filestore import FileStore

_Span = tuple[int, int]
_NAMES: Final = {
    "latency": N_("latency p50"),
    "p99": N_("latency p99"),
    "jitter": N_("jitter"),
    "loss": N_("loss"),
    "score": N_("score"),
}
_MEANINGS: Final = {"better": N_("better"), "worse": N_("WORSE"), "same": N_("no difference"), "unclear": ""}


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


def run(args: argparse.Namespace) -> int:
    """Print the comparison; the exit code is 3 where something became worse or a session was damaged."""
    import msgspec

    from analysis.compare import compare
    from tui.sessions import open_one, tell_problems

    if len(args.files) > 2 or (len(args.files) == 1 and not args.at and not (args.span_a and args.span_b)):
        raise CommandError(_("give two sessions, or one with --at TIME or with --a and --b"), Exit.USAGE)
    if args.at and (len(args.files) == 2 or args.span_a or args.span_b):
        raise CommandError(_("--at is for one session, without --a and --b"), Exit.USAGE)
    stores = [open_one([file]) for file in args.files]
    first, second = stores[0], stores[-1]
    span_a, span_b = _spans(args, first, second)
    result = compare(_evidence(first, *span_a), _evidence(second, *span_b))
    if args.json:
        data = {"schema": "longpipe.diff/1", "a": span_a, "b": span_b, **msgspec.to_builtins(result)}
        print(msgspec.json.format(msgspec.json.encode(data)).decode())
    else:
        print(text(result))
    worse = any(measure.meaning == "worse" for path in result.paths for measure in path.measures)
    return Exit.DEGRADED if worse else tell_problems(*stores)


def text(result: "Comparison") -> str:
    """Return a comparison for people."""
    from rich.cells import set_cell_size

    from tui.text import tell
    from tui.widgets.clean import clean

    rows = [tell(result.verdict)]
    for path in result.paths:
        rows += ["", clean(tell(path.verdict))]
        for measure in path.measures:
            cells = (set_cell_size(_(_NAMES[measure.name]), 14), f"{_value(measure.name, measure.a):>10}")
            rows.append(f"  {cells[0]}{cells[1]} → {_value(measure.name, measure.b):<10} {_why(measure)}".rstrip())
    rows += [_("only in the first: {path}", path=clean(_path(path))) for path in result.only_a]
    rows += [_("only in the second: {path}", path=clean(_path(path))) for path in result.only_b]
    if result.tests:
        rows.append("")
        rows.append(_("{n} tests were made; p is corrected for that (Holm).", n=result.tests))
        rows.append(_("After ≈: how many independent probes these are worth, each being like its neighbours."))
    return "\n".join(rows)


def _why(measure: "Measure") -> str:
    """Return what a measure means and what that rests on."""
    if measure.name in ("p99", "score"):
        return _(_MEANINGS[measure.meaning]) if measure.meaning != "unclear" else ""
    word = _(_MEANINGS[measure.meaning]) or _("too few to tell")
    numbers = _(
        "p {p}, n {n_a}≈{worth_a} and {n_b}≈{worth_b}",
        p="–" if measure.p is None else "<0.0001" if measure.p < 0.0001 else f"{measure.p:.4f}",
        n_a=measure.n_a,
        n_b=measure.n_b,
        worth_a=measure.worth_a,
        worth_b=measure.worth_b,
    )
    if measure.name != "loss" and measure.effect is not None:
        numbers = _("effect {effect}, {numbers}", effect=f"{measure.effect:+.2f}", numbers=numbers)
    return f"{word} ({numbers})"


def _value(name: str, value: float | None) -> str:
    from analysis.units import milliseconds, percent

    if name == "loss":
        return percent(value)
    if name == "score":
        return "–" if value is None else f"{value:.2f}"
    return "–" if value is None else f"{milliseconds(value)} ms"


def _path(path: "ComparedPath") -> str:
    return f"{path.target} ({path.route})" if path.route else path.target


def _spans(
    args: argparse.Namespace, first: "FileStore", second: "FileStore"
) -> tuple[tuple[int, int], tuple[int, int]]:
    from tui.sessions import instant, period

    whole_a, whole_b = first.span() or (0, 0), second.span() or (0, 0)
    if args.at:
        at = instant(args.at, whole_a)
        return (whole_a[0], at), (at, whole_a[1])
    span_a = period(args.span_a, whole_a) if args.span_a else whole_a
    return span_a, period(args.span_b, whole_b) if args.span_b else whole_b


def _evidence(store: "FileStore", start_ns: int, end_ns: int) -> "dict[ComparedPath, Evidence]":
    from analysis.compare import EvidenceBook

    book = EvidenceBook()
    for sample in store.definitions(start_ns):
        book.fold(sample)
    for sample in store.between(start_ns, end_ns):
        book.fold(sample)
    return book.paths
