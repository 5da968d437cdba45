"""Whether a route keeps its objectives, and since when."""

from math import ceil
from typing import Final, Literal, TypeAlias

import msgspec

from analysis.settings import Objectives
from analysis.units import megabits, milliseconds, percent, significant
from analysis.window import Window, wilson

State: TypeAlias = Literal["met", "missed", "unknown"]
Objective: TypeAlias = Literal["latency", "loss", "bandwidth", "availability"]

ANSWERS_NEEDED: Final = 10
"""Answered probes below which a median says nothing."""
AT_ONCE_NS: Final = 10**9
"""What has been so for less is not said to have been so for a time: at the event itself that would be 0 ms."""
HOLD_NS: Final = 5 * 10**9
"""How long a change must last to be told."""


class Judgement(msgspec.Struct, frozen=True):
    """One objective of one route. `measured` and `limit`: ms for latency, Mb/s for bandwidth, else ratios.

    `since_ns`: when it became so; `turning_ns`: since when it looks otherwise, which is told after `HOLD_NS`.
    """

    objective: Objective
    state: State
    measured: float | None
    limit: float
    n: int | None = None
    """Settled probes it rests on, None for bandwidth."""
    since_ns: int | None = None
    turning_ns: int | None = None
    turning_to: State | None = None


def in_words(objective: Objective, value: float | None) -> str:
    """Return what is measured of an objective, or its limit, with the unit."""
    match objective:
        case "latency":
            return f"{milliseconds(None if value is None else value * 1000)} ms"
        case "bandwidth":
            return f"{megabits(value)} Mb/s"
        case "availability":
            return "–" if value is None else f"{significant(value * 100, digits=4)}%"
        case "loss":
            return percent(value)


def measured_in_words(objective: Objective, measured: float | None, limit: float) -> str:
    """Return what was measured of an objective; with "<" or ">" where it would read like the limit and is not."""
    said = in_words(objective, measured)
    if measured in {None, limit} or said != in_words(objective, limit):
        return said
    return f"{'<' if measured < limit else '>'}{said}"


def judge(
    objectives: Objectives,
    window: Window,
    bandwidth_mbps: float | None,
    gpus: int | None,
    availability: float | None,
) -> tuple[Judgement, ...]:
    """Return each objective as it looks now, without its past. Latency is the p50.

    Bandwidth is left out on a box without GPUs and unknown where their number is. Missed needs 95 % confidence,
    unless there are so many probes that the limit itself would show three times.
    """
    found = [_latency(objectives.latency_ms, window), _loss(objectives.loss_ratio, window)]
    if gpus is None or gpus > 0:
        found.append(_bandwidth(objectives.bandwidth_mbps_per_gpu, bandwidth_mbps, gpus))
    found.append(_availability(objectives.availability_ratio, availability, window.settled))
    return tuple(found)


def keep(
    before: tuple[Judgement, ...], seen: tuple[Judgement, ...], now_ns: int, hold_ns: int = HOLD_NS
) -> tuple[Judgement, ...]:
    """Return `seen` with the state that has been held and since when. Fold it once per sample time."""
    known = {judgement.objective: judgement for judgement in before}
    return tuple(_kept(known.get(now.objective), now, now_ns, hold_ns) for now in seen)


def _kept(before: Judgement | None, seen: Judgement, now_ns: int, hold_ns: int) -> Judgement:
    if before is None or before.since_ns is None:
        return msgspec.structs.replace(seen, since_ns=now_ns)
    if seen.state == before.state:
        return msgspec.structs.replace(seen, since_ns=before.since_ns)
    turning = now_ns if before.turning_ns is None or before.turning_to != seen.state else before.turning_ns
    if before.state == "unknown" or now_ns - turning >= hold_ns:
        return msgspec.structs.replace(seen, since_ns=turning)
    return msgspec.structs.replace(
        seen, state=before.state, since_ns=before.since_ns, turning_ns=turning, turning_to=seen.state
    )


def _latency(limit_ms: float, window: Window) -> Judgement:
    measured = None if window.p50_us is None else window.p50_us / 1000
    state: State
    if measured is None:
        state = "missed" if window.settled >= ANSWERS_NEEDED else "unknown"
    elif window.answered < ANSWERS_NEEDED:
        state = "unknown"
    else:
        state = "met" if measured < limit_ms else "missed"
    return Judgement("latency", state, measured, limit_ms, window.settled)


def _loss(limit: float, window: Window) -> Judgement:
    return Judgement("loss", _rare(window.lost, window.settled, limit), window.loss_ratio, limit, window.settled)


def _availability(limit: float, measured: float | None, n: int) -> Judgement:
    if measured is None:
        return Judgement("availability", "unknown", None, limit, n)
    return Judgement("availability", _rare(round((1 - measured) * n), n, 1 - limit), measured, limit, n)


def _bandwidth(per_gpu_mbps: float, measured: float | None, gpus: int | None) -> Judgement:
    limit = per_gpu_mbps * (gpus or 1)
    if measured is None or gpus is None:
        return Judgement("bandwidth", "unknown", measured, limit)
    return Judgement("bandwidth", "met" if measured >= limit else "missed", measured, limit)


def _rare(hits: int, n: int, limit: float) -> State:
    """Judge a share that should stay below `limit`."""
    interval = wilson(hits, n)
    if interval is None:
        return "unknown"
    if interval[0] > limit:
        return "missed"
    if interval[1] <= limit:
        return "met"
    if limit <= 0 or n < ceil(3 / limit):
        return "unknown"
    return "met" if hits / n <= limit else "missed"
