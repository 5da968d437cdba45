"""Makes a path's view from its trace: rows of the current epoch, loss judged, members, hints."""

from collections import Counter
from collections.abc import Sequence
from typing import Final

import msgspec

from analysis.jitter import Jitter
from analysis.path.epochs import Spread, changes, runs, spreading
from analysis.path.hints import hints, way_back
from analysis.path.judge import Place, judge
from analysis.path.members import lossy_member
from analysis.path.statistics import Count
from analysis.path.trace import Probe, Trace
from analysis.path.view import HopRow, Loss, PathView, Router
from analysis.samples import HopAnswer, HopKind, Outcome
from analysis.window import Tally, window_of

WINDOW_NS: Final = 300 * 10**9
_OWN: Final = (HopKind.TARGET, HopKind.REFUSED)


def path_view(trace: Trace, end_ns: int, window_ns: int = WINDOW_NS) -> PathView:
    """Return what the probes sent in the `window_ns` before `end_ns` tell of a path."""
    start_ns = end_ns - window_ns
    probes = trace.probes(start_ns, end_ns)
    path = trace.path
    changed = changes(runs(probes), near_ns=2 * path.interval_ns * path.flows)
    epoch_ns = changed[-1] if changed else (probes[0].sent_ns if probes else start_ns)
    probes = [probe for probe in probes if probe.sent_ns >= epoch_ns]
    found = runs(probes)
    spread = spreading(found)
    ends = _ends(probes)
    end = min(ends.values(), default=None)
    rows = _rows(probes, ends, end, spread, (epoch_ns, end_ns))
    reached = bool(rows) and rows[-1].is_target
    places = _places(rows, probes)
    judged = judge(places, reached=reached)
    believed = _believed(places, judged.losses, reached=reached)
    rows = [msgspec.structs.replace(row, loss=loss) for row, loss in zip(rows, judged.losses, strict=True)]
    return PathView(
        path=path,
        start_ns=start_ns,
        end_ns=end_ns,
        hops=tuple(rows),
        reached=reached,
        epoch_ns=epoch_ns,
        changes=changed,
        start=judged.start,
        member=lossy_member(found, spread, _by_flow(probes, ends, end, rows[-1].ttl if rows else 0, believed)),
        hints=hints(path, rows, trace.mtu),
        mtu=trace.mtu,
    )


def _ends(probes: Sequence[Probe]) -> dict[int, int]:
    """Return the TTL at which each flow ends: the least that the target, or whoever bars the way, answers at."""
    ends: dict[int, int] = {}
    for probe in probes:
        if probe.is_final:
            ends[probe.flow] = min(probe.ttl, ends.get(probe.flow, probe.ttl))
    return ends


def _end_of(flow: int, ends: dict[int, int], end: int | None) -> int | None:
    """Return where a flow ends; one that has never got there is taken to end where the nearest one does."""
    return ends.get(flow, end)


def _rows(
    probes: Sequence[Probe],
    ends: dict[int, int],
    end: int | None,
    spread: dict[int, Spread],
    span: tuple[int, int],
) -> list[HopRow]:
    """Return the hops as rows. A flow's probes to where it ends make the last row, whatever their TTL."""
    by_ttl: dict[int, list[Probe]] = {}
    last: list[Probe] = []
    for probe in probes:
        limit = _end_of(probe.flow, ends, end)
        if limit is None or probe.ttl < limit:
            by_ttl.setdefault(probe.ttl, []).append(probe)
        elif probe.ttl == limit:
            last.append(probe)
    answering = [ttl for ttl, of_ttl in by_ttl.items() if any(probe.answer for probe in of_ttl)]
    furthest = max(answering, default=0) if end is None else max(by_ttl, default=0)
    rows = [_row(ttl, by_ttl.get(ttl, []), spread, span) for ttl in range(1, furthest + 1)]
    if end is not None:
        rows = [row for row in rows if row.ttl < max(ends.values())]
        final = _row(max(end, len(rows) + 1), last, spread, span)
        rows.append(msgspec.structs.replace(final, is_target=_is_own(last)))
    return rows


def _is_own(probes: Sequence[Probe]) -> bool:
    return any(probe.answer is not None and probe.answer.kind in _OWN for probe in probes)


def _row(
    ttl: int,
    probes: Sequence[Probe],
    spread: dict[int, Spread],
    span: tuple[int, int],
) -> HopRow:
    answers = [probe.answer for probe in probes if probe.answer is not None]
    said = _usual(answers)
    labelled = next((answer.labels for answer in reversed(answers) if answer.labels), ())
    refusing = next((answer for answer in reversed(answers) if answer.kind == HopKind.UNREACHABLE), None)
    return HopRow(
        ttl=ttl,
        routers=_routers(probes),
        window=window_of(_tally(probes), *span),
        loss="unsure",
        spread=spread.get(ttl),
        labels=labelled,
        quoted_dscp=None if said is None or said.quoted_tos is None else said.quoted_tos >> 2,
        quoted_ecn=None if said is None or said.quoted_tos is None else said.quoted_tos & 3,
        back_hops=None if said is None else way_back(said.reply_ttl),
        rewritten=said is not None and said.rewritten,
        refusal=None if refusing is None else refusing.code,
    )


def _usual(answers: Sequence[HopAnswer]) -> HopAnswer | None:
    """Return the commonest answer."""
    return Counter(answers).most_common(1)[0][0] if answers else None


def _routers(probes: Sequence[Probe]) -> tuple[Router, ...]:
    flows: dict[str, Counter[int]] = {}
    for probe in probes:
        if probe.answer is not None:
            flows.setdefault(probe.answer.address, Counter())[probe.flow] += 1
    routers = (Router(address, sum(counts.values()), tuple(sorted(counts))) for address, counts in flows.items())
    return tuple(sorted(routers, key=lambda router: (-router.answers, router.address)))


def _tally(probes: Sequence[Probe]) -> Tally:
    tally = Tally()
    rtts = [probe.rtt_us for probe in probes if probe.outcome is Outcome.ANSWERED and probe.rtt_us is not None]
    tally.rtts.extend(rtts)
    tally.late = sum(probe.outcome is Outcome.LATE for probe in probes)
    tally.lost = sum(probe.is_lost for probe in probes)
    tally.jitter_us = Jitter().after(rtts).jitter_us
    return tally


def _places(rows: Sequence[HopRow], probes: Sequence[Probe]) -> list[Place]:
    """Return the rows for the judge. Where a host only answers by ICMP errors, its silence may be its own limit."""
    refused = any(probe.answer is not None and probe.answer.kind == HopKind.REFUSED for probe in probes)
    return [
        Place(row.ttl, Count(row.window.lost, row.window.settled), is_witness=not (row.is_target and refused))
        for row in rows
    ]


def _believed(places: Sequence[Place], losses: Sequence[Loss], *, reached: bool) -> set[int]:
    """Return the TTLs whose loss is not their own limit: the target's, or such that a later hop vouches for it."""
    ttls = [
        place.ttl
        for place, loss in zip(places, losses, strict=True)
        if place.is_witness and loss not in ("limited", "silent")
    ]
    return set(ttls if reached and ttls and ttls[-1] == places[-1].ttl else ttls[:-1])


def _by_flow(
    probes: Sequence[Probe], ends: dict[int, int], end: int | None, last_ttl: int, believed: set[int]
) -> dict[int, dict[int, Count]]:
    """Return the loss of each flow at each hop that can be believed; the target's at `last_ttl`."""
    lost: dict[tuple[int, int], list[int]] = {}
    for probe in probes:
        limit = _end_of(probe.flow, ends, end)
        ttl = last_ttl if probe.ttl == limit else probe.ttl
        if ttl in believed and (limit is None or probe.ttl <= limit):
            pair = lost.setdefault((probe.flow, ttl), [0, 0])
            pair[0] += probe.is_lost
            pair[1] += 1
    by_flow: dict[int, dict[int, Count]] = {}
    for (flow, ttl), (missing, n) in lost.items():
        by_flow.setdefault(flow, {})[ttl] = Count(missing, n)
    return by_flow
