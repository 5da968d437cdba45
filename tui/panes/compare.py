"""Two stretches of time side by side, as rows: every path, one path's measures, both graphs on one scale."""

from collections.abc import Iterator
from datetime import datetime
from typing import Final

from msgspec.structs import replace
from rich.cells import cell_len

from analysis.compare import ComparedPath, Evidence, Meaning, Measure, PathDifference
from analysis.units import count
from tui.compare import NAMES, Compared, Side, effect_text, meaning_text, p_text, path_name, value_text
from tui.panes.time import clock_text
from tui.text import N_, _, tell
from tui.widgets.clean import clean
from tui.widgets.columns import Column, TableRow, body_row, head_row, place
from tui.widgets.graph import GraphData, graph_rows, peak
from tui.widgets.runs import Glyphs, Role, Row
from tui.widgets.scale import ceiling_above
from tui.widgets.wrap import wrap_rows

COLUMNS: Final = (
    Column(N_("path"), 14, flex=1),
    Column(N_("p50 ms A→B"), 11, align="right"),
    Column(N_("loss A→B"), 11, align="right"),
    Column(N_("jitter A→B"), 11, align="right", priority=2),
    Column(N_("score A→B"), 11, align="right", priority=1),
    Column(N_("effect"), 6, align="right", priority=3),
    Column(N_("n A/B"), 9, align="right", priority=3),
    Column(N_("means"), 15),
)
MEASURES: Final = (
    Column(N_("measure"), 11, flex=1),
    Column("A", 9, align="right"),
    Column("B", 9, align="right"),
    Column(N_("effect"), 6, align="right", priority=1),
    Column("p", 7, align="right", priority=3),
    Column(N_("n A/B"), 15, align="right", priority=2),
    Column(N_("means"), 15),
)
STEPS_NS: Final = tuple(s * 10**9 for s in (1, 2, 5, 10, 30, 60, 300, 600, 1800, 3600))
GRAPH_ROWS: Final = 3
"""Lower graphs than this say nothing."""
_ROLES: Final[dict[Meaning, Role]] = {"worse": "bad", "better": "ok", "same": "dim", "unclear": "dim"}
_ARROW: Final[dict[Glyphs, str]] = {"unicode": "→", "ascii": ">"}


def path_key(path: ComparedPath) -> str:
    """Return what names a path in the table."""
    return f"{path.target}|{path.route}|{path.protocol}|{path.port}|{path.family}"


def compared_rows(compared: Compared, glyphs: Glyphs) -> list[TableRow]:
    """Return one row a path that both sides have, then those that only one has."""
    result = compared.result
    several = {path_name(path.path) for path in result.paths}
    exact = len(several) < len(result.paths)
    rows = [_path_row(path, glyphs, exact=exact) for path in result.paths]
    for paths, said in ((result.only_a, _("only in A")), (result.only_b, _("only in B"))):
        rows += [
            TableRow(path_key(path), ((clean(label(path, exact=True)), "dim"), (said, "dim")), spread=True)
            for path in paths
        ]
    return rows


def label(path: ComparedPath, *, exact: bool) -> str:
    """Return a path's name; `exact` tells apart those of one target and route."""
    port = "" if path.port is None else f" {path.port}"
    return f"{path_name(path)} {path.protocol}{port} v{path.family}" if exact else path_name(path)


def _path_row(path: PathDifference, glyphs: Glyphs, *, exact: bool) -> TableRow:
    measures = {measure.name: measure for measure in path.measures}
    latency = measures["latency"]
    meaning, word = overall(path)
    return TableRow(
        path_key(path.path),
        (
            (clean(label(path.path, exact=exact)), "plain"),
            *(_both(measures[name], glyphs) for name in ("latency", "loss", "jitter", "score")),
            (effect_text(latency), "dim"),
            (f"{count(measures['loss'].n_a)}/{count(measures['loss'].n_b)}", "dim"),
            (word, _ROLES[meaning]),
        ),
    )


def _both(measure: Measure, glyphs: Glyphs) -> tuple[str, Role]:
    a, b = (value_text(measure.name, value).removesuffix(" ms") for value in (measure.a, measure.b))
    return f"{a}{_ARROW[glyphs]}{b}", _ROLES[measure.meaning] if measure.meaning in ("worse", "better") else "plain"


def overall(path: PathDifference) -> tuple[Meaning, str]:
    """Return what all of a path's differences mean together, and the word for it."""
    kinds = {measure.meaning for measure in path.measures if measure.name in ("latency", "jitter", "loss")}
    if {"worse", "better"} <= kinds:
        return "worse", _("worse, better")
    for meaning, word in (("worse", _("WORSE")), ("better", _("better")), ("unclear", _("too few to tell"))):
        if meaning in kinds:
            return meaning, word
    return "same", _("no difference")


def head_rows(compared: Compared, width: int) -> list[Row]:
    """Return the verdict on all paths and what the two sides are."""
    sides = [_side_text(name, side) for name, side in (("A", compared.a), ("B", compared.b))]
    one_row = "   ".join(sides)
    rows = wrap_rows(tell(compared.result.verdict), width, "bad" if compared.worse else "head")
    return rows + [((text, "accent"),) for text in ([one_row] if cell_len(one_row) <= width else sides)]


def _side_text(name: str, side: Side) -> str:
    start, end = (datetime.fromtimestamp(ns / 1e9).astimezone() for ns in side.span)
    until = end.strftime("%H:%M:%S" if start.date() == end.date() else "%Y-%m-%d %H:%M:%S")
    return f"{name}  {clean(side.name)} {start:%Y-%m-%d %H:%M:%S} – {until}"


def difference_rows(path: PathDifference, width: int, glyphs: Glyphs) -> list[Row]:
    """Return what one path's difference means, then each measure with what that rests on."""
    worst, _word = overall(path)
    placed = place(MEASURES, width)
    titles = [Column(_(c.title), c.width, c.flex, c.align, c.priority) for c in MEASURES]
    rows = wrap_rows(tell(path.verdict), width, _ROLES[worst] if worst in ("worse", "better") else "plain")
    rows.append(head_row(titles, placed, glyphs))
    return rows + [
        body_row(MEASURES, placed, TableRow(measure.name, tuple(_cells(measure))), glyphs=glyphs)
        for measure in path.measures
    ]


def _cells(measure: Measure) -> Iterator[tuple[str, Role]]:
    tested = measure.name not in ("p99", "score")
    yield _(NAMES[measure.name]), "plain"
    yield value_text(measure.name, measure.a), "plain"
    yield value_text(measure.name, measure.b), "plain"
    yield effect_text(measure), "dim"
    yield p_text(measure) if tested else "", "dim"
    yield "/".join(_n_text(measure, tested=tested)), "dim"
    yield meaning_text(measure), _ROLES[measure.meaning]


def _n_text(measure: Measure, *, tested: bool) -> Iterator[str]:
    """Yield how many probes each side has, and after ≈ how many independent ones those are worth to the test."""
    for n, worth in ((measure.n_a, measure.worth_a), (measure.n_b, measure.worth_b)):
        yield f"{count(n)}≈{count(worth)}" if tested and worth else count(n)


def both_graphs(compared: Compared, path: ComparedPath, width: int, height: int, glyphs: Glyphs) -> list[Row]:
    """Return A's graph over B's, equally long and with one ceiling; nothing where there is no room for two."""
    each = height // 2
    if each < GRAPH_ROWS:
        return []
    sides = (("A", compared.a), ("B", compared.b))
    length_ns = max(side.span[1] - side.span[0] for _name, side in sides)
    step_ns = next((step for step in STEPS_NS if length_ns / step <= 2 * width), STEPS_NS[-1])
    graphs = [_graph(name, side, side.paths.get(path), length_ns, step_ns) for name, side in sides]
    ceiling = ceiling_above(max(peak(graph) for graph in graphs))
    return [row for graph in graphs for row in graph_rows(replace(graph, ceiling=ceiling), width, each, glyphs)]


def _graph(name: str, side: Side, evidence: Evidence | None, length_ns: int, step_ns: int) -> GraphData:
    start, end = side.span[0], side.span[0] + length_ns
    history = evidence.history if evidence is not None else None
    return GraphData(
        buckets=history.buckets(start, end, step_ns) if history is not None else (),
        start_ns=start,
        end_ns=end,
        loss_label=_("loss"),
        start_label=f"{name} {clock_text(start)}",
        end_label=clock_text(end),
    )
