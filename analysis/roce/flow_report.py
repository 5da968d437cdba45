"""The flows of a report, each with all that is known of it."""

from typing import Final

import numpy as np

from analysis.roce import opcodes
from analysis.roce.ends import ends, pairing
from analysis.roce.fold import Fold
from analysis.roce.frames import Ints
from analysis.roce.rows import ACK, ATOMIC, READ
from analysis.roce.schema import Flow, InFlight, Messages, Quantiles, RewindCounts, qpn
from analysis.roce.traits import CNP, REQ

_GROUPS: Final = (*opcodes.TRANSPORTS, "other", "other")
_NO_TRIPS: Final = np.zeros(0, np.int64)
_CNP_GROUP: Final = opcodes.CNP >> 5
_COPIED: Final = (
    "packets",
    "wire_bytes",
    "payload_bytes",
    "goodput_bytes",
    "messages",
    "repeats",
    "behind",
    "gap_events",
    "gap_psns",
    "rewinds",
    "duplicates",
    "ce",
)

Trips = dict[tuple[int, int], Ints]
"""Round trips in ns by flow and kind."""


def flows_of(fold: Fold) -> tuple[Flow, ...]:
    """Return every walked flow, in the order in which they began."""
    known = ends(fold, pairing(fold))
    trips = _trips(fold)
    answers = {request: answer for answer, request in fold.peers.request_of.items()}
    walked = np.flatnonzero(fold.flows.counters.packets[: fold.flows.count]).tolist()
    p50 = {flow: int(np.sort(rtt)[len(rtt) // 2]) for (flow, kind), rtt in trips.items() if kind == ACK}
    return tuple(_flow(fold, flow, known, trips, answers.get(flow), p50) for flow in walked if flow)


def _trips(fold: Fold) -> Trips:
    samples = fold.trips.samples()
    key = samples.flow << 2 | samples.kind
    order = np.argsort(key, kind="stable")
    keys, first = np.unique(key[order], return_index=True)
    parts = np.split(samples.rtt_ns[order], first[1:]) if len(keys) else []
    return {(one >> 2, one & 3): part for one, part in zip(keys.tolist(), parts, strict=True)}


def _tap(fold: Fold, flow: int, p50: dict[int, int]) -> str | None:
    """The tap is at the side that answers at once: compare both directions, where both ask."""
    facts = fold.flows.facts
    pair = int(facts.pair[flow])
    back = [rtt for other, rtt in p50.items() if facts.pair[other] == pair ^ 1]
    if flow not in p50 or not back:
        return None
    mine, theirs = p50[flow], min(back)
    return "requester" if mine > 2 * theirs else "responder" if theirs > 2 * mine else None


def _flow(
    fold: Fold, flow: int, known: dict[tuple[int, int], int], trips: Trips, answer: int | None, p50: dict[int, int]
) -> Flow:
    flows, start = fold.flows, fold.totals.t_min_ns
    facts = flows.facts
    count = {name: int(getattr(flows.counters, name)[flow]) for name in flows.counters.names()}
    naks = {
        name: int(getattr(flows.counters, name)[answer]) if answer else 0
        for name in ("naks", "rnr_naks", "fatal_naks")
    }
    pair, number = int(facts.pair[flow]), int(facts.qpn[flow])
    source, destination = fold.pairs.names(pair)
    seconds = (int(facts.t_last[flow]) - int(facts.t_first[flow])) / 1e9
    other = known.get((pair, number))
    n, largest = count["messages"], int(facts.largest_message[flow])
    return Flow(
        src=source,
        dst=destination,
        dest_qpn=qpn(number),
        kind="req" if facts.role[flow] == REQ else "resp",
        transport=_GROUPS[facts.group[flow]],
        **{name: count[name] for name in _COPIED},
        **naks,
        first_psn=int(facts.first_psn[flow]),
        last_psn=int(facts.last_psn[flow]),
        wrapped=bool(facts.wrapped[flow]),
        missing=flows.missing(flow),
        filled_late=flows.filled_late(flow),
        rewound_by=RewindCounts(*(count[f"rewinds_{name}"] for name in RewindCounts.__struct_fields__)),
        pmtu=int(facts.pmtu[flow]) or None,
        paired_qpn=None if other is None else qpn(other),
        ack_rtt_us=_quantiles(fold, trips, (flow, ACK)),
        read_rtt_us=_quantiles(fold, trips, (flow, READ)),
        atomic_rtt_us=_quantiles(fold, trips, (flow, ATOMIC)),
        tap=_tap(fold, flow, p50),
        message_bytes=Messages(
            mean=count["message_bytes"] / n if n else None,
            max=largest if n else None,
            per_s=n / seconds if n and seconds else None,
            histogram={str(1 << i): int(v) for i, v in enumerate(flows.sizes[flow].tolist()) if v},
        ),
        in_flight=InFlight(
            count["inflight_n"],
            count["inflight_sum"] / count["inflight_n"] if count["inflight_n"] else None,
            int(facts.inflight_max[flow]) if count["inflight_n"] else None,
        ),
        cnps=_cnps_to(fold, pair ^ 1, other),
        first_s=(int(facts.t_first[flow]) - start) / 1e9,
        last_s=(int(facts.t_last[flow]) - start) / 1e9,
        goodput_bps=count["goodput_bytes"] * 8 / seconds if seconds else None,
        wire_bps=count["wire_bytes"] * 8 / seconds if seconds else None,
    )


def _cnps_to(fold: Fold, pair: int, number: int | None) -> int:
    """Return the CNPs that the data's receiver sent to the sender's QP (RoCEv2 Annex A17.9.3)."""
    if number is None:
        return 0
    flow = fold.flows.find(pair, number, CNP, _CNP_GROUP)
    return int(fold.flows.counters.cnps[flow]) if flow else 0


def quantiles(rtt_ns: Ints, aged: dict[int, int] | None = None) -> Quantiles:
    """Return n, min, p50, p99 and max of round trips, in µs with three digits; `aged` holds counts by value."""
    if not len(rtt_ns) and not aged:
        return Quantiles(0)
    values, count = np.sort(rtt_ns), np.ones(len(rtt_ns), np.int64)
    if aged:
        values = np.concatenate([values, np.array(list(aged))])
        count = np.concatenate([count, np.array(list(aged.values()))])
        order = np.argsort(values, kind="stable")
        values, count = values[order], count[order]
    n = int(count.sum())
    rank = np.minimum((np.array([0.0, 0.5, 0.99, 1.0]) * n).astype(np.int64), n - 1)
    picked = values[np.searchsorted(np.cumsum(count), rank, side="right")]
    return Quantiles(n, *(round(one / 1000, 3) for one in picked.tolist()))


def _quantiles(fold: Fold, trips: "Trips", which: tuple[int, int]) -> Quantiles:
    return quantiles(trips.get(which, _NO_TRIPS), fold.trips.kept.aged.get(which))
