"""Whether the box is still reachable and better off, seen from outside the change.

What answered before must answer after; what never answered says nothing. The metric is chosen before applying, and
a difference counts only where it is larger than chance and than a least effect worth having.
"""

import errno
import math
import socket
from collections.abc import Sequence
from statistics import median
from typing import Final, Literal, TypeAlias

import msgspec

from analysis.text import N_, Sentence, say
from tuning.host import Host
from tuning.session import ELSEWHERE, way_to

Answer: TypeAlias = Literal["answers", "silent", "unknown"]
Outcome: TypeAlias = Literal["better", "worse", "no difference", "too few"]
CONNECT_S: Final = 3.0
PINGS: Final = 5
LEAST_EFFECT: Final = 0.05
FEWEST: Final = 5
_SIGNIFICANT: Final = 1.96
"""Two-sided 5 % of the normal distribution."""


class Reach(msgspec.Struct, frozen=True):
    """What answers: the gateway to a ping, the other end of the session to a new TCP connection."""

    gateway: Answer
    peer: Answer


class Metric(msgspec.Struct, frozen=True):
    """What the person wants to see improve, chosen before anything is applied."""

    name: Sentence
    unit: str
    higher_is_better: bool
    least_effect: float = LEAST_EFFECT


class Comparison(msgspec.Struct, frozen=True):
    """Before and after: medians, how many of each, and what may be said of them."""

    metric: Metric
    before: float | None
    after: float | None
    n_before: int
    n_after: int
    outcome: Outcome


def reach(host: Host, peer: str | None, port: int = 22) -> Reach:
    """Ask the peer of the session, and the gateway to it or of the default way; blocks for some seconds at most."""
    gateway, interface = way_to(host, peer or ELSEWHERE)
    return Reach(
        gateway="unknown" if gateway is None else ping(host, gateway, interface),
        peer="unknown" if peer is None else connect(peer, port),
    )


def connect(address: str, port: int, timeout_s: float = CONNECT_S) -> Answer:
    """Open a new TCP connection. A refusal is an answer: it crossed the path both ways."""
    try:
        with socket.create_connection((address, port), timeout_s):
            return "answers"
    except OSError as failure:
        return "answers" if failure.errno in {errno.ECONNREFUSED, errno.ECONNRESET} else "silent"


def ping(host: Host, address: str, interface: str = "") -> Answer:
    """Ping with the system's own tool; "unknown" where there is none."""
    chosen = ("-I", interface) if interface else ()
    done = host.run("ping", "-n", "-q", "-c", str(PINGS), "-i", "0.2", "-W", "1", *chosen, "--", address)
    return {0: "answers", 1: "silent"}.get(done.code, "unknown")  # type: ignore[return-value]


def lost(before: Reach, after: Reach) -> tuple[Sentence, ...]:
    """Return what answered before and does not any more: reason enough to roll back."""
    told = []
    if before.gateway == "answers" and after.gateway == "silent":
        told.append(say(N_("The gateway answered before and is silent now.")))
    if before.peer == "answers" and after.peer == "silent":
        told.append(say(N_("New connections to the other end of your session worked before and do not now.")))
    return tuple(told)


def compare(metric: Metric, before: Sequence[float], after: Sequence[float]) -> Comparison:
    """Compare two sets of measurements by their ranks (Mann and Whitney 1947; normal, ties corrected)."""
    middle = [median(values) if values else None for values in (before, after)]
    outcome = _outcome(metric, before, after)
    return Comparison(metric, middle[0], middle[1], len(before), len(after), outcome)


def should_keep(before: Reach, after: Reach, comparison: Comparison | None) -> bool:
    """Say whether keeping is what to propose: nothing lost, and the metric better. Else rolling back is."""
    return not lost(before, after) and comparison is not None and comparison.outcome == "better"


def _outcome(metric: Metric, before: Sequence[float], after: Sequence[float]) -> Outcome:
    if min(len(before), len(after)) < FEWEST:
        return "too few"
    was, now = median(before), median(after)
    if now == was or abs(now - was) < metric.least_effect * abs(was) or abs(_z(before, after)) < _SIGNIFICANT:
        return "no difference"
    return "better" if (now > was) == metric.higher_is_better else "worse"


def _z(before: Sequence[float], after: Sequence[float]) -> float:
    """Return how far the rank sum is from what chance would give, in standard deviations."""
    merged = sorted([*before, *after])
    n, m, total = len(before), len(after), len(merged)
    first, count = dict[float, int](), dict[float, int]()
    for place, value in enumerate(merged):
        first.setdefault(value, place)
        count[value] = count.get(value, 0) + 1
    ranks = sum(first[value] + (count[value] + 1) / 2 for value in after)
    ties = sum(times**3 - times for times in count.values())
    variance = n * m / 12 * (total + 1 - ties / (total * (total - 1)))
    return (ranks - m * (total + 1) / 2) / math.sqrt(variance) if variance > 0 else 0.0
