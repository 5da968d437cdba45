"""Ticks added up: several spans of one interface as one. No arrays: the dashboard's model loads this early."""

from collections.abc import Iterable, Sequence
from operator import attrgetter
from typing import Final

import msgspec

from analysis.samples import RoceFlow, RocePause, RoceRest, RoceRtt, RoceTick, RoceTrouble

FlowKey = tuple[str, str, int, str, str]
"""Source, destination, destination QP, request or response, transport."""

_SUMMED: Final = (
    "span_ns", "captured", "dropped", "wire_bytes", "cut", "blind", "fragments", "runts", "backward", "other",
    "pfc_frames", "link_pauses", "replies", "outside",
)  # fmt: skip
_FLOW_SUMMED: Final = ("packets", "wire_bytes", "payload_bytes", "messages", "message_bytes")


def key_of(tick: RoceTick, flow: RoceFlow) -> FlowKey:
    """Return who a flow is, the same in every tick."""
    return tick.hosts[flow.src], tick.hosts[flow.dst], flow.dest_qpn, flow.kind, flow.transport


def merge(ticks: Sequence[RoceTick]) -> RoceTick:
    """Return one tick of the whole span of at least one tick of one interface, given in time order."""
    hosts: dict[str, int] = {}
    by_key: dict[FlowKey, list[RoceFlow]] = {}
    for tick in ticks:
        for flow in tick.flows:
            by_key.setdefault(key_of(tick, flow), []).append(flow)
    flows = [_flow(key, parts, hosts) for key, parts in by_key.items()]
    flows.sort(key=lambda flow: (flow.trouble is None, -flow.wire_bytes))
    return RoceTick(
        ticks[-1].t,
        ticks[-1].interface,
        **{name: sum(map(attrgetter(name), ticks)) for name in _SUMMED},
        tos=_all_pairs(ticks, "tos"),
        ce_opcodes=_all_pairs(ticks, "ce_opcodes"),
        syndromes=_all_pairs(ticks, "syndromes"),
        syndromes_xrc=_all_pairs(ticks, "syndromes_xrc"),
        pcp=_all_pairs(ticks, "pcp"),
        opcodes=_opcodes(ticks),
        icrc=_columns(tick.icrc for tick in ticks),
        pauses=_pauses(ticks),
        hosts=tuple(hosts),
        flows=tuple(flows),
        rest=_rest([tick.rest for tick in ticks if tick.rest is not None]),
    )


def _columns(rows: Iterable[tuple[int, int, int]]) -> tuple[int, int, int]:
    one, two, three = (sum(column) for column in zip(*rows, strict=True))
    return one, two, three


def _all_pairs(ticks: Sequence[RoceTick], name: str) -> tuple[tuple[int, int], ...]:
    return _pairs(pair for tick in ticks for pair in getattr(tick, name))


def _pairs(pairs: Iterable[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    total: dict[int, int] = {}
    for value, n in pairs:
        total[value] = total.get(value, 0) + n
    return tuple(sorted(total.items()))


def _opcodes(ticks: Sequence[RoceTick]) -> tuple[tuple[int, int, int], ...]:
    packets = dict(_pairs((op, n) for tick in ticks for op, n, _ in tick.opcodes))
    wire_bytes = dict(_pairs((op, n) for tick in ticks for op, _, n in tick.opcodes))
    return tuple((op, packets[op], wire_bytes[op]) for op in packets)


def _pauses(ticks: Sequence[RoceTick]) -> tuple[RocePause, ...]:
    by_priority: dict[int, list[RocePause]] = {}
    for tick in ticks:
        for pause in tick.pauses:
            by_priority.setdefault(pause.priority, []).append(pause)
    return tuple(
        RocePause(priority, *_columns((p.xoff, p.xon, p.quanta) for p in parts))
        for priority, parts in sorted(by_priority.items())
    )


def _flow(key: FlowKey, parts: Sequence[RoceFlow], hosts: dict[str, int]) -> RoceFlow:
    last = parts[-1]
    looks = [part.in_flight for part in parts]
    return msgspec.structs.replace(
        last,
        src=hosts.setdefault(key[0], len(hosts)),
        dst=hosts.setdefault(key[1], len(hosts)),
        paired_qpn=_newest(part.paired_qpn for part in parts),
        pmtu=_newest(part.pmtu for part in parts),
        **{name: sum(map(attrgetter(name), parts)) for name in _FLOW_SUMMED},
        largest_message=max(part.largest_message for part in parts),
        sizes=_pairs(pair for part in parts for pair in part.sizes),
        in_flight=(
            sum(n for n, _, _ in looks),
            sum(total for _, total, _ in looks),
            max(most for _, _, most in looks),
        ),
        rtt=_rtts(parts),
        trouble=_trouble(part.trouble for part in parts),
    )


def _newest(values: Iterable[int | None]) -> int | None:
    known = [value for value in values if value is not None]
    return known[-1] if known else None


def _rtts(parts: Sequence[RoceFlow]) -> tuple[RoceRtt, ...]:
    by_kind: dict[str, list[RoceRtt]] = {}
    for part in parts:
        for rtt in part.rtt:
            by_kind.setdefault(rtt.kind, []).append(rtt)
    return tuple(_rtt(found) for found in by_kind.values())


def _rtt(parts: Sequence[RoceRtt]) -> RoceRtt:
    n = sum(part.n for part in parts)
    medians = sorted((part.p50_us, part.n) for part in parts)
    passed, p50 = 0, medians[-1][0]
    for median, count in medians:
        passed += count
        if 2 * passed >= n:
            p50 = median
            break
    return RoceRtt(
        parts[0].kind,
        n,
        min(part.min_us for part in parts),
        p50,
        max(part.p99_us for part in parts),
        max(part.max_us for part in parts),
    )


def _trouble(parts: Iterable[RoceTrouble | None]) -> RoceTrouble | None:
    rows = [msgspec.structs.astuple(part) for part in parts if part is not None]
    total = [sum(column) for column in zip(*rows, strict=True)]
    return RoceTrouble(*total) if any(total) else None


def _rest(parts: Sequence[RoceRest]) -> RoceRest | None:
    """The rest is never told apart: `flows` is the most there were at one time."""
    if not parts:
        return None
    sums = {
        name: sum(map(attrgetter(name), parts)) for name in ("packets", "wire_bytes", "payload_bytes", "messages")
    }
    return RoceRest(flows=max(part.flows for part in parts), **sums, trouble=_trouble(part.trouble for part in parts))
