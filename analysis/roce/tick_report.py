"""A tick, or many merged, as the report of a capture: the same document, and so the same verdict."""

from collections.abc import Iterable
from typing import Final

from analysis.roce import opcodes
from analysis.roce.locate import ETHERNET
from analysis.roce.schema import (
    Capture,
    Cm,
    Cnp,
    CnpFlow,
    Ecn,
    Flow,
    Icrc,
    InFlight,
    Messages,
    Opcode,
    Pfc,
    PfcPriority,
    PsnTotals,
    Quantiles,
    Report,
    Rest,
    RewindCounts,
    qpn,
    tap,
)
from analysis.samples import RoceFlow, RoceRtt, RoceTick, RoceTrouble

LIVE: Final = "live"
"""What stands in place of a file format."""
_NONE: Final = RoceTrouble()
_TRANSPORTS: Final = ("RC", "UC", "UD", "XRC", "CNP", "other")
_CNP: Final = opcodes.CNP


def report_of(tick: RoceTick, link_gbps: float | None = None) -> Report:
    """Write down what passed an interface. Paused time is not told: it needs every single pause frame."""
    flows = tuple(_flow(tick, flow) for flow in tick.flows)
    packets = sum(n for _, n, _ in tick.opcodes)
    cnps = next((n for op, n, _ in tick.opcodes if op == _CNP), 0)
    ecn, dscp = [0] * 4, dict[str, int]()
    for tos, n in tick.tos:
        ecn[tos & 3] += n
        dscp[str(tos >> 2)] = dscp.get(str(tos >> 2), 0) + n
    good, bad, unchecked = tick.icrc
    return Report(
        packets=tick.captured,
        roce_packets=packets + tick.blind,
        wire_bytes=tick.wire_bytes,
        duration_s=tick.span_ns / 1e9,
        capture=Capture(
            LIVE, (ETHERNET,), tick.cut, tick.blind, tick.fragments, False, tick.backward, tick.dropped, ()
        ),
        opcodes={f"0x{op:02x}": Opcode(opcodes.name(op), n, size) for op, n, size in tick.opcodes},
        transports=_transports(tick.opcodes),
        dest_qps=_dest_qps(flows),
        flows=flows,
        flows_beyond_limit=_rest(tick),
        psn_totals=_psn_totals(tick),
        aeth=_aeth(tick.syndromes),
        aeth_xrc=_aeth(tick.syndromes_xrc) if tick.syndromes_xrc else {},
        cnp=Cnp(cnps, tuple(_cnp_flows(flows))),
        ecn=Ecn(not_ect=ecn[0], ect1=ecn[1], ect0=ecn[2], ce=ecn[3]),
        ce_by_opcode={f"0x{op:02x}": n for op, n in tick.ce_opcodes},
        dscp=dscp,
        vlan_pcp={str(priority): n for priority, n in tick.pcp},
        pfc=Pfc(
            tick.pfc_frames,
            {str(p.priority): PfcPriority(p.xoff, p.xon, None, p.quanta) for p in tick.pauses},
            tick.link_pauses,
            link_gbps,
        ),
        icrc=Icrc(good, bad, unchecked + tick.blind, tick.runts),
        cm=Cm(tick.replies),
        acks_outside_window=tick.outside,
        not_roce={"tcp": 0, "icmp": 0, "arp": 0, "other": tick.other},
    )


def _flow(tick: RoceTick, flow: RoceFlow) -> Flow:
    trouble = flow.trouble or _NONE
    seconds = tick.span_ns / 1e9
    goodput = flow.payload_bytes - trouble.repeated_bytes
    looks, total, most = flow.in_flight
    n = flow.messages
    return Flow(
        src=tick.hosts[flow.src],
        dst=tick.hosts[flow.dst],
        dest_qpn=qpn(flow.dest_qpn),
        kind=flow.kind,
        transport=flow.transport,
        packets=flow.packets,
        wire_bytes=flow.wire_bytes,
        payload_bytes=flow.payload_bytes,
        goodput_bytes=goodput,
        messages=n,
        first_psn=flow.first_psn,
        last_psn=flow.last_psn,
        wrapped=bool(flow.wrapped),
        **{name: getattr(trouble, name) for name in _COPIED},
        missing=max(0, trouble.missing),
        rewound_by=RewindCounts(**{name: getattr(trouble, f"rewinds_{name}") for name in _TRIGGERS}),
        pmtu=flow.pmtu,
        paired_qpn=None if flow.paired_qpn is None else qpn(flow.paired_qpn),
        ack_rtt_us=_quantiles(flow, "ack"),
        read_rtt_us=_quantiles(flow, "read"),
        atomic_rtt_us=_quantiles(flow, "atomic"),
        tap=_tap(tick, flow),
        message_bytes=Messages(
            mean=flow.message_bytes / n if n else None,
            max=flow.largest_message if n else None,
            per_s=n / seconds if n and seconds else None,
            histogram={str(1 << i): count for i, count in flow.sizes},
        ),
        in_flight=InFlight(looks, total / looks if looks else None, most if looks else None),
        first_s=0.0,
        last_s=seconds,
        goodput_bps=goodput * 8 / seconds if seconds else None,
        wire_bps=flow.wire_bytes * 8 / seconds if seconds else None,
    )


_TRIGGERS: Final = RewindCounts.__struct_fields__
_COPIED: Final = (
    "repeats", "behind", "gap_events", "gap_psns", "filled_late", "rewinds", "duplicates", "naks", "rnr_naks",
    "fatal_naks", "ce", "cnps",
)  # fmt: skip


def _quantiles(flow: RoceFlow, kind: str) -> Quantiles:
    rtt = _rtt(flow, kind)
    return Quantiles(0) if rtt is None else Quantiles(rtt.n, rtt.min_us, rtt.p50_us, rtt.p99_us, rtt.max_us)


def _rtt(flow: RoceFlow, kind: str) -> RoceRtt | None:
    return next((rtt for rtt in flow.rtt if rtt.kind == kind), None)


def _tap(tick: RoceTick, flow: RoceFlow) -> str | None:
    mine = _rtt(flow, "ack")
    ends = (flow.dst, flow.src)
    back = [rtt.p50_us for other in tick.flows if (other.src, other.dst) == ends and (rtt := _rtt(other, "ack"))]
    return tap(None if mine is None else mine.p50_us, min(back, default=None))


def _transports(rows: Iterable[tuple[int, int, int]]) -> dict[str, int]:
    counts = dict.fromkeys(_TRANSPORTS, 0)
    for opcode, n, _ in rows:
        group = opcodes.transport(opcode)
        counts[group if group in counts else "other"] += n
    return counts


def _dest_qps(flows: Iterable[Flow]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for flow in flows:
        counts[flow.dest_qpn] = counts.get(flow.dest_qpn, 0) + flow.packets
    return dict(sorted(counts.items()))


def _rest(tick: RoceTick) -> Rest | None:
    rest = tick.rest
    return None if rest is None else Rest(rest.packets, rest.wire_bytes, rest.payload_bytes)


def _psn_totals(tick: RoceTick) -> PsnTotals:
    """Sums over all flows, those told one by one and the rest."""
    rows: list[RoceFlow] = list(tick.flows)
    troubles = [flow.trouble for flow in rows if flow.trouble] + [
        one for one in (tick.rest.trouble if tick.rest else None,) if one
    ]
    packets = sum(flow.packets for flow in rows) + (tick.rest.packets if tick.rest else 0)
    names = ("repeats", "behind", "gap_events", "gap_psns", "missing")
    return PsnTotals(packets, *(max(0, sum(getattr(one, name) for one in troubles)) for name in names))


def _aeth(rows: Iterable[tuple[int, int]]) -> dict[str, int]:
    told = dict.fromkeys(("ack", "rnr_nak", *opcodes.AETH_NAMES, "reserved"), 0)
    for syndrome, n in rows:
        told[opcodes.syndrome_name(syndrome)] += n
    return told


def _cnp_flows(flows: Iterable[Flow]) -> Iterable[CnpFlow]:
    """CNPs go from the data's receiver to the data sender's own QP."""
    for flow in flows:
        if flow.cnps and flow.paired_qpn is not None:
            yield CnpFlow(flow.dst, flow.src, flow.paired_qpn, flow.cnps, flow.dest_qpn)
