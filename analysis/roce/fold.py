"""The fold: batches of decoded packets in, the state of everything RoCE out.

The same over a capture at once, cut into batches anywhere, or live by the second.
"""

from typing import Any, Final

import numpy as np

from analysis.roce import icrc
from analysis.roce.cm import Connect
from analysis.roce.flows import Flows, Walked
from analysis.roce.frames import Ints, Narrow, among, distinct
from analysis.roce.packets import Batch, Packets, joined
from analysis.roce.pairs import Pairs
from analysis.roce.peers import Peers
from analysis.roce.pfc import PauseTime
from analysis.roce.psn import MTUS
from analysis.roce.rewinds import Rewinds
from analysis.roce.rows import ACK, Samples, in_order
from analysis.roce.rtt import RoundTrips
from analysis.roce.totals import CE, CE_MASK, Tally, Totals
from analysis.roce.traits import ACK as ACKNOWLEDGES
from analysis.roce.traits import FULL, IS_CNP, READ, READ_ONLY, TRAITS, WALKED, rows_of

_USUAL_MTU: Final = 1024
"""Of an Ethernet with 1500 bytes, the smallest that is met in practice."""
_MOST_HELD: Final = 1 << 16
_MOST_CONNECTS: Final = 4096


class PathMtu:
    """Path MTU by host pair: what First and Middle packets carry. The first stays, so that batches do not matter."""

    def __init__(self) -> None:
        self.guessed: set[int] = set()
        self._known = np.zeros(64, np.int64)
        """By unordered pair (pair >> 1); 0 where nothing is known."""
        self._largest = np.zeros(64, np.int64)
        self._settled = 0
        """All hosts below this are known."""

    def learn(self, packets: Packets) -> None:
        """Take in First and Middle packets, and what single READ responses show to fit."""
        if int(packets.pair.max(initial=0)) >> 1 < self._settled:
            return
        traits, host = packets.traits, np.maximum(packets.pair >> 1, 0)
        self._grow(int(host.max(initial=0)) + 1)
        rows = np.flatnonzero((traits & FULL != 0) & (self._known[host] == 0))
        rows = rows[among(packets.payload[rows], np.array(MTUS))][::-1]
        self._known[host[rows]] = packets.payload[rows]
        only = rows_of(traits, READ_ONLY)
        np.maximum.at(self._largest, host[only], packets.payload[only])
        self._settled = int(np.argmin(np.append(self._known, 0) != 0))

    def of(self, pairs: Narrow) -> Ints:
        """Return the path MTU of each pair; 0 where it is not known."""
        known: Ints = self._known[np.maximum(pairs >> 1, 0)]
        return known

    def guess(self, pairs: Narrow) -> None:
        """Settle on the least MTU that fits what was seen, where nothing tells."""
        for host in distinct(np.maximum(pairs >> 1, 0)).tolist():
            if not self._known[host]:
                least = max(int(self._largest[host]), _USUAL_MTU)
                self._known[host] = next((mtu for mtu in MTUS if mtu >= least), MTUS[-1])
                self.guessed.add(host)

    def _grow(self, hosts: int) -> None:
        have = len(self._known)
        if hosts > have:
            more = np.zeros(max(hosts, 2 * have) - have, np.int64)
            self._known, self._largest = np.concatenate([self._known, more]), np.concatenate([self._largest, more])


class Fold:
    """Everything known about the RoCE traffic of a capture so far."""

    def __init__(self, link_gbps: float | None = None, pairs: Pairs | None = None) -> None:
        self.pairs = pairs or Pairs()
        self.flows = Flows()
        self.peers = Peers(self.flows)
        self.trips = RoundTrips(self.flows, self.peers)
        self.rewinds = Rewinds(self.flows)
        self.pauses = PauseTime(link_gbps)
        self.totals = Totals()
        self.pmtu = PathMtu()
        self.connects: list[Connect] = []
        self._asked: dict[tuple[int, int], Connect] = {}
        """REQs by host pair and the requester's id for the connection."""
        self._held: Packets | None = None

    def add(self, batch: Batch, tally: Tally | None = None) -> None:
        """Take in the next batch, and what its packets add up to where that is known already."""
        self.totals.add(batch, Tally.of(batch.packets) if tally is None else tally)
        if batch.pauses is not None:
            self.pauses.add(batch.pauses)
        if len(self.connects) < _MOST_CONNECTS:
            self.connects += batch.connects
            for connect in batch.connects:
                self._connect(connect)
        packets = batch.packets
        if len(packets):
            bad = packets.icrc == icrc.BAD
            if bad.any():
                self.trips.note_damaged(packets.where(bad))
                packets = packets.where(~bad)
            self._fold(packets, last=False)

    def finish(self) -> None:
        """Settle what was waiting for more packets. The fold can go on afterwards."""
        if self._held is not None:
            self.pmtu.guess(self._held.pair)
        self._fold(_no_packets(), last=True)

    def _fold(self, packets: Packets, *, last: bool) -> None:
        flows, traits = self.flows, packets.traits
        ids = flows.ids(packets)
        flows.count_seen(ids)
        flows.count_marks(ids[np.flatnonzero(packets.tos & CE_MASK == CE)], ids[rows_of(traits, IS_CNP)])
        acks = rows_of(traits, ACKNOWLEDGES)
        flows.count_acks(ids[acks], packets.length[acks], packets.syndrome[acks])
        self.rewinds.note_naks(packets)
        walked = self._walk(packets, ids)
        if walked is not None:
            self.rewinds.add(walked)
        fresh = self.trips.add(walked, packets, ids, last=last)
        if fresh is not None:
            self._in_flight(walked, fresh)

    def _walk(self, packets: Packets, ids: Ints) -> Walked | None:
        """Walk packets, but for those behind a READ request whose length in PSNs is not known yet."""
        self.pmtu.learn(packets)
        rows = rows_of(packets.traits, WALKED)
        if self._held is not None:
            packets = joined(self._held, packets.where(rows))
            self._held = None
            ids, rows = self.flows.ids(packets), np.arange(len(packets))
        span = self._spans(packets, rows)
        if not span.all():
            rows, span = self._hold(packets, ids, rows, span)
        return self.flows.add(packets, ids, rows, span) if len(rows) else None

    def _spans(self, packets: Packets, rows: Ints) -> Ints:
        """Return the PSNs each of these packets takes; 0 where that is not known yet."""
        span = np.ones(len(rows), np.int64)
        reads = rows_of(packets.traits, READ)
        reads = np.searchsorted(rows, reads[packets.dma_bytes[reads] > MTUS[0]])
        if len(reads):
            pmtu, size = self.pmtu.of(packets.pair[rows[reads]]), packets.dma_bytes[rows[reads]]
            span[reads] = np.where(pmtu > 0, -(-size // np.maximum(pmtu, 1)), 0)
        return span

    def _hold(self, packets: Packets, ids: Ints, rows: Ints, span: Ints) -> tuple[Ints, Ints]:
        """Keep back every flow from its first READ request of unknown length on; return the rest."""
        unknown = np.flatnonzero(span == 0)
        flows, first = np.unique(ids[rows[unknown]], return_index=True)
        since = np.full(self.flows.count, len(rows), np.int64)
        since[flows] = unknown[first]
        held = np.arange(len(rows)) >= since[ids[rows]]
        if np.count_nonzero(held) > _MOST_HELD:
            self.pmtu.guess(packets.pair[rows[unknown]])
            return rows, self._spans(packets, rows)
        self._held = packets.where(rows[held])
        return rows[~held], span[~held]

    def _connect(self, connect: Connect) -> None:
        """Take in a CM message: a REP completes the REQ it answers and tells which QPs belong together."""
        if connect.kind == "req":
            self._asked[connect.pair, connect.local_id] = connect
            return
        request = self._asked.get((connect.pair ^ 1, connect.remote_id))
        if request is not None:
            for asks, answers in ((request, connect), (connect, request)):
                self.peers.connect(answers.pair, asks.qpn, answers.qpn, connect.number)

    def _in_flight(self, walked: Walked | None, samples: Samples) -> None:
        """Note how much was sent and not acknowledged, just before each ACK that names a request's PSN."""
        wanted = (samples.kind == ACK) & (samples.number > self.flows.facts.decided_at[samples.flow])
        samples = samples.where(wanted)
        if not len(samples.flow):
            return
        samples = samples.where(in_order(samples.flow, samples.number))
        sent = self.flows.sequence.expected[samples.flow]
        if walked is not None:
            sent = _sent_before(walked, samples, sent)
        self._add_in_flight(samples.flow, samples.at, sent)

    def _add_in_flight(self, flow: Ints, at: Ints, sent: Ints) -> None:
        facts, counters = self.flows.facts, self.flows.counters
        edge = np.append(True, flow[1:] != flow[:-1])
        acked = np.append(0, at[:-1])
        acked[edge] = facts.acked[flow[edge]]
        amount = sent - acked - 1
        use = (acked != 0) & (amount > 0)
        np.add.at(counters.inflight_n, flow[use], 1)
        np.add.at(counters.inflight_sum, flow[use], amount[use])
        np.maximum.at(facts.inflight_max, flow[use], amount[use])
        facts.acked[flow] = at


def _sent_before(walked: Walked, samples: Samples, otherwise: Ints) -> Ints:
    """Return the PSN that was next to send when each response came; `otherwise` for flows that sent nothing here."""
    place = walked.flow << 40 | walked.packets.rows
    when = _rows_from(walked.packets.packets.number, samples.number)
    row = np.searchsorted(place, samples.flow << 40 | when)
    before = np.maximum(row - 1, 0)
    sent_here = (row > 0) & (walked.flow[before] == samples.flow)
    after = np.minimum(row, len(place) - 1)
    sends_later = walked.flow[after] == samples.flow
    found = walked.walk
    later = np.where(sends_later, found.at[after] - found.ahead[after], otherwise)
    return np.where(sent_here, found.expected[before], later)


def _rows_from(numbers: Ints, wanted: Ints) -> Ints:
    """Return the first row whose frame number is not below each wanted one."""
    if numbers[-1] - numbers[0] == len(numbers) - 1:
        rows: Ints = (wanted - numbers[0]).clip(0, len(numbers))
        return rows
    return np.searchsorted(numbers, wanted)


def _no_packets() -> Packets:
    empty = np.zeros(0, np.int64)
    columns: dict[str, Any] = dict.fromkeys(Packets.__struct_fields__, empty)
    return Packets(**{**columns, "opcode": empty.astype(np.uint8), "traits": TRAITS[:0]})
