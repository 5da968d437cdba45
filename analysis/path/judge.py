"""Loss at a hop, judged: the path's, or only the router's own answers that are missing.

Routers limit the ICMP errors they send (RFC 1812, 4.3.2.8), so a hop's loss counts only where later hops lose too.
The target is the truth; a last hop that is not the target has no witness behind it.
"""

from collections.abc import Sequence
from itertools import accumulate
from typing import Final, NamedTuple

from analysis.path.statistics import AS_GOOD, Count, Step, is_lower, step_up
from analysis.path.view import Loss, LossStart
from analysis.window import wilson

ENOUGH: Final = 3
"""Probes without any answer that make a hop silent."""
LEAST: Final = 2
"""Losses of the target below which nothing is said about where they start."""
LITTLE: Final = 0.005
"""A first hop that may lose less than this does not lose for sure."""


class Place(NamedTuple):
    """One hop as the judge sees it."""

    ttl: int
    loss: Count
    is_witness: bool = True
    """False where answers are ICMP errors of a host that limits them: its loss proves nothing."""


class Judged(NamedTuple):
    """The loss of each place, and where loss that reaches the target starts."""

    losses: tuple[Loss, ...]
    start: LossStart | None


def judge(places: Sequence[Place], *, reached: bool) -> Judged:
    """Judge hops in order of TTL; `reached`: the last one is the target."""
    limited = _limited(places)
    start = _start([place for place in places if place.ttl not in limited and _answers(place)], reached=reached)
    return Judged(tuple(_loss(place, limited, start) for place in places), start)


def _answers(place: Place) -> bool:
    return place.loss.lost < place.loss.n


def _limited(places: Sequence[Place]) -> set[int]:
    """Return the TTLs that lose significantly more than what is behind them, from the end on."""
    limited: set[int] = set()
    behind = Count(0, 0)
    for place in reversed(places):
        if not _answers(place):
            continue
        if place.is_witness and behind.n and is_lower(behind, place.loss):
            limited.add(place.ttl)
        elif place.is_witness:
            behind += place.loss
    return limited


def _start(places: list[Place], *, reached: bool) -> LossStart | None:
    """Return where loss starts; never at a last place that is not the target: it has no witness."""
    witnesses = [place for place in places if place.is_witness]
    if not witnesses or witnesses[-1].loss.lost < LEAST:
        return None
    counts = [place.loss for place in witnesses]
    step = step_up(counts) or _everywhere(counts)
    has_target = reached and witnesses[-1] is places[-1]
    if step is None or (step.by == len(witnesses) - 1 and not has_target):
        return None
    after = 0 if step.after < 0 else witnesses[step.after].ttl
    return LossStart(after, witnesses[step.by].ttl, step.before, step.behind, counts[-1])


def _everywhere(counts: list[Count]) -> Step | None:
    """Return a step in front of the first place where that loses for sure; None where there is none.

    What is lost at a place is lost on the way to all behind it: the first loses no more than any row of places from
    it on does together. Where a step behind it is likely but not sure, loss starts not later than at that.
    """
    first = min(accumulate(counts), key=lambda count: count.ratio)
    interval = wilson(first.lost, first.n)
    if len(counts) < 2 or first.lost < ENOUGH or interval is None or interval[0] < LITTLE:
        return None
    likely = step_up(counts, AS_GOOD)
    by = 0 if likely is None else likely.by
    return Step(-1, by, Count(0, 0), sum(counts[by:], Count(0, 0)))


def _loss(place: Place, limited: set[int], start: LossStart | None) -> Loss:
    count = place.loss
    if not _answers(place):
        return "silent" if count.n >= ENOUGH else "unsure"
    if place.ttl in limited:
        return "limited"
    if not count.lost:
        return "none"
    return "real" if start is not None and place.ttl >= start.by else "unsure"
