"""Which router of several at one hop loses: the flows that lose have it in common, and the others avoid it."""

from collections.abc import Mapping
from typing import Final

from analysis.path.epochs import Run, Spread
from analysis.path.statistics import Count, chance_lower
from analysis.path.view import LossyMember

SURE: Final = 1e-5
"""Chance at which a member is accused; up to some hundred are compared."""


def lossy_member(
    found: Mapping[tuple[int, int], list[Run]], spread: Mapping[int, Spread], by_flow: Mapping[int, Count]
) -> LossyMember | None:
    """Return the member whose flows lose at the target while the others lose significantly less.

    `found`: who answers, by (flow, TTL). `by_flow`: the target's loss for each flow. Only hops that spread by flow
    tell members apart. Of members with the same flows the nearest one is told: behind it the flows stay together.
    """
    whole = sum(by_flow.values(), Count(0, 0))
    best: tuple[float, int, LossyMember] | None = None
    for ttl in sorted(ttl for ttl, kind in spread.items() if kind == "flow"):
        for address, flows in _members(found, ttl).items():
            through = sum((by_flow[flow] for flow in flows if flow in by_flow), Count(0, 0))
            others = Count(whole.lost - through.lost, whole.n - through.n)
            if not through.n or not others.n:
                continue
            chance = chance_lower(others, through)
            if chance < SURE and (best is None or chance < best[0] * 0.1):
                best = chance, ttl, LossyMember(ttl, address, flows, through, others)
    return None if best is None else best[2]


def _members(found: Mapping[tuple[int, int], list[Run]], ttl: int) -> dict[str, tuple[int, ...]]:
    members: dict[str, list[int]] = {}
    for (flow, at), row in found.items():
        if at == ttl:
            members.setdefault(max(row, key=lambda run: run.count).address, []).append(flow)
    return {address: tuple(sorted(flows)) for address, flows in members.items()}
