"""What a report says of routes: scores, objectives, what a flow can be expected to carry."""

from collections.abc import Iterator
from typing import Final

from analysis.objectives import Objective, State, in_words, measured_in_words
from analysis.units import bits_per_s, count, megabits, milliseconds
from tui.report.about_paths import loss_cell
from tui.report.blocks import Block, Cell, Line, Table, Topic
from tui.report.schema import ObjectivePart, Report, RoutePart, ScorePart
from tui.report.when import length
from tui.text import N_, _
from tui.widgets.runs import Role

_OBJECTIVES: Final[dict[Objective, str]] = {
    "latency": N_("latency under {limit}"),
    "loss": N_("loss under {limit}"),
    "bandwidth": N_("bandwidth of {limit}"),
    "availability": N_("availability of {limit}"),
}
_STATES: Final[dict[State, tuple[str, Role]]] = {
    "met": (N_("met"), "ok"),
    "missed": (N_("missed"), "bad"),
    "unknown": (N_("not known"), "dim"),
}
_PARTS: Final = {"latency": N_("latency"), "loss": N_("loss"), "bandwidth": N_("bandwidth")}


def route_blocks(report: Report) -> Iterator[Block]:
    """Yield the routes with their scores, then what each of them keeps and could carry."""
    if not report.routes:
        return
    parts = tuple(_(name) for name in _PARTS.values())
    head = ("", _("route"), _("score"), *parts, _("p50 ms"), _("loss"), _("Mb/s"), "n")
    yield Table(head, tuple(map(_route, report.routes)), frozenset(range(2, 10)))
    yield Line(
        _(
            "Scores and objectives look at the last {time}; each part shows what it got out of what it could.",
            time=length(report.measured.scores_cover_s),
        ),
        "dim",
    )
    for route in report.routes:
        if any(judged.measured is not None for judged in route.objectives):
            yield Topic(_title(route))
            yield Table(
                (_("objective"), _("state"), _("measured"), "n"),
                tuple(map(_objective, route.objectives)),
                frozenset({2, 3}),
            )
        for prediction in route.predictions:
            rate = ("≥ " if prediction.at_least else "") + bits_per_s(prediction.rate_bps)
            text = _("one {control} flow: {rate}.", control=prediction.control.upper(), rate=rate)
            yield Line(f"{text} {prediction.why}", "dim")
        if route.bandwidth_source:
            yield Line(route.bandwidth_source, "dim")


def _title(route: RoutePart) -> str:
    return route.name + (" (IPv6)" if route.family == 6 else "")


def _route(route: RoutePart) -> tuple[Cell, ...]:
    parts: dict[str, ScorePart] = {part.name: part for part in route.parts}
    cells: list[Cell] = []
    for name in _PARTS:
        part = parts.get(name)
        cells.append(("–" if part is None or part.got is None else f"{part.got:.2f}/{part.could:.2f}", "dim"))
    return (
        ("●" if route.best else "", "ok"),
        (_title(route), "plain" if route.up else "bad"),
        ("–" if route.score is None else f"{route.score:.2f}", "plain"),
        *cells,
        (milliseconds(route.p50_us), "plain"),
        loss_cell(route.loss_ratio),
        (megabits(route.bandwidth_mbps), "plain"),
        (count(route.n), "dim"),
    )


def _objective(judged: ObjectivePart) -> tuple[Cell, ...]:
    state, role_ = _STATES[judged.state]
    return (
        (_(_OBJECTIVES[judged.objective], limit=in_words(judged.objective, judged.limit)), "plain"),
        (_(state), role_),
        (measured_in_words(judged.objective, judged.measured, judged.limit), "plain"),
        ("–" if judged.n is None else count(judged.n), "dim"),
    )
