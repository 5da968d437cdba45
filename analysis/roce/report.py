"""The `longpipe.roce/1` document: every number of a capture, as data. Field by field as in the published schema."""

from typing import Final

import msgspec
import numpy as np

from analysis.roce import opcodes
from analysis.roce.cm import Connect
from analysis.roce.decode import CNP, REQ, RESP
from analysis.roce.fold import Fold
from analysis.roce.frames import Ints
from analysis.roce.rtt import ACK, ATOMIC, READ
from analysis.text import Sentence

SCHEMA: Final = "longpipe.roce/1"
_GROUPS: Final = (*opcodes.TRANSPORTS, "other", "other")
_SHOWN_TRANSPORTS: Final = ("RC", "UC", "UD", "XRC", "CNP", "other")
_RC: Final = 0
_NO_TRIPS: Final = np.zeros(0, np.int64)


class Part(msgspec.Struct, frozen=True):
    """A part of the document."""


class Capture(Part, frozen=True):
    """The file itself. `format` is null where it is no capture."""

    format: str | None
    link_types: tuple[int, ...]
    snaplen_cut: int
    cut_before_bth: int
    """RoCE packets of which not even the BTH was captured: in `roce_packets` and in nothing else."""
    fragments: int
    truncated: bool
    backward_timestamps: int
    dropped_by_kernel: int | None
    problems: tuple[Sentence, ...]


class Opcode(Part, frozen=True):
    """Packets of one BTH opcode."""

    name: str
    packets: int
    wire_bytes: int


class Quantiles(Part, frozen=True):
    """A distribution in microseconds; the quantiles are values that occurred. Null where n is 0."""

    n: int
    min: float | None = None
    p50: float | None = None
    p99: float | None = None
    max: float | None = None


class RewindCounts(Part, frozen=True):
    """Rewinds by what set them off."""

    nak: int
    rnr: int
    read: int
    timeout: int
    other: int


class Messages(Part, frozen=True):
    """Message sizes in bytes. `histogram`: messages below each power of two and not below the one before."""

    mean: float | None
    max: int | None
    per_s: float | None
    histogram: dict[str, int]


class InFlight(Part, frozen=True):
    """PSNs sent and not acknowledged, looked at just before each ACK."""

    n: int
    mean: float | None
    max: int | None


class Flow(Part, frozen=True):
    """One direction of one QP: requests, or the responses to READ requests."""

    src: str
    dst: str
    dest_qpn: str
    kind: str
    transport: str
    packets: int
    wire_bytes: int
    payload_bytes: int
    goodput_bytes: int
    messages: int
    first_psn: int
    last_psn: int
    wrapped: bool
    repeats: int
    behind: int
    gap_events: int
    gap_psns: int
    missing: int
    filled_late: int
    rewinds: int
    rewound_by: RewindCounts
    duplicates: int
    pmtu: int | None
    paired_qpn: str | None
    ack_rtt_us: Quantiles
    read_rtt_us: Quantiles
    atomic_rtt_us: Quantiles
    tap: str | None
    """Where the capture stood: near the "requester" (RTTs are of the path) or the "responder" (its delay)."""
    message_bytes: Messages
    in_flight: InFlight
    naks: int
    rnr_naks: int
    fatal_naks: int
    ce: int
    cnps: int
    first_s: float
    last_s: float
    """Seconds after the first packet of the capture."""
    goodput_bps: float | None
    wire_bps: float | None


class PsnTotals(Part, frozen=True):
    """Sums over all walked flows."""

    packets: int
    repeats: int
    behind: int
    gap_events: int
    gap_psns: int
    missing: int


class CnpFlow(Part, frozen=True):
    """CNPs to one QP, and the flow they slow down where it is known."""

    src: str
    dst: str
    dest_qpn: str
    packets: int
    data_dest_qpn: str | None


class Cnp(Part, frozen=True):
    """Congestion notification packets."""

    packets: int
    by_flow: tuple[CnpFlow, ...]


class Ecn(Part, frozen=True):
    """ECN code points of RoCE packets (RFC 3168)."""

    not_ect: int
    ect1: int
    ect0: int
    ce: int


class PfcPriority(Part, frozen=True):
    """Pause frames of one priority; `paused_s` needs the link speed."""

    xoff: int
    xon: int
    paused_s: float | None
    quanta: int


class Pfc(Part, frozen=True):
    """Priority flow control, and pauses of the whole link."""

    frames: int
    by_priority: dict[str, PfcPriority]
    global_pause: int
    link_gbps: float | None


class Icrc(Part, frozen=True):
    """Invariant CRC of RoCE packets."""

    good: int
    bad: int
    unchecked: int
    runt: int


class Cm(Part, frozen=True):
    """Connection management: pairs of REQ and REP."""

    connections: int


class Rest(Part, frozen=True):
    """Flows beyond the number that is told apart, counted together."""

    packets: int
    wire_bytes: int
    payload_bytes: int


class Report(Part, frozen=True):
    """The whole document, but for the schema, the file's name and the verdict."""

    packets: int
    roce_packets: int
    wire_bytes: int
    duration_s: float
    capture: Capture
    opcodes: dict[str, Opcode]
    transports: dict[str, int]
    dest_qps: dict[str, int]
    flows: tuple[Flow, ...]
    flows_beyond_limit: Rest | None
    psn_totals: PsnTotals
    aeth: dict[str, int]
    aeth_xrc: dict[str, int]
    cnp: Cnp
    ecn: Ecn
    ce_by_opcode: dict[str, int]
    dscp: dict[str, int]
    vlan_pcp: dict[str, int]
    pfc: Pfc
    icrc: Icrc
    cm: Cm
    acks_outside_window: int
    not_roce: dict[str, int]


class Told(msgspec.Struct, frozen=True):
    """What the reader of the capture knows, beside the packets."""

    format: str | None = None
    link_types: tuple[int, ...] = ()
    truncated: bool = False
    dropped_by_kernel: int | None = None
    problems: tuple[Sentence, ...] = ()


def report(fold: Fold, told: Told, link_gbps: float | None = None) -> Report:
    """Write down the state of a fold. The fold is not changed and can go on."""
    totals = fold.totals
    flows = _flows(fold)
    roce = int(totals.opcode_packets.sum())
    start, end = totals.t_min_ns, totals.t_max_ns
    good, bad, unchecked = totals.icrc.tolist()
    return Report(
        packets=totals.frames,
        roce_packets=roce + totals.blind,
        wire_bytes=totals.wire_bytes,
        duration_s=(end - start) / 1e9,
        capture=Capture(
            told.format,
            told.link_types,
            totals.cut,
            totals.blind,
            totals.fragments,
            told.truncated,
            totals.backward,
            told.dropped_by_kernel,
            told.problems,
        ),
        opcodes={
            f"0x{op:02x}": Opcode(opcodes.name(op), int(totals.opcode_packets[op]), int(totals.opcode_bytes[op]))
            for op in np.flatnonzero(totals.opcode_packets).tolist()
        },
        transports=_transports(totals.opcode_packets.tolist()),
        dest_qps=_dest_qps(fold),
        flows=flows,
        flows_beyond_limit=_rest(fold),
        psn_totals=_psn_totals(flows),
        aeth=_aeth(totals.syndromes[0].tolist()),
        aeth_xrc=_aeth(totals.syndromes[1].tolist()) if totals.syndromes[1].any() else {},
        cnp=_cnp(fold, int(totals.opcode_packets[opcodes.CNP])),
        ecn=Ecn(*totals.tos.reshape(64, 4).sum(axis=0).tolist()),
        ce_by_opcode={
            f"0x{op:02x}": int(totals.ce_by_opcode[op]) for op in np.flatnonzero(totals.ce_by_opcode).tolist()
        },
        dscp=_nonzero(totals.tos.reshape(64, 4).sum(axis=1).tolist()),
        vlan_pcp=_nonzero(totals.pcp.tolist()),
        pfc=_pfc(fold, link_gbps),
        icrc=Icrc(good, bad, unchecked + totals.blind, totals.runts),
        cm=Cm(_connections(fold.connects)),
        acks_outside_window=fold.trips.outside,
        not_roce=dict(totals.not_roce),
    )


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
    return quantiles(trips.get(which, _NO_TRIPS), fold.trips.aged.get(which))


def qpn(number: int) -> str:
    """Return a QP number as it is written everywhere."""
    return f"0x{number:06x}"


def _nonzero(counts: list[int]) -> dict[str, int]:
    return {str(i): n for i, n in enumerate(counts) if n}


def _transports(packets: list[int]) -> dict[str, int]:
    counts = dict.fromkeys(_SHOWN_TRANSPORTS, 0)
    for opcode, n in enumerate(packets):
        group = opcodes.transport(opcode)
        counts[group if group in counts else "other"] += n
    return counts


def _dest_qps(fold: Fold) -> dict[str, int]:
    counts = dict(fold.totals.bad_qps)
    facts, seen = fold.flows.facts, fold.flows.counters.seen
    for flow in range(1, fold.flows.count):
        number = int(facts.qpn[flow])
        counts[number] = counts.get(number, 0) + int(seen[flow])
    return {qpn(number): n for number, n in sorted(counts.items())}


def _aeth(counts: list[int]) -> dict[str, int]:
    told = dict.fromkeys(("ack", "rnr_nak", *opcodes.AETH_NAMES, "reserved"), 0)
    for syndrome, n in enumerate(counts):
        told[opcodes.syndrome_name(syndrome)] += n
    return told


def _connections(connects: list[Connect]) -> int:
    requests = {(one.pair, one.local_id) for one in connects if one.kind == "req"}
    return len(
        {
            (one.pair, one.remote_id)
            for one in connects
            if one.kind == "rep" and (one.pair ^ 1, one.remote_id) in requests
        }
    )


def _pfc(fold: Fold, link_gbps: float | None) -> Pfc:
    pauses, end = fold.pauses, fold.totals.t_max_ns
    told = {
        str(p): PfcPriority(pauses.xoff[p], pauses.xon[p], pauses.paused_s(p, end), pauses.quanta[p])
        for p in range(len(pauses.xoff))
        if pauses.xoff[p] or pauses.xon[p]
    }
    return Pfc(pauses.frames, told, pauses.link_pauses, link_gbps)


def _rest(fold: Fold) -> Rest | None:
    counters = fold.flows.counters
    if not counters.seen[0]:
        return None
    return Rest(int(counters.seen[0]), int(counters.wire_bytes[0]), int(counters.payload_bytes[0]))


def _psn_totals(flows: tuple[Flow, ...]) -> PsnTotals:
    return PsnTotals(*(sum(getattr(flow, name) for flow in flows) for name in PsnTotals.__struct_fields__))


# --- flows ---


def pairing(fold: Fold) -> dict[int, int]:
    """Return, by request flow, the requester's QP: told by CM or by matching PSNs, else the only candidate."""
    facts, flows = fold.flows.facts, fold.flows
    found = {request: int(facts.qpn[answer]) for answer, request in fold.trips.peer.items()}
    for (pair, answers_to), told in fold.trips.connected.items():
        for _, number in told:
            request = flows.find(pair ^ 1, number, REQ, _RC)
            if request is not None:
                found.setdefault(request, answers_to)
    by_pair: dict[int, set[int]] = {}
    for flow in range(1, flows.count):
        if facts.group[flow] == _RC and facts.role[flow] in (REQ, RESP):
            by_pair.setdefault(int(facts.pair[flow]), set()).add(int(facts.qpn[flow]))
    for flow in range(1, flows.count):
        pair = int(facts.pair[flow])
        here, there = by_pair.get(pair, set()), by_pair.get(pair ^ 1, set())
        if facts.group[flow] == _RC and facts.role[flow] == REQ and len(here) == len(there) == 1:
            found.setdefault(flow, next(iter(there)))
    return found


def _ends(fold: Fold, pairs: dict[int, int]) -> dict[tuple[int, int], int]:
    """Return (host pair, destination QP): the QP at the other end, in both directions."""
    facts = fold.flows.facts
    known = {}
    for flow, other in pairs.items():
        pair, number = int(facts.pair[flow]), int(facts.qpn[flow])
        known[pair, number] = other
        known[pair ^ 1, other] = number
    return known


def _flows(fold: Fold) -> tuple[Flow, ...]:
    ends = _ends(fold, pairing(fold))
    trips = _trips(fold)
    answers = {request: answer for answer, request in fold.trips.peer.items()}
    walked = np.flatnonzero(fold.flows.counters.packets[: fold.flows.count]).tolist()
    p50 = {flow: int(np.sort(rtt)[len(rtt) // 2]) for (flow, kind), rtt in trips.items() if kind == ACK}
    return tuple(_flow(fold, flow, ends, trips, answers.get(flow), p50) for flow in walked if flow)


Trips = dict[tuple[int, int], Ints]
"""Round trips in ns by flow and kind."""


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
    fold: Fold, flow: int, ends: dict[tuple[int, int], int], trips: Trips, answer: int | None, p50: dict[int, int]
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
    seconds = int(facts.t_last[flow] - facts.t_first[flow]) / 1e9
    other = ends.get((pair, number))
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


# --- congestion notification ---


def _cnp_flows(fold: Fold) -> list[int]:
    return [flow for flow in range(1, fold.flows.count) if fold.flows.facts.role[flow] == CNP]


def _cnps_to(fold: Fold, pair: int, number: int | None) -> int:
    """Return the CNPs that the data's receiver sent to the sender's QP (RoCEv2 Annex A17.9.3)."""
    if number is None:
        return 0
    flow = fold.flows.find(pair, number, CNP, _CNP_GROUP)
    return int(fold.flows.counters.cnps[flow]) if flow else 0


def _cnp(fold: Fold, packets: int) -> Cnp:
    ends = _ends(fold, pairing(fold))
    facts = fold.flows.facts
    told = []
    for flow in _cnp_flows(fold):
        pair, number = int(facts.pair[flow]), int(facts.qpn[flow])
        source, destination = fold.pairs.names(pair)
        data = ends.get((pair, number))
        told.append(
            CnpFlow(
                source,
                destination,
                qpn(number),
                int(fold.flows.counters.cnps[flow]),
                None if data is None else qpn(data),
            )
        )
    return Cnp(packets, tuple(told))


_CNP_GROUP: Final = opcodes.CNP >> 5
