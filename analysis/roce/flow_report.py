"""The flows of a report, each with all that is known of it."""

from typing import Final

import msgspec
import numpy as np

from analysis.roce import opcodes
from analysis.roce.fold import Fold
from analysis.roce.frames import Ints
from analysis.roce.rows import ACK, ATOMIC, READ
from analysis.roce.schema import Flow, InFlight, Messages, Quantiles, RewindCounts, qpn, tap
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


class Known(msgspec.Struct, frozen=True):
    """What flows tell of each other."""

    ends: dict[tuple[int, int], int]
    """By host pair and destination QP, the QP at the other end."""
    answers: dict[int, int]
    """By flow of requests, the flow of its responses."""
    trips: dict[tuple[int, int], Quantiles]
    """Round trips by flow and kind."""
    fastest_us: dict[int, float]
    """By host pair, the least median of the round trips to an ACK."""


def flows_of(fold: Fold, ends: dict[tuple[int, int], int]) -> tuple[Flow, ...]:
    """Return every walked flow, in the order in which they began; `ends` as `ends.ends` tells them."""
    trips = _trips(fold)
    answers = {request: answer for answer, request in fold.peers.request_of.items()}
    known = Known(ends, answers, trips, _fastest_us(fold, trips))
    walked = np.flatnonzero(fold.flows.counters.packets[: fold.flows.count]).tolist()
    return tuple(_flow(fold, flow, known) for flow in walked if flow)


def _trips(fold: Fold) -> dict[tuple[int, int], Quantiles]:
    samples, aged = fold.trips.samples(), fold.trips.kept.aged
    key = samples.flow << 2 | samples.kind
    order = np.argsort(key, kind="stable")
    keys, first = np.unique(key[order], return_index=True)
    parts = np.split(samples.rtt_ns[order], first[1:]) if len(keys) else []
    fresh = {(one >> 2, one & 3): part for one, part in zip(keys.tolist(), parts, strict=True)}
    return {one: quantiles(fresh.get(one, _NO_TRIPS), aged.get(one)) for one in fresh.keys() | aged.keys()}


def _fastest_us(fold: Fold, trips: dict[tuple[int, int], Quantiles]) -> dict[int, float]:
    fastest: dict[int, float] = {}
    for (flow, kind), rtt in trips.items():
        if kind == ACK and rtt.p50 is not None:
            pair = int(fold.flows.facts.pair[flow])
            fastest[pair] = min(rtt.p50, fastest.get(pair, rtt.p50))
    return fastest


def _flow(fold: Fold, flow: int, known: Known) -> Flow:
    flows, start = fold.flows, fold.totals.t_min_ns
    facts = flows.facts
    count = {name: int(getattr(flows.counters, name)[flow]) for name in flows.counters.names()}
    answer = known.answers.get(flow)
    naks = {
        name: int(getattr(flows.counters, name)[answer]) if answer else 0
        for name in ("naks", "rnr_naks", "fatal_naks")
    }
    pair, number = int(facts.pair[flow]), int(facts.qpn[flow])
    source, destination = fold.pairs.names(pair)
    seconds = (int(facts.t_last[flow]) - int(facts.t_first[flow])) / 1e9
    other = known.ends.get((pair, number))
    acks, reads, atomics = (known.trips.get((flow, kind), Quantiles(0)) for kind in (ACK, READ, ATOMIC))
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
        ack_rtt_us=acks,
        read_rtt_us=reads,
        atomic_rtt_us=atomics,
        tap=tap(acks.p50, known.fastest_us.get(pair ^ 1)),
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
    n = len(rtt_ns) + sum((aged or {}).values())
    if not n:
        return Quantiles(0)
    values, rank = np.sort(rtt_ns), [min(int(q * n), n - 1) for q in (0.0, 0.5, 0.99, 1.0)]
    if aged:
        values = np.concatenate([values, np.array(list(aged))])
        count = np.concatenate([np.ones(len(rtt_ns), np.int64), np.array(list(aged.values()))])
        order = np.argsort(values, kind="stable")
        values, rank = values[order], np.searchsorted(np.cumsum(count[order]), rank, side="right").tolist()
    return Quantiles(n, *(round(one / 1000, 3) for one in values[rank].tolist()))
