"""Every flow, folded from packets: the heart of the analysis.

A flow is (source, destination, destination QP, request or response, transport); see the report schema.
"""

from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from analysis.roce import icrc, opcodes
from analysis.roce.counters import Counters, Facts
from analysis.roce.frames import Ints, Narrow, Small
from analysis.roce.keys import KeyTable
from analysis.roce.packets import Packets
from analysis.roce.sequence import Segments, Sequence, Walk, before
from analysis.roce.traits import ATOMIC, END, FIRST, FULL, ONLY, PART, READ, Traits, part_of, rows_of
from analysis.roce.walk import walk

LIMIT: Final = 1 << 16
"""Flows that are told apart. What goes beyond is counted together as flow `REST`, without its PSNs."""
REST: Final = 0
SIZE_BINS: Final = 32
"""Message sizes by powers of two: bin i holds sizes from 2^(i-1) to below 2^i, bin 0 empty messages."""
DUPLICATE_NS: Final = 20_000
"""The same PSN again within this time is a copy made on the way or by a mirror port, not a retransmission."""

_ATOMIC_BYTES: Final = 8
_QPN_SHIFT: Final = 5


class Ordered(msgspec.Struct, frozen=True):
    """Packets in order of flow: the columns that walking takes of all of them, and the others of some."""

    packets: Packets
    rows: Ints
    """Where in `packets` each stands."""
    traits: Traits
    psn: Narrow

    @classmethod
    def of(cls, packets: Packets, rows: Ints) -> "Ordered":
        """Take some packets, by index."""
        return cls(packets, rows, packets.traits.take(rows), packets.psn.take(rows))

    def number(self, some: Ints) -> Ints:
        """Return the frame number of some of these packets."""
        return self.packets.number[self.rows[some]]

    def t_ns(self, some: Ints) -> Ints:
        """Return the time of some of these packets."""
        return self.packets.t_ns[self.rows[some]]

    def payload(self, some: Ints) -> Narrow:
        """Return the payload of some of these packets."""
        return self.packets.payload[self.rows[some]]


class Walked(msgspec.Struct, frozen=True):
    """Packets in order of flow with what the walk found; parallel columns."""

    flow: Ints
    packets: Ordered
    walk: Walk
    segments: Segments
    t_previous: Ints
    """Of all flows, the time of the newest packet before these."""

    def t_before(self, rows: Ints) -> Ints:
        """Return the times of some packets' predecessors in their flows; 0 where there is none."""
        return before(self.segments, self.packets.t_ns(rows - 1), self.t_previous, rows)


class Flows:
    """All flows of a capture. `add` folds in packets with a good or unchecked ICRC, in capture order."""

    def __init__(self) -> None:
        self.count = 1
        self.counters, self.facts, self.sequence = Counters(), Facts(), Sequence()
        self.sizes = np.zeros((64, SIZE_BINS), np.int64)
        self._table = KeyTable(1, self._new, REST)

    def ids(self, packets: Packets) -> Ints:
        """Return the flow of each packet; new flows are added, `REST` once there are too many."""
        key = packets.pair.astype(np.int64) << 24
        key |= packets.qpn
        key <<= _QPN_SHIFT
        key |= packets.traits & PART
        return self._table.lookup([key.view(np.uint64)])

    def find(self, pair: int, qpn: int, role: int, group: int) -> int | None:
        """Return the id of a flow, None where there is no such flow."""
        return self._table.get(((pair << 24 | qpn) << _QPN_SHIFT | part_of(role, group),))

    def _new(self, key: tuple[int, ...]) -> int:
        if self.count >= LIMIT or key[0] >> 63:
            return REST
        flow = self.count
        self.count += 1
        for columns in (self.counters, self.facts, self.sequence):
            columns.grow(self.count)
        if len(self.sizes) < self.count:
            self.sizes = np.concatenate([self.sizes, np.zeros_like(self.sizes)])
        facts = self.facts
        facts.role[flow], facts.group[flow] = key[0] & 3, key[0] >> 2 & 7
        facts.qpn[flow], facts.pair[flow] = key[0] >> _QPN_SHIFT & 0xFFFFFF, key[0] >> (_QPN_SHIFT + 24)
        return flow

    def count_acks(self, ids: Ints, length: NDArray[np.uint32], syndrome: Small) -> None:
        """Count responses that are not walked."""
        add, size = self.counters, len(self.counters.acks)
        add.acks += np.bincount(ids, minlength=size)
        add.ack_bytes += np.bincount(ids, length, size).astype(np.int64)
        kind, code, known = syndrome >> 5 & 3, syndrome & 0x1F, syndrome >= 0
        nak = known & (kind == 3) & (code < len(opcodes.AETH_NAMES))
        add.rnr_naks += np.bincount(ids[known & (kind == 1)], minlength=size)
        add.naks += np.bincount(ids[nak], minlength=size)
        add.fatal_naks += np.bincount(ids[nak & (code > 0)], minlength=size)

    def count_seen(self, ids: Ints) -> None:
        """Count packets of any kind per flow."""
        self.counters.seen += np.bincount(ids, minlength=len(self.counters.seen))

    def count_marks(self, ce: Ints, cnp: Ints) -> None:
        """Count CE marks and congestion notifications, given the flow of each."""
        size = len(self.counters.ce)
        self.counters.ce += np.bincount(ce, minlength=size)
        self.counters.cnps += np.bincount(cnp, minlength=size)

    def add(self, packets: Packets, ids: Ints, rows: Ints, span: Ints) -> Walked | None:
        """Fold in those `rows` of packets, all of WALKED opcodes; `span` is how many PSNs each of them takes."""
        flow = ids.take(rows)
        order = np.argsort(flow.astype(np.min_scalar_type(self.count - 1)), kind="stable")
        flow, rows, span = (column.take(order) for column in (flow, rows, span))
        rest = int(np.searchsorted(flow, REST, side="right"))
        if rest:
            self._count_rest(packets.where(rows[:rest]))
            flow, rows, span = flow[rest:], rows[rest:], span[rest:]
        if not len(rows):
            return None
        return self._add(Ordered.of(packets, rows), flow, span)

    def _add(self, packets: Ordered, flow: Ints, span: Ints) -> Walked:
        segments = Segments.of(flow)
        found = walk(self.sequence, segments, packets.psn, span)
        self._first_and_last(segments, packets)
        walked = Walked(flow, packets, found, segments, self.facts.t_previous.copy())
        self._add_up(walked)
        self._messages(segments, packets, found)
        last = segments.end - 1
        self.facts.t_previous[segments.flow], self.facts.at_previous[segments.flow] = (
            packets.t_ns(last),
            found.at[last],
        )
        return walked

    def _count_rest(self, packets: Packets) -> None:
        add = self.counters
        add.packets[REST] += len(packets)
        add.wire_bytes[REST] += int(packets.length.sum())
        add.payload_bytes[REST] += packets.payload.sum()

    def _first_and_last(self, segments: Segments, packets: Ordered) -> None:
        facts, flow, first, last = self.facts, segments.flow, segments.first, segments.end - 1
        new = self.counters.packets[flow] == 0
        facts.first_psn[flow[new]], facts.first_number[flow[new]] = (
            packets.psn[first[new]],
            packets.number(first[new]),
        )
        fell = np.concatenate([np.flatnonzero(packets.psn[1:] < packets.psn[:-1]) + 1, first])
        over = fell[before(segments, packets.psn[fell - 1], facts.last_psn, fell) - packets.psn[fell] > 1 << 23]
        facts.wrapped[segments.flow[segments.of_row[over]]] = 1
        facts.last_psn[flow] = packets.psn[last]
        low, high = _times(segments, packets)
        facts.t_first[flow] = np.where(new, low, np.minimum(low, facts.t_first[flow]))
        facts.t_last[flow] = np.where(new, high, np.maximum(high, facts.t_last[flow]))

    def _add_up(self, walked: Walked) -> None:
        add, segments, packets = self.counters, walked.segments, walked.packets
        flow, first = segments.flow, segments.first
        payload = np.add.reduceat(packets.packets.payload.take(packets.rows), first)
        add.packets[flow] += segments.end - first
        add.wire_bytes[flow] += np.add.reduceat(packets.packets.length.take(packets.rows), first, dtype=np.int64)
        add.payload_bytes[flow] += payload
        add.goodput_bytes[flow] += payload
        if len(walked.walk.odd):
            self._add_odd(walked)

    def _add_odd(self, walked: Walked) -> None:
        """Add what only packets out of order have."""
        add, size = self.counters, len(self.counters.packets)
        found, odd, packets = walked.walk, walked.walk.odd, walked.packets
        flow, ahead, repeat = walked.flow[odd], found.ahead[odd], found.repeat[odd]
        gap = ahead > 0
        add.gap_events += np.bincount(flow[gap], minlength=size)
        np.add.at(add.gap_psns, flow[gap], ahead[gap])
        add.behind += np.bincount(flow[~gap], minlength=size)
        add.repeats += np.bincount(flow[repeat], minlength=size)
        np.subtract.at(add.goodput_bytes, flow[repeat], packets.payload(odd[repeat]))
        add.rewinds += np.bincount(flow[found.rewind[odd]], minlength=size)
        twin = odd[repeat]
        at_before = before(walked.segments, found.at[twin - 1], self.facts.at_previous, twin)
        near = (at_before == found.at[twin]) & (packets.t_ns(twin) - walked.t_before(twin) < DUPLICATE_NS)
        add.duplicates += np.bincount(walked.flow[twin[near]], minlength=size)

    def _messages(self, segments: Segments, packets: Ordered, found: Walk) -> None:
        """Count messages where they end, with sizes: PSNs from First to Last, DMA length of READ requests."""
        facts, flow, first = self.facts, segments.flow, segments.first
        self._learn_pmtu(segments, packets)
        fresh = packets.traits.copy()
        fresh[found.odd[found.repeat[found.odd]]] = 0
        starts, ends = rows_of(fresh, FIRST), rows_of(fresh, END)
        if not len(starts) and not len(ends):
            return
        of_end = segments.of_row[ends]
        kind, payload = packets.traits[ends], packets.payload(ends)
        size = np.where(kind & ONLY != 0, payload, packets.packets.dma_bytes[packets.rows[ends]])
        size[kind & ATOMIC != 0] = _ATOMIC_BYTES
        begun = np.searchsorted(starts, ends) - 1
        here = (begun >= 0) & (len(starts) > 0)
        here[here] = starts[begun[here]] >= first[of_end[here]]
        begin_psn, begin_pmtu = facts.message_first_psn[flow[of_end]], facts.message_pmtu[flow[of_end]]
        begin_psn[here] = found.at[starts[begun[here]]]
        begin_pmtu[here] = packets.payload(starts[begun[here]])
        way = found.at[ends] - begin_psn
        last = kind & (ONLY | READ | ATOMIC) == 0
        known = (begin_pmtu > 0) & (way > 0) & (way < 1 << 22)
        size[last] = np.where(known, way * begin_pmtu + payload, -1)[last]
        self._sizes(flow[of_end], size)
        newest = segments.flow[segments.of_row[starts]]
        facts.message_first_psn[newest] = found.at[starts]
        facts.message_pmtu[newest] = packets.payload(starts)

    def _learn_pmtu(self, segments: Segments, packets: Ordered) -> None:
        """Keep what the newest First or Middle packet of each flow carries."""
        full = rows_of(packets.traits, FULL)
        newest, flow = _newest(full, segments)
        if not packets.payload(newest).all():
            newest, flow = _newest(full[packets.payload(full) > 0], segments)
        self.facts.pmtu[flow] = packets.payload(newest)

    def _sizes(self, flow: Ints, size: Ints) -> None:
        add = self.counters
        add.messages += np.bincount(flow, minlength=len(add.messages))
        told = size >= 0
        flow, size = flow[told], size[told]
        np.add.at(add.message_bytes, flow, size)
        np.maximum.at(self.facts.largest_message, flow, size)
        bins = np.frexp(size.astype(np.float64))[1].clip(0, SIZE_BINS - 1)
        np.add.at(self.sizes.reshape(-1), flow * SIZE_BINS + bins, 1)

    def missing(self, flow: int) -> int:
        """Return the PSNs between the lowest and the highest of a flow that no packet carried."""
        coverage = self.sequence.coverage.get(flow)
        return coverage.missing if coverage is not None else 0

    def filled_late(self, flow: int) -> int:
        """Return the PSNs that were missing for a while."""
        coverage = self.sequence.coverage.get(flow)
        return coverage.filled if coverage is not None else 0


def _times(segments: Segments, packets: Ordered) -> tuple[Ints, Ints]:
    """Return the earliest and the latest time in each segment."""
    t_ns = packets.packets.t_ns
    if not (t_ns[1:] < t_ns[:-1]).any():
        return packets.t_ns(segments.first), packets.t_ns(segments.end - 1)
    t_ns = t_ns.take(packets.rows)
    return np.minimum.reduceat(t_ns, segments.first), np.maximum.reduceat(t_ns, segments.first)


def _newest(rows: Ints, segments: Segments) -> tuple[Ints, Ints]:
    """Return the last of some rows in each segment that has any, and the flow it is of."""
    first, end = np.searchsorted(rows, segments.first), np.searchsorted(rows, segments.end)
    there = first < end
    return rows[end[there] - 1], segments.flow[there]


def usable(packets: Packets) -> Packets:
    """Leave out packets whose ICRC is wrong: the receiver drops them too."""
    bad = packets.icrc == icrc.BAD
    return packets.where(~bad) if bad.any() else packets
