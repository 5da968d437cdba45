"""How good a route is, from 0 to 1, made of parts that each say what they got out of what they could."""

from collections.abc import Mapping
from typing import Final, Literal

import msgspec

from analysis.settings import ScoreSettings
from analysis.window import Window

HALF_SURE: Final = 30
"""With this many settled probes the confidence in what they measure is one half."""
SURE_ENOUGH: Final = 0.25
"""A route less certain than this does not become the best one while another holds that place."""


class Part(msgspec.Struct, frozen=True):
    """One part of a score. The `could` of the measured parts add up to 1; unmeasured: `got` None, `could` 0."""

    name: Literal["latency", "loss", "bandwidth"]
    weight: float
    """As set, before re-weighting."""
    could: float
    got: float | None


class RouteScore(msgspec.Struct, frozen=True):
    """`value`: what the parts got, 0 to 1, None where no probe has settled. `n`: settled probes it rests on.

    `confidence` = measured share of the weights * n / (n + 30).
    """

    value: float | None
    parts: tuple[Part, ...]
    confidence: float
    n: int


def latency_ratio(window: Window, settings: ScoreSettings) -> float | None:
    """Return max(0, 1 - p50 / zero); 0, not unknown, where probes settled and none was answered."""
    if window.p50_us is None:
        return 0.0 if window.settled else None
    return max(0.0, 1 - window.p50_us / 1000 / settings.latency_zero_ms)


def loss_ratio(window: Window, settings: ScoreSettings) -> float | None:
    """Return max(0, 1 - loss / zero)."""
    return None if window.loss_ratio is None else max(0.0, 1 - window.loss_ratio / settings.loss_zero_ratio)


def bandwidth_ratio(bandwidth_mbps: float | None, settings: ScoreSettings) -> float | None:
    """Return min(1, bandwidth / full)."""
    return None if bandwidth_mbps is None else min(1.0, max(0.0, bandwidth_mbps) / settings.bandwidth_full_mbps)


def score(window: Window, bandwidth_mbps: float | None, settings: ScoreSettings) -> RouteScore:
    """Return a route's score. What is not measured is left out and the rest weighs more, with less confidence.

    What passed over a route says nothing of how good it is while no probe has settled.
    """
    if not window.settled:
        bandwidth_mbps = None
    measured: tuple[tuple[Literal["latency", "loss", "bandwidth"], float, float | None], ...] = (
        ("latency", settings.latency_weight, latency_ratio(window, settings)),
        ("loss", settings.loss_weight, loss_ratio(window, settings)),
        ("bandwidth", settings.bandwidth_weight, bandwidth_ratio(bandwidth_mbps, settings)),
    )
    known = sum(weight for _, weight, ratio in measured if ratio is not None)
    whole = sum(weight for _, weight, _ in measured)
    parts = tuple(
        Part(name, weight, 0.0, None)
        if ratio is None or not known
        else Part(name, weight, weight / known, weight / known * ratio)
        for name, weight, ratio in measured
    )
    value = min(1.0, sum(part.got for part in parts if part.got is not None)) if known else None
    n = window.settled
    return RouteScore(value, parts, known / whole * n / (n + HALF_SURE) if whole else 0.0, n)


def best_route(scores: Mapping[str, RouteScore], current: str | None, hysteresis: float) -> str | None:
    """Return the id of the best route. `current` stays until a route that is certain enough leads by `hysteresis`."""
    values = {route: score.value for route, score in scores.items() if score.value is not None}
    if not values:
        return None
    holder = values.get(current) if current is not None else None
    if holder is None:
        return min(values, key=lambda route: (-values[route], route))
    rivals = [
        route
        for route, value in values.items()
        if value > holder and value >= holder + hysteresis and scores[route].confidence >= SURE_ENOUGH
    ]
    return min(rivals, key=lambda route: (-values[route], route), default=current)
