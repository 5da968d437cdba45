"""Folds bandwidth tests: the last of each kind for every way out, and what they say of it while they are fresh."""

from typing import Final, NamedTuple, TypeAlias

from analysis.samples import BandwidthRun, FecRun, Sample
from analysis.transfer.limits import is_held_by_cap, rate_bps

FRESH_NS: Final = 3600 * 10**9
"""How long a test counts in a route's score: lines differ by the hour. It is shown with its age for ever."""
KEPT: Final = 64
"""Tests that are kept, so that no session can fill memory."""

Run: TypeAlias = BandwidthRun | FecRun
Key: TypeAlias = tuple[str, ...]


class Carried(NamedTuple):
    """What TCP tests over one way out measured. `bps`: of the slower direction."""

    bps: float
    fastest_bps: float
    target: str
    age_ns: int
    both: bool
    """Whether both directions were measured."""
    at_least: bool
    """Whether the data cap held the rate of the slower one: the line may carry more."""


def run_key(run: Run) -> Key:
    """Return what a later test with the same key replaces."""
    kind = run.protocol if isinstance(run, BandwidthRun) else "fec"
    return run.route, run.target, kind, run.direction


class Tests:
    """The last tests, newest last."""

    def __init__(self) -> None:
        self._runs: dict[Key, Run] = {}

    def fold(self, sample: Sample) -> bool:
        """Take a sample if it is a test's result; return whether it was."""
        if not isinstance(sample, BandwidthRun | FecRun):
            return False
        key = run_key(sample)
        known = self._runs.get(key)
        if known is None or known.ended_ns <= sample.ended_ns:
            self._runs.pop(key, None)
            self._runs[key] = sample
        if len(self._runs) > KEPT:
            del self._runs[next(iter(self._runs))]
        return True

    def over(self, route: str) -> tuple[Run, ...]:
        """Return the last tests over one way out, by `Route.id`, newest first."""
        runs = (run for run in self._runs.values() if run.route == route)
        return tuple(sorted(runs, key=lambda run: -run.ended_ns))

    def carried(self, route: str, at_ns: int) -> Carried | None:
        """Return what a way out carried by the newest fresh TCP test of it; the slower of its two directions.

        Both directions count only where they were measured to the same host; UDP says what arrives at a chosen pace,
        not what the line can carry.
        """
        fresh = [
            (run, rate)
            for run in self.over(route)
            if isinstance(run, BandwidthRun)
            and run.protocol == "tcp"
            and not run.together
            and 0 <= at_ns - run.ended_ns < FRESH_NS
            and (rate := rate_bps(run)) is not None
        ]
        if not fresh:
            return None
        newest = fresh[0][0]
        same = [(run, rate) for run, rate in fresh if run.target == newest.target]
        directions = {run.direction for run, _ in same}
        oldest_ns = min(run.ended_ns for run, _ in same)
        slowest, bps = min(same, key=lambda pair: pair[1])
        fastest_bps = max(rate for _, rate in same)
        held = is_held_by_cap(slowest)
        return Carried(bps, fastest_bps, newest.target, at_ns - oldest_ns, len(directions) > 1, held)
