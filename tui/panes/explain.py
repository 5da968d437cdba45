"""Scores, predictions and objectives spelled out: what each got, out of what it could, and since when."""

from collections.abc import Iterator
from typing import Final

from analysis.objectives import AT_ONCE_NS, Judgement, Objective, State, in_words, measured_in_words
from analysis.score import RouteScore
from analysis.throughput import Prediction, reason
from analysis.units import bits_per_s, count, duration
from tui.text import N_, _, named, tell
from tui.widgets.runs import Glyphs, Role, Row
from tui.widgets.wrap import wrap_rows

_PARTS: Final = {"latency": N_("latency"), "loss": N_("loss"), "bandwidth": N_("bandwidth")}
_OBJECTIVES: Final[dict[Objective, str]] = {
    "latency": N_("latency under {limit}"),
    "loss": N_("loss under {limit}"),
    "bandwidth": N_("bandwidth of {limit}"),
    "availability": N_("availability of {limit}"),
}
_SIGNS: Final[dict[State, tuple[str, str, Role]]] = {
    "met": ("✓", "+", "ok"),
    "missed": ("✖", "X", "bad"),
    "unknown": ("?", "?", "dim"),
}


def score_rows(score: RouteScore, width: int) -> Iterator[Row]:
    """Yield what each part of a score got out of what it could; what was not measured is said."""
    parts = [
        f"{_(_PARTS[part.name])} –" if part.got is None else f"{_(_PARTS[part.name])} {part.got:.2f}/{part.could:.2f}"
        for part in score.parts
    ]
    yield from wrap_rows(
        _(
            "why: {parts}; confidence {confidence} (n {n})",
            parts="  ".join(parts),
            confidence=f"{score.confidence:.0%}",
            n=count(score.n),
        ),
        width,
        indent=5,
    )


def tcp_rows(predictions: tuple[Prediction, ...], width: int) -> Iterator[Row]:
    """Yield the rate one TCP flow can be expected to reach, by congestion control."""
    for prediction in predictions:
        rate = _bound(prediction) + bits_per_s(prediction.rate_bps)
        text = _(
            "one {control} flow: {rate}. {reason}",
            control=prediction.control.upper(),
            rate=rate,
            reason=tell(reason(prediction)),
        )
        yield from wrap_rows(text, width, "dim", indent=2)


def _bound(prediction: Prediction) -> str:
    """Return the sign for a rate that is only known from above (by the link) or from below (no loss seen)."""
    if prediction.rate_bps is None:
        return ""
    if prediction.limit in {"link", "window"}:
        return "≤ "
    return "≥ " if prediction.at_least else ""


def objective_rows(objectives: tuple[Judgement, ...], width: int, glyphs: Glyphs, now_ns: int) -> Iterator[Row]:
    """Yield each objective as met, missed or not known, with the measured value and for how long."""
    for judgement in objectives:
        yield from _objective(judgement, width, glyphs, now_ns)


def _objective(judgement: Judgement, width: int, glyphs: Glyphs, now_ns: int) -> list[Row]:
    unicode_sign, ascii_sign, role = _SIGNS[judgement.state]
    sign = ascii_sign if glyphs == "ascii" else unicode_sign
    limit = _(_OBJECTIVES[judgement.objective], limit=in_words(judgement.objective, judgement.limit))
    return wrap_rows(f"{sign} {named(limit, _state(judgement, now_ns))}", width, role, indent=2)


def _state(judgement: Judgement, now_ns: int) -> str:
    value = measured_in_words(judgement.objective, judgement.measured, judgement.limit)
    length_ns = now_ns - (judgement.since_ns or now_ns)
    time = duration(length_ns)
    match judgement.state:
        case "met" if length_ns < AT_ONCE_NS:
            return _("met ({value})", value=value)
        case "missed" if length_ns < AT_ONCE_NS:
            return _("missed ({value})", value=value)
        case "met":
            return _("met for {time} ({value})", time=time, value=value)
        case "missed":
            return _("missed for {time} ({value})", time=time, value=value)
        case "unknown" if judgement.measured is None:
            return _("not measured")
        case "unknown":
            return _("too few probes to tell ({value})", value=value)
