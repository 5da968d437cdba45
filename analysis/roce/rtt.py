"""Round-trip times: requests matched with the responses that name their very PSN.

Samples follow Karn: a PSN that its flow carries more than once gives none, even when it is repeated later on.
"""

from typing import Final

import numpy as np

from analysis.roce import opcodes
from analysis.roce.flows import Flows, Walked
from analysis.roce.frames import Flags, Ints, among
from analysis.roce.kept import Kept
from analysis.roce.packets import Packets
from analysis.roce.peers import Peers
from analysis.roce.psn import HALF, MODULUS, distance
from analysis.roce.rows import ACK, ATOMIC, READ, Rows, Samples, in_order, joined_rows, no_rows
from analysis.roce.traits import ACK_REQ, IS_RESP, RC_REQ, REQ, Traits, rows_of
from analysis.roce.traits import ATOMIC as IS_ATOMIC
from analysis.roce.traits import READ as IS_READ

MANY_AGAIN: Final = 1 << 12
"""Packets that came again; with more than this, those of which no request waits any longer are let go."""
MOST_OPEN: Final = 1 << 15
"""Requests that wait for a response with their PSN; the oldest are let go. ACKs coalesce, so many wait for ever."""
OUTSIDE: Final = 1 << 20
"""An ACK this far from the newest request is of nothing that was sent; nearer ones may be of packets not captured."""
_RC: Final = 0
_ASKS: Final = {ACK_REQ: ACK, IS_READ: READ, IS_ATOMIC: ATOMIC}
"""What each trait of a request asks for."""


class RoundTrips:
    """Finds round trips while packets come in."""

    def __init__(self, flows: Flows, peers: Peers) -> None:
        self.outside = 0
        """ACKs of PSNs far from anything their flow has sent."""
        self.kept = Kept()
        self._flows, self._peers = flows, peers
        self._open = no_rows()
        self._again = no_rows()
        self._damaged: list[tuple[int, int, int]] = []

    def add(self, walked: Walked | None, packets: Packets, ids: Ints, *, last: bool = False) -> Samples | None:
        """Take in walked packets, and the responses (READ responses too) of all packets with their flows.

        Return new samples. `last`: decide now on pairs that few answers speak for.
        """
        asked = self._asked(walked)
        answers = self._answers(packets, ids)
        self._note_repeats(walked)
        requests = joined_rows(self._open, asked) if len(asked) else self._open
        self._peers.find(requests, answers, last=last)
        paired = self._peers.take_paired(answers)
        fresh = None
        if len(paired):
            self._count_outside(paired)
            requests, fresh = self._match(requests, paired)
        self._open = requests
        if len(self._again) > MANY_AGAIN:
            self._again = self._again.where(among(_asked_key(self._again), _asked_key(requests)))
        if len(self._open) > MOST_OPEN:
            self._open = self._open.where(np.argsort(self._open.number, kind="stable")[-MOST_OPEN:])
        return fresh

    def _count_outside(self, answers: Rows) -> None:
        acks = answers.where(answers.kind == ACK)
        head = self._flows.sequence.expected[acks.flow]
        way = (acks.psn - head + HALF) % MODULUS - HALF
        self.outside += int(np.count_nonzero((way > OUTSIDE) | (way < -OUTSIDE)))

    def _asked(self, walked: Walked | None) -> Rows:
        if walked is None:
            return no_rows()
        packets, found = walked.packets, walked.walk
        asks = _asking(packets.traits)
        asks = asks[~found.repeat[asks]]
        traits = packets.traits[asks]
        of_kind = [asks[traits & bit != 0] for bit in _ASKS]
        rows = np.concatenate(of_kind)
        return Rows(
            walked.flow[rows],
            np.repeat(list(_ASKS.values()), [len(some) for some in of_kind]),
            packets.psn[rows].astype(np.int64),
            found.at[rows],
            packets.number(rows),
            packets.t_ns(rows),
        )

    @staticmethod
    def _answers(packets: Packets, ids: Ints) -> Rows:
        rows = rows_of(packets.traits, IS_RESP)
        kind, syndrome = _ANSWERS[packets.opcode[rows]], packets.syndrome[rows]
        told = (kind >= 0) & ((kind != ACK) | (syndrome >> 5 == 0)) & (syndrome >= 0) & (ids[rows] > 0)
        rows, kind = rows[told], kind[told]
        psn, zero = packets.psn[rows].astype(np.int64), np.zeros(len(rows), np.int64)
        return Rows(ids[rows], kind, psn, zero, packets.number[rows], packets.t_ns[rows])

    def _note_repeats(self, walked: Walked | None) -> None:
        """Remember packets that came again: a response after one of them may answer either."""
        if walked is None:
            return
        rows = walked.walk.odd[walked.walk.repeat[walked.walk.odd]]
        if not len(rows):
            return
        packets, flow, at = walked.packets, walked.flow[rows], walked.walk.at[rows]
        self.kept.repeated(flow, at)
        columns = packets.psn[rows].astype(np.int64), at, packets.number(rows), packets.t_ns(rows)
        kinds = (Rows(flow, np.full(len(rows), kind), *columns) for kind in (ACK, READ, ATOMIC))
        self._again = joined_rows(self._again, *kinds)

    def note_damaged(self, packets: Packets) -> None:
        """Take in requests with a wrong ICRC: they were sent, so their PSN is ambiguous when it is sent again."""
        rows = np.flatnonzero(packets.traits & RC_REQ)[: MOST_OPEN - len(self._damaged)]
        columns = (packets.pair[rows].tolist(), packets.qpn[rows].tolist(), packets.psn[rows].tolist())
        self._damaged += zip(*columns, strict=True)

    def _take_damaged(self) -> None:
        """Move damaged requests to the repeated ones, as soon as their flows are known."""
        left = []
        for pair, qpn, psn in self._damaged:
            flow = self._flows.find(pair, qpn, REQ, _RC)
            if flow is None:
                left.append((pair, qpn, psn))
                continue
            head = int(self._flows.sequence.expected[flow])
            at = np.array([head + distance(psn, head % MODULUS)])
            self.kept.repeated(np.array([flow]), at)
        self._damaged = left

    def _match(self, requests: Rows, answers: Rows) -> tuple[Rows, Samples]:
        """Take a sample where the first row after a request with the same flow and PSN is an answer.

        Returns the requests that still wait, and the samples.
        """
        n = len(requests)
        rows = joined_rows(requests, self._again, answers)
        key = _asked_key(rows)
        order = in_order(key, rows.number)
        key, asks, answer = key[order], order < n, order >= n + len(self._again)
        hit = np.flatnonzero(asks[:-1] & answer[1:] & (key[1:] == key[:-1]))
        asked, answered = order[hit], order[hit + 1]
        rtt = rows.t_ns[answered] - rows.t_ns[asked]
        good = rtt >= 0
        fresh = Samples(rows.flow[asked], rows.kind[asked], rows.at[asked], rows.number[answered], rtt).where(good)
        self.kept.add(fresh)
        if self.kept.full:
            self._take_damaged()
            self.kept.age()
        left = np.ones(n, np.bool_)
        left[asked] = False
        return requests.where(left), fresh

    def samples(self) -> Samples:
        """Return what `Kept.samples` gives, with all that is known to be ambiguous taken back."""
        self._take_damaged()
        return self.kept.samples()


def _asked_key(rows: Rows) -> Ints:
    return (rows.flow << 2 | rows.kind) << 24 | rows.psn


def _asking(traits: Traits) -> Ints:
    """Return which packets ask for something: requests of RC with the bit set, READs and atomics always."""
    rows = rows_of(traits, ACK_REQ | IS_READ | IS_ATOMIC)
    asking: Ints = rows[traits[rows] & RC_REQ != 0]
    return asking


def _only_rc(operations: frozenset[int]) -> Flags:
    return np.array([op >> 5 == _RC and op & 0x1F in operations for op in range(256)], np.bool_)


_ANSWERS: Final = np.select(
    [
        _only_rc(frozenset({opcodes.ACKNOWLEDGE})),
        _only_rc(frozenset({0x0D, 0x10})),
        _only_rc(frozenset({opcodes.ATOMIC_ACKNOWLEDGE})),
    ],
    [ACK, READ, ATOMIC],
    -1,
)
