"""Which router of several at one hop loses: the flows that lose have it in common, and the others avoid it."""

from collections.abc import Mapping
from typing import Final

from analysis.path.epochs import Run, Spread
from analysis.path.statistics import Count, chance_lower
from analysis.path.view import LossyMember

SURE: Final = 1e-5
"""Chance at which a member is accused; up to some hundred are compared."""


def lossy_member(
    found: Mapping[tuple[int, int], list[Run]],
    spread: Mapping[int, Spread],
    losses: Mapping[int, Mapping[int, Count]],
) -> LossyMember | None:
    """Return the member whose flows lose from there on while the others lose significantly less.

    `found`: who answers, by (flow, TTL). `losses`: by flow and TTL, of hops whose loss can be believed. Only hops
    that spread by flow tell members apart, and flows whose member is not known are left out. Of members with the
    same flows the nearest one is told: behind it the flows stay together.
    """
    best: tuple[float, LossyMember] | None = None
    for ttl in sorted(ttl for ttl, kind in spread.items() if kind == "flow"):
        members = _members(found, ttl)
        behind = {address: _sum(losses, flows, ttl) for address, flows in members.items()}
        whole = sum(behind.values(), Count(0, 0))
        for address, flows in members.items():
            through = behind[address]
            others = Count(whole.lost - through.lost, whole.n - through.n)
            if not through.n or not others.n:
                continue
            chance = chance_lower(others, through)
            if chance < SURE and (best is None or chance < best[0] * 0.1):
                best = chance, LossyMember(ttl, address, flows, through, others)
    return None if best is None else best[1]


def _sum(losses: Mapping[int, Mapping[int, Count]], flows: tuple[int, ...], ttl: int) -> Count:
    """Return the loss of some flows from a hop on."""
    return sum((count for flow in flows for at, count in losses.get(flow, {}).items() if at >= ttl), Count(0, 0))


def _members(found: Mapping[tuple[int, int], list[Run]], ttl: int) -> dict[str, tuple[int, ...]]:
    members: dict[str, list[int]] = {}
    for (flow, at), row in found.items():
        if at == ttl:
            members.setdefault(max(row, key=lambda run: run.count).address, []).append(flow)
    return {address: tuple(sorted(flows)) for address, flows in members.items()}
