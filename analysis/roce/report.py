"""The report of a fold: every number of a capture, as data."""

from typing import Final

import msgspec
import numpy as np

from analysis.roce import opcodes
from analysis.roce.cm import Connect
from analysis.roce.ends import ends, pairing
from analysis.roce.flow_report import flows_of
from analysis.roce.fold import Fold
from analysis.roce.schema import (
    Capture,
    Cm,
    Cnp,
    CnpFlow,
    Ecn,
    Flow,
    Icrc,
    Opcode,
    Pfc,
    PfcPriority,
    PsnTotals,
    Report,
    Rest,
    qpn,
)
from analysis.roce.traits import CNP
from analysis.text import Sentence

_SHOWN_TRANSPORTS: Final = ("RC", "UC", "UD", "XRC", "CNP", "other")


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
    others = ends(fold, pairing(fold))
    flows = flows_of(fold, others)
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
        cnp=_cnp(fold, others, int(totals.opcode_packets[opcodes.CNP])),
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
    known = slice(1, fold.flows.count)
    columns = (fold.flows.facts.qpn[known], fold.flows.counters.seen[known])
    for number, packets in zip(*(column.tolist() for column in columns), strict=True):
        counts[number] = counts.get(number, 0) + packets
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


def _cnp(fold: Fold, others: dict[tuple[int, int], int], packets: int) -> Cnp:
    facts = fold.flows.facts
    told = []
    for flow in np.flatnonzero(facts.role[: fold.flows.count] == CNP).tolist():
        pair, number = int(facts.pair[flow]), int(facts.qpn[flow])
        source, destination = fold.pairs.names(pair)
        data = others.get((pair, number))
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
