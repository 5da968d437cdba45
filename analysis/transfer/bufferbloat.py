"""How much the round trip grows while the line is full: a grade from A+ to F."""

from typing import Final, Literal, NamedTuple, TypeAlias

from analysis.samples import RttQuantiles

Grade: TypeAlias = Literal["A+", "A", "B", "C", "D", "F"]
SCALE: Final[tuple[tuple[int, Grade], ...]] = ((5, "A+"), (30, "A"), (60, "B"), (200, "C"), (400, "D"))
"""Growth of the median in ms stays below: grade. The scale of dslreports.com and waveform.com/tools/bufferbloat."""
LEAST: Final = 10
"""Fewer answers than this, idle or loaded, give no grade."""


class Bloat(NamedTuple):
    """Growth of the median round trip under load in µs, its grade, and how many round trips that rests on."""

    growth_us: int
    grade: Grade
    n: int


def bloat(idle: RttQuantiles | None, loaded: RttQuantiles | None) -> Bloat | None:
    """Return the growth from idle to loaded, None where too few round trips are known of either."""
    if idle is None or loaded is None or idle.p50_us is None or loaded.p50_us is None:
        return None
    n = min(answered(idle), answered(loaded))
    if n < LEAST:
        return None
    growth_us = max(0, loaded.p50_us - idle.p50_us)
    return Bloat(growth_us, _grade(growth_us / 1000), n)


def _grade(growth_ms: float) -> Grade:
    for below_ms, grade in SCALE:
        if growth_ms < below_ms:
            return grade
    return "F"


def answered(rtt: RttQuantiles) -> int:
    """Return how many round trips were measured."""
    return max(0, rtt.sent - rtt.lost)
