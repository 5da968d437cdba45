"""The two tests that judging loss rests on: is one ratio lower than another, and where does a row step up."""

from math import exp, lgamma, log
from typing import Final, NamedTuple

import msgspec

SURE: Final = 1e-4
"""Chance at which one ratio is called lower than another; some twenty hops are compared."""
STEP: Final = 8.0
"""Gain in log likelihood at which a step is called one: by chance in about one of 1000 paths of twenty hops."""
AS_GOOD: Final = 3.0
"""Places whose likelihood is within a factor of 20 of the best one's are not told apart."""


class Count(NamedTuple):
    """`lost` of `n` probes."""

    lost: int
    n: int

    def __add__(self, other: "Count") -> "Count":  # type: ignore[override]
        return Count(self.lost + other.lost, self.n + other.n)

    @property
    def ratio(self) -> float:
        """Lost over n; 0 where there were none."""
        return self.lost / self.n if self.n else 0.0


def chance_lower(low: Count, high: Count) -> float:
    """Return how likely `low` loses this little beside `high` if both lose alike (Fisher's exact test, one-sided)."""
    lost, total = low.lost + high.lost, low.n + high.n
    if not low.n or not high.n or not lost:
        return 1.0
    least = max(0, lost - high.n)
    base = _log_choose(total, lost)
    terms = (_log_choose(low.n, k) + _log_choose(high.n, lost - k) - base for k in range(least, low.lost + 1))
    return min(1.0, sum(exp(term) for term in terms))


def is_lower(low: Count, high: Count, chance: float = SURE) -> bool:
    """Tell whether `low` loses significantly less than `high`."""
    return chance_lower(low, high) < chance


class Step(msgspec.Struct, frozen=True):
    """Where a row of counts steps up: surely not before `after`, surely not later than `by` (indices; after < by).

    `after` is -1 where even the first may be behind the step.
    """

    after: int
    by: int
    before: Count
    """Everything up to `after`."""
    behind: Count
    """Everything from `by` on."""


def step_up(counts: list[Count], gain: float = STEP) -> Step | None:
    """Return where the ratios step up for good, None where they do not: one change point, by likelihood.

    `gain`: how much more likely (log) the step must make the counts than one ratio for all of them does.
    """
    whole = sum(counts, Count(0, 0))
    gains: dict[int, float] = {}
    for at in range(1, len(counts)):
        before, behind = sum(counts[:at], Count(0, 0)), sum(counts[at:], Count(0, 0))
        if behind.ratio > before.ratio:
            gains[at] = _log_likelihood(before) + _log_likelihood(behind) - _log_likelihood(whole)
    best = max(gains.values(), default=0.0)
    if best < gain:
        return None
    places = [at for at, gain in gains.items() if gain >= best - AS_GOOD]
    first, last = min(places), max(places)
    return Step(first - 1, last, sum(counts[:first], Count(0, 0)), sum(counts[last:], Count(0, 0)))


def _log_likelihood(count: Count) -> float:
    lost, kept = count.lost, count.n - count.lost
    return sum(part * log(part / count.n) for part in (lost, kept) if part)


def _log_choose(n: int, k: int) -> float:
    return lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1)
