"""Whether two sets of measurements differ, without assuming how they are distributed.

Neighbouring probes are alike: an hour of them says less than as many independent ones. `worth` says how many, and
the tests use that number; otherwise every two hours would "differ significantly".
"""

from collections.abc import Sequence
from math import erfc, exp, lgamma, sqrt
from typing import TYPE_CHECKING, Final

import msgspec

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

ENOUGH: Final = 8
"""With fewer independent values on a side the normal approximation of the rank test does not hold."""


class Shift(msgspec.Struct, frozen=True):
    """Outcome of a test. `effect`: for ranks Cliff's delta, from -1 (all of B below A) to 1; for loss B - A.

    `p`: two-sided, of so much difference by chance; None where there is too little to tell. `worth_a`, `worth_b`:
    the number of independent values that each side is worth.
    """

    effect: float | None
    p: float | None
    worth_a: int
    worth_b: int


def rank_shift(a: Sequence[int], b: Sequence[int]) -> Shift:
    """Return whether B's values tend to be larger than A's (Mann and Whitney, Ann. Math. Stat. 18, 1947, with ties).

    Values in order of time; their ranks' lag-1 correlation decides what they are worth.
    """
    import numpy as np  # here, so that the dashboard does not load it

    if not a or not b:
        return Shift(None, None, len(a), len(b))
    pooled = np.concatenate([np.asarray(a, dtype=np.int64), np.asarray(b, dtype=np.int64)])
    _, place, counts = np.unique(pooled, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[place]
    n, m, total = len(a), len(b), len(pooled)
    above = (float(ranks[n:].sum()) - m * (m + 1) / 2) / (n * m)
    worth_a, worth_b = _worth(ranks[:n]), _worth(ranks[n:])
    effect = 2 * above - 1
    if min(worth_a, worth_b) < ENOUGH:
        return Shift(effect, None, worth_a, worth_b)
    ties = 1 - float((counts.astype(float) ** 3 - counts).sum()) / (float(total) ** 3 - total)
    variance = ties * (worth_a + worth_b + 1) / (12 * worth_a * worth_b)
    return Shift(effect, 1.0 if variance <= 0 else _two_sided((above - 0.5) / sqrt(variance)), worth_a, worth_b)


def loss_shift(a: Sequence[int], b: Sequence[int]) -> Shift:
    """Return whether the share of ones differs (Fisher's exact test, normal where there are many); in time order."""
    import numpy as np

    if not a or not b:
        return Shift(None, None, len(a), len(b))
    first, second = np.asarray(a, dtype=float), np.asarray(b, dtype=float)
    ratio_a, ratio_b = float(first.mean()), float(second.mean())
    worth_a, worth_b = _worth(first), _worth(second)
    lost_a, lost_b = round(ratio_a * worth_a), round(ratio_b * worth_b)
    p = _proportions(lost_a, worth_a, lost_b, worth_b)
    return Shift(ratio_b - ratio_a, p, worth_a, worth_b)


def holm(ps: Sequence[float | None]) -> list[float | None]:
    """Return p-values corrected for how many there are (Holm, Scand. J. Stat. 6, 1979)."""
    known = sorted((p, at) for at, p in enumerate(ps) if p is not None)
    corrected: list[float | None] = [None] * len(ps)
    highest = 0.0
    for step, (p, at) in enumerate(known):
        highest = max(highest, min(1.0, p * (len(known) - step)))
        corrected[at] = highest
    return corrected


def fisher(lost_a: int, n_a: int, lost_b: int, n_b: int) -> float:
    """Return the two-sided p of a 2x2 table: all tables no more likely than this one (Fisher 1922)."""
    lost, total = lost_a + lost_b, n_a + n_b
    constant = _log_choose(total, lost)
    here = _log_choose(n_a, lost_a) + _log_choose(n_b, lost_b) - constant
    likelihoods = (
        _log_choose(n_a, k) + _log_choose(n_b, lost - k) - constant
        for k in range(max(0, lost - n_b), min(n_a, lost) + 1)
    )
    return min(1.0, sum(exp(value) for value in likelihoods if value <= here + 1e-9))


def _proportions(lost_a: int, n_a: int, lost_b: int, n_b: int) -> float | None:
    if not n_a or not n_b:
        return None
    pooled = (lost_a + lost_b) / (n_a + n_b)
    if min(n_a, n_b) * min(pooled, 1 - pooled) < 30:
        return fisher(lost_a, n_a, lost_b, n_b)
    return _two_sided((lost_b / n_b - lost_a / n_a) / sqrt(pooled * (1 - pooled) * (1 / n_a + 1 / n_b)))


def _worth(values: "NDArray[np.float64]") -> int:
    """Return how many independent values a series of first order with this correlation is worth."""
    n = len(values)
    if n < 3:
        return n
    centred = values - values.mean()
    spread = float((centred * centred).sum())
    if spread <= 0:
        return n
    correlation = min(0.999, max(0.0, float((centred[1:] * centred[:-1]).sum()) / spread))
    return max(1, round(n * (1 - correlation) / (1 + correlation)))


def _two_sided(z: float) -> float:
    return erfc(abs(z) / sqrt(2))


def _log_choose(n: int, k: int) -> float:
    return lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1)
