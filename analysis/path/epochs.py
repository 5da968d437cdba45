"""When a path changed, told apart from spreading: a change stays for some probes, spreading goes to and fro."""

import itertools
from collections.abc import Iterable, Mapping
from typing import Final, Literal, TypeAlias

import msgspec

from analysis.path.trace import Probe
from analysis.samples import HopKind

STAYS: Final = 3
"""So many answers in a row from the new place, after as many from the old one, make a change."""
SWITCHES: Final = 3
SHORT_RUN: Final = 2.5
"""Fewer answers in a row than this, on average, from any one member: packets are spread one by one."""

Spread: TypeAlias = Literal["flow", "packet"]


class Run(msgspec.Struct):
    """Answers in a row from one address."""

    address: str
    first_ns: int
    count: int = 1


def runs(probes: Iterable[Probe]) -> dict[tuple[int, int], list[Run]]:
    """Return who answered one after another, for each (flow, TTL). `probes` in order of sending."""
    found: dict[tuple[int, int], list[Run]] = {}
    for probe in probes:
        if probe.answer is None or probe.answer.kind == HopKind.UNREACHABLE:
            continue
        row = found.setdefault((probe.flow, probe.ttl), [])
        if row and row[-1].address == probe.answer.address:
            row[-1].count += 1
        else:
            row.append(Run(probe.answer.address, probe.sent_ns))
    return found


def is_per_packet(row: list[Run]) -> bool:
    """Tell whether one flow at one TTL is spread packet by packet."""
    if len(row) <= SWITCHES:
        return False
    counts: dict[str, list[int]] = {}
    for run in row:
        counts.setdefault(run.address, []).append(run.count)
    return min(sum(lengths) / len(lengths) for lengths in counts.values()) < SHORT_RUN


def changes(found: Mapping[tuple[int, int], list[Run]], near_ns: int) -> tuple[int, ...]:
    """Return when the path changed, in ns; what happens within `near_ns` at several hops is one change."""
    moments = sorted(
        later.first_ns
        for row in found.values()
        if not is_per_packet(row)
        for earlier, later in itertools.pairwise(row)
        if earlier.count >= STAYS and later.count >= STAYS
    )
    told: list[int] = []
    last = None
    for moment in moments:
        if last is None or moment - last > near_ns:
            told.append(moment)
        last = moment
    return tuple(told)


def spreading(found: Mapping[tuple[int, int], list[Run]]) -> dict[int, Spread]:
    """Return by TTL how packets are spread over several routers; TTLs with one router are left out."""
    spread: dict[int, Spread] = {}
    usual: dict[int, dict[int, str]] = {}
    for (flow, ttl), row in found.items():
        if is_per_packet(row):
            spread[ttl] = "packet"
        usual.setdefault(ttl, {})[flow] = max(row, key=lambda run: run.count).address
    for ttl, by_flow in usual.items():
        if len(set(by_flow.values())) > 1:
            spread.setdefault(ttl, "flow")
    return spread
