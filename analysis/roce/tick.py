"""What a fold has taken in since the last look, as a sample: flows by the second, bounded, and adding up."""

from typing import Final

import msgspec
import numpy as np

from analysis.roce import opcodes
from analysis.roce.counters import Counters
from analysis.roce.ends import ends as both_ends
from analysis.roce.ends import pairing
from analysis.roce.flows import REST, SIZE_BINS
from analysis.roce.fold import Fold
from analysis.roce.frames import Ints
from analysis.roce.packets import Batch
from analysis.roce.pfc import PRIORITIES
from analysis.roce.rows import ACK, ATOMIC, READ
from analysis.roce.traits import CNP, REQ
from analysis.samples import RoceFlow, RocePause, RoceRest, RoceRtt, RoceTick, RoceTrouble, RoundTrip

FLOWS: Final = 16
"""Flows told one by one, where nothing else is asked for."""
RENEW_FLOWS: Final = 1 << 15
"""A fold that knows this many flows makes room for new ones: it begins afresh, at the cost of one gap unseen."""
_FEW_FLOWS: Final = 4096
"""Up to here QPs are also paired by being the only candidates; that takes a look at every flow."""
_GROUPS: Final = (*opcodes.TRANSPORTS, "other", "other")
_RC: Final = 0
_ODD: Final = tuple(name for name in RoceTrouble.__struct_fields__ if name in Counters.names())
_ANSWERED: Final = ("naks", "rnr_naks", "fatal_naks")
"""Counted on the flow of the responses, told of the flow of the requests."""
_COLUMNS: Final = (
    "packets",
    "wire_bytes",
    "payload_bytes",
    "messages",
    "message_bytes",
    "inflight_n",
    "inflight_sum",
    "goodput_bytes",
    *(name for name in _ODD if name not in (*_ANSWERED, "cnps")),
)
_RTT_KINDS: Final[dict[int, RoundTrip]] = {ACK: "ack", READ: "read", ATOMIC: "atomic"}
_COUNTS: Final = ("frames", "wire_bytes", "cut", "backward", "blind", "fragments", "runts")
_TABLES: Final = ("opcode_packets", "opcode_bytes", "tos", "ce_by_opcode", "syndromes", "icrc", "pcp")


class TickMaker:
    """Owns a fold that never ends and tells, whenever asked, what is new."""

    def __init__(self, most_flows: int = FLOWS) -> None:
        self._most_flows = most_flows
        self._begin()

    def _begin(self) -> None:
        self.fold = Fold()
        self._columns: dict[str, Ints] = {}
        self._tables = {name: np.zeros_like(getattr(self.fold.totals, name)) for name in _TABLES}
        self._counts: dict[str, int] = {}
        self._sizes = np.zeros((0, SIZE_BINS), np.int64)
        self._trips = 0

    def add(self, batch: Batch) -> None:
        """Take in the next batch; its pairs must be those of `fold`."""
        self.fold.add(batch)

    def tick(self, t: int, interface: str, span_ns: int, dropped: int) -> RoceTick:
        """Return everything since the last tick."""
        totals, pauses = self.fold.totals, self.fold.pauses
        table = {name: self._grown_table(name) for name in _TABLES}
        count = {name: self._grown(name, getattr(totals, name)) for name in _COUNTS}
        hosts: dict[str, int] = {}
        flows, rest = self._flows(hosts)
        made = RoceTick(
            t,
            interface,
            span_ns,
            captured=count.pop("frames"),
            dropped=dropped,
            **count,
            other=self._grown("other", totals.not_roce["other"]),
            opcodes=tuple(
                (op, int(table["opcode_packets"][op]), int(table["opcode_bytes"][op]))
                for op in np.flatnonzero(table["opcode_packets"]).tolist()
            ),
            tos=_nonzero(table["tos"]),
            ce_opcodes=_nonzero(table["ce_by_opcode"]),
            syndromes=_nonzero(table["syndromes"][0]),
            syndromes_xrc=_nonzero(table["syndromes"][1]),
            icrc=tuple(table["icrc"].tolist()),
            pcp=_nonzero(table["pcp"]),
            pfc_frames=self._grown("pfc", pauses.frames),
            pauses=tuple(self._pauses()),
            link_pauses=self._grown("link_pauses", pauses.link_pauses),
            replies=self._grown("replies", sum(one.kind == "rep" for one in self.fold.connects)),
            outside=self._grown("outside", self.fold.trips.outside),
            hosts=tuple(hosts),
            flows=flows,
            rest=rest,
        )
        if self.fold.flows.count >= RENEW_FLOWS:
            self._begin()
        return made

    def _grown(self, name: str, now: int) -> int:
        was, self._counts[name] = self._counts.get(name, 0), now
        return now - was

    def _grown_table(self, name: str) -> Ints:
        now = getattr(self.fold.totals, name).copy()
        was, self._tables[name] = self._tables[name], now
        return np.asarray(now - was)

    def _pauses(self) -> list[RocePause]:
        pauses = self.fold.pauses
        found = []
        for priority in range(PRIORITIES):
            grown = [self._grown(f"{n}{priority}", getattr(pauses, n)[priority]) for n in ("xoff", "xon", "quanta")]
            if any(grown):
                found.append(RocePause(priority, *grown))
        return found

    # --- flows ---

    def _flows(self, hosts: dict[str, int]) -> tuple[tuple[RoceFlow, ...], RoceRest | None]:
        ends = self._ends()
        columns = self._changes(ends)
        sizes, trips = self._grown_sizes(), self._round_trips()
        walked = self.fold.flows.counters.packets[: self.fold.flows.count] > 0
        moved = np.flatnonzero(walked & np.any(np.stack(list(columns.values())), axis=0))
        trouble = np.any(np.stack([columns[name] for name in RoceTrouble.__struct_fields__]), axis=0)[moved]
        order = moved[np.lexsort((-columns["wire_bytes"][moved], ~trouble, moved == 0))]
        most = min(self._most_flows, int(np.count_nonzero(order)))
        told = tuple(
            self._flow(flow, {name: int(column[flow]) for name, column in columns.items()}, ends, hosts)
            for flow in order[:most].tolist()
        )
        told = tuple(
            msgspec.structs.replace(one, sizes=_nonzero(sizes[flow]), rtt=tuple(trips.get(flow, ())))
            for one, flow in zip(told, order[:most].tolist(), strict=True)
        )
        return told, _rest(order[most:], columns)

    def _flow(
        self, flow: int, grown: dict[str, int], ends: dict[tuple[int, int], int], hosts: dict[str, int]
    ) -> RoceFlow:
        facts = self.fold.flows.facts
        pair, qpn = int(facts.pair[flow]), int(facts.qpn[flow])
        source, destination = (hosts.setdefault(name, len(hosts)) for name in self.fold.pairs.names(pair))
        largest, in_flight = int(facts.largest_message[flow]), int(facts.inflight_max[flow])
        facts.largest_message[flow] = facts.inflight_max[flow] = 0
        return RoceFlow(
            source,
            destination,
            qpn,
            "req" if facts.role[flow] == REQ else "resp",
            _GROUPS[facts.group[flow]],
            ends.get((pair, qpn)),
            int(facts.pmtu[flow]) or None,
            int(facts.first_psn[flow]),
            int(facts.last_psn[flow]),
            int(facts.wrapped[flow]),
            packets=grown["packets"],
            wire_bytes=grown["wire_bytes"],
            payload_bytes=grown["payload_bytes"],
            messages=grown["messages"],
            message_bytes=grown["message_bytes"],
            largest_message=largest,
            in_flight=(grown["inflight_n"], grown["inflight_sum"], in_flight),
            trouble=_trouble(grown),
        )

    def _ends(self) -> dict[tuple[int, int], int]:
        """Return (host pair, destination QP): the QP at the other end, in both directions."""
        facts, peers = self.fold.flows.facts, self.fold.peers.request_of
        if self.fold.flows.count <= _FEW_FLOWS:
            known = pairing(self.fold)
        else:
            known = {request: int(facts.qpn[answer]) for answer, request in peers.items()}
        return both_ends(self.fold, known)

    def _changes(self, ends: dict[tuple[int, int], int]) -> dict[str, Ints]:
        """Return what each column grew by, for every flow."""
        flows = self.fold.flows
        now = {name: getattr(flows.counters, name)[: flows.count] for name in _COLUMNS}
        peers = self.fold.peers.request_of
        answers, requests = np.array(list(peers), np.int64), np.array(list(peers.values()), np.int64)
        now |= {name: np.zeros(flows.count, np.int64) for name in (*_ANSWERED, "missing", "filled_late", "cnps")}
        for name in _ANSWERED:
            now[name][requests] = getattr(flows.counters, name)[answers]
        for flow, coverage in flows.sequence.coverage.items():
            now["missing"][flow], now["filled_late"][flow] = coverage.missing, coverage.filled
        for notified in np.flatnonzero(flows.facts.role[: flows.count] == CNP).tolist():
            data = self._slowed(notified, ends)
            if data is not None:
                now["cnps"][data] += flows.counters.cnps[notified]
        changes = {name: self._change(name, column) for name, column in now.items()}
        changes["repeated_bytes"] = changes["payload_bytes"] - changes.pop("goodput_bytes")
        changes["repeated_bytes"][REST] = 0
        return changes

    def _slowed(self, notified: int, ends: dict[tuple[int, int], int]) -> int | None:
        """Return the data flow that a flow of CNPs speaks of: they go to the data sender's own QP."""
        facts = self.fold.flows.facts
        pair, qpn = int(facts.pair[notified]), int(facts.qpn[notified])
        data = ends.get((pair, qpn))
        return None if data is None else self.fold.flows.find(pair ^ 1, data, REQ, _RC)

    def _change(self, name: str, now: Ints) -> Ints:
        was, self._columns[name] = self._columns.get(name), now.copy()
        change = now.copy()
        if was is not None:
            change[: len(was)] -= was
        return change

    def _grown_sizes(self) -> Ints:
        now = self.fold.flows.sizes[: self.fold.flows.count].copy()
        was, self._sizes = self._sizes, now
        grown = now.copy()
        grown[: len(was)] -= was
        return grown

    def _round_trips(self) -> dict[int, list[RoceRtt]]:
        """Return the new round trips of each flow by kind."""
        fresh, self._trips = self.fold.trips.kept.since(self._trips)
        key = fresh.flow << 2 | fresh.kind
        order = np.argsort(key, kind="stable")
        keys, first = np.unique(key[order], return_index=True)
        found: dict[int, list[RoceRtt]] = {}
        for one, part in zip(keys.tolist(), np.split(fresh.rtt_ns[order], first[1:]), strict=False):
            found.setdefault(one >> 2, []).append(_rtt(_RTT_KINDS[one & 3], part))
        return found


def _rtt(kind: RoundTrip, rtt_ns: Ints) -> RoceRtt:
    values, n = np.sort(rtt_ns), len(rtt_ns)
    return RoceRtt(kind, n, *(_us(int(values[min(n - 1, int(q * n))])) for q in (0.0, 0.5, 0.99, 1.0)))


def _us(ns: int) -> float:
    """Return microseconds with the digits that mean something."""
    rounded = float(f"{ns / 1000:.4g}")
    return int(rounded) if rounded.is_integer() else rounded


def _rest(flows: Ints, columns: dict[str, Ints]) -> RoceRest | None:
    if not len(flows):
        return None
    total = {name: int(column[flows].sum()) for name, column in columns.items()}
    return RoceRest(
        len(flows),
        total["packets"],
        total["wire_bytes"],
        total["payload_bytes"],
        total["messages"],
        _trouble(total),
    )


def _trouble(grown: dict[str, int]) -> RoceTrouble | None:
    counts = [grown[name] for name in RoceTrouble.__struct_fields__]
    return RoceTrouble(*counts) if any(counts) else None


def _nonzero(counts: Ints) -> tuple[tuple[int, int], ...]:
    return tuple((i, int(counts[i])) for i in np.flatnonzero(counts).tolist())
