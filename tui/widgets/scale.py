"""The latency axis: a round ceiling above zero that does not jump."""

from collections.abc import Sequence
from typing import Final, Literal, TypeAlias

Unit: TypeAlias = Literal["ms", "us"]
NS_PER: Final[dict[Unit, int]] = {"ms": 1_000_000, "us": 1_000}
_STEPS: Final = (1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0)
_KEEP: Final = 0.4
"""A ceiling stays while the peak is above this share of it."""


def ceiling_above(peak: float) -> float:
    """Return the least round number at or above `peak`, 1 for nothing."""
    if peak <= 0:
        return 1.0
    power = 10.0 ** _exponent(peak)
    return next(step * power for step in _STEPS if step * power >= peak)


def _exponent(value: float) -> int:
    exponent = 0
    while value >= 10.0 ** (exponent + 1):
        exponent += 1
    while value < 10.0**exponent:
        exponent -= 1
    return exponent


def steady_ceiling(peak: float, before: float | None) -> float:
    """Return `before` while `peak` still fits well below it, else the next round number above."""
    if before is not None and before * _KEEP <= peak <= before:
        return before
    return ceiling_above(peak)


def usual_peak(middles: Sequence[float], tops: Sequence[float]) -> float:
    """Return how high the axis must reach: every median, and all but the highest twentieth of the maxima.

    One late reply must not flatten an hour; what is cut off is marked where it happened.
    """
    if not tops:
        return 0.0
    ordered = sorted(tops)
    return max(max(middles, default=0.0), ordered[(len(ordered) - 1) * 19 // 20])


def label(value: float) -> str:
    """Return a number for the axis, as short as it is exact."""
    return f"{value:.6g}"
