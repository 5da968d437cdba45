"""Round-trip times: requests matched with the responses that name their very PSN, and which QPs belong together.

Samples follow Karn: a PSN that its flow carries more than once gives none, even when it is repeated later on.
"""

import heapq
import math
from typing import Final

import msgspec
import numpy as np

from analysis.roce import opcodes
from analysis.roce.decode import GROUP, REQ, ROLE, Packets
from analysis.roce.flows import Flows, Walked
from analysis.roce.frames import Flags, Ints
from analysis.roce.psn import HALF, MODULUS, distance

ACK, READ, ATOMIC = range(3)
"""What a round trip consists of: request and ACK, READ request and its first response, atomic and its ACK."""

VOTES: Final = 16
"""Responses of a QP that are looked at to find the requests they answer."""
MOST_OPEN: Final = 1 << 15
"""Requests that wait for a response with their PSN; the oldest are let go. ACKs coalesce, so many wait for ever."""
MOST_SAMPLES: Final = 1 << 20
AGED_STEP: Final = 0.02
"""Relative width of the bins in which older samples are counted."""
OUTSIDE: Final = 1 << 20
"""An ACK this far from the newest request is of nothing that was sent; nearer ones may be of packets not captured."""
_RC: Final = 0


class Rows(msgspec.Struct, frozen=True):
    """Requests or responses, in capture order."""

    flow: Ints
    """Request flow; for responses the flow of the response."""
    kind: Ints
    psn: Ints
    at: Ints
    """Unwrapped PSN of requests; 0 for responses."""
    number: Ints
    t_ns: Ints

    def where(self, wanted: Flags | Ints) -> "Rows":
        """Return some of the rows."""
        return Rows(*(getattr(self, name)[wanted] for name in self.__struct_fields__))

    def __len__(self) -> int:
        return len(self.flow)


def _joined(*parts: Rows) -> Rows:
    return Rows(*(np.concatenate([getattr(part, name) for part in parts]) for name in Rows.__struct_fields__))


def _no_rows() -> Rows:
    return Rows(*(np.zeros(0, np.int64) for _ in Rows.__struct_fields__))


class Samples(msgspec.Struct, frozen=True):
    """Round trips; `flow` is that of the request, `number` the response's frame."""

    flow: Ints
    kind: Ints
    at: Ints
    number: Ints
    rtt_ns: Ints

    def where(self, wanted: Flags | Ints | slice) -> "Samples":
        """Return some of the samples."""
        return Samples(*(getattr(self, name)[wanted] for name in self.__struct_fields__))


class RoundTrips:
    """Finds QP pairs and round trips while packets come in."""

    def __init__(self, flows: Flows) -> None:
        self.peer: dict[int, int] = {}
        """Response flow: the request flow it answers."""
        self.outside = 0
        """ACKs of PSNs far from anything their flow has sent."""
        self.decided_at: dict[int, int] = {}
        """Response flow: the frame at which that became clear."""
        self.connected: dict[tuple[int, int], list[tuple[int, int]]] = {}
        """From CM: (host pair, QP) of responses, and (frame, QP of the requests they answer)."""
        self._peers = np.full(64, -1)
        self._flows = flows
        self._open = _no_rows()
        self._again = _no_rows()
        self._undecided = _no_rows()
        self._by_pair: dict[int, list[int]] = {}
        self._known_flows = 1
        self._samples: list[Samples] = []
        self._taken = 0
        self.aged: dict[tuple[int, int], dict[int, int]] = {}
        """Round trips too many to keep: (flow, kind), then count by ns, within `AGED_STEP` of the truth."""
        self._repeated: list[Ints] = []
        self._damaged: list[tuple[int, int, int]] = []

    def add(self, walked: Walked | None, responses: Packets, ids: Ints, *, last: bool = False) -> Samples | None:
        """Take in walked packets, and responses (READ responses too) with their flows. Return new samples.

        `last`: decide now on pairs that few answers speak for.
        """
        asked = self._asked(walked)
        answers = self._answers(responses, ids)
        self._note_repeats(walked)
        requests = _joined(self._open, asked) if len(asked) else self._open
        self._find_pairs(requests, answers, last=last)
        paired = self._take_paired(answers)
        fresh = None
        if len(paired):
            self._count_outside(paired)
            requests, fresh = self._match(requests, paired)
        self._open = requests
        if len(self._again):
            self._again = self._again.where(np.isin(_asked_key(self._again), _asked_key(requests)))
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
            return _no_rows()
        packets, found = walked.packets, walked.walk
        opcode = packets.opcode
        asks = np.flatnonzero(_ASKS[opcode] | (packets.ack_req & _RC_REQUEST[opcode]))
        asks = asks[~found.repeat[asks]]
        parts = []
        for kind, wanted in (
            (ACK, packets.ack_req[asks]),
            (READ, _READS[opcode[asks]]),
            (ATOMIC, _ATOMICS[opcode[asks]]),
        ):
            rows = asks[wanted]
            parts.append(
                Rows(
                    walked.flow[rows],
                    np.full(len(rows), kind),
                    packets.psn[rows],
                    found.at[rows],
                    packets.number[rows],
                    packets.t_ns[rows],
                )
            )
        return _joined(*parts)

    @staticmethod
    def _answers(packets: Packets, ids: Ints) -> Rows:
        kind = _ANSWERS[packets.opcode]
        rows = np.flatnonzero(
            (kind >= 0) & ((kind != ACK) | (packets.syndrome >> 5 == 0)) & (packets.syndrome >= 0) & (ids > 0)
        )
        zero = np.zeros(len(rows), np.int64)
        return Rows(ids[rows], kind[rows], packets.psn[rows], zero, packets.number[rows], packets.t_ns[rows])

    def _note_repeats(self, walked: Walked | None) -> None:
        """Remember packets that came again: a response after one of them may answer either."""
        rows = np.flatnonzero(walked.walk.repeat) if walked is not None else np.zeros(0, np.int64)
        if walked is None or not len(rows):
            return
        packets, flow, at = walked.packets, walked.flow[rows], walked.walk.at[rows]
        self._repeated.append(_key(flow, at))
        columns = packets.psn[rows], at, packets.number[rows], packets.t_ns[rows]
        kinds = (Rows(flow, np.full(len(rows), kind), *columns) for kind in (ACK, READ, ATOMIC))
        self._again = _joined(self._again, *kinds)

    def note_damaged(self, packets: Packets) -> None:
        """Take in requests with a wrong ICRC: they were sent, so their PSN is ambiguous when it is sent again."""
        rows = np.flatnonzero(_RC_REQUEST[packets.opcode])[: MOST_OPEN - len(self._damaged)]
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
            self._repeated.append(_key(np.array([flow]), at))
        self._damaged = left

    # --- pairs ---

    def connect(self, pair: int, answers_to: int, asks_for: int, number: int) -> None:
        """Learn from a CM message: responses of a host pair to one QP answer requests to the QP of the other."""
        self.connected.setdefault((pair, answers_to), []).append((number, asks_for))

    def _told(self, response: int, number: int) -> int | None:
        """Return the request flow that CM messages before a frame name, if it has sent anything by then."""
        facts = self._flows.facts
        pair = int(facts.pair[response])
        for frame, qpn in self.connected.get((pair, int(facts.qpn[response])), ()):
            flow = self._flows.find(pair ^ 1, qpn, REQ, _RC) if frame < number else None
            if flow is not None and 0 < facts.first_number[flow] < number:
                return flow
        return None

    def _pair(self, response: int, request: int, number: int) -> None:
        self.peer[response], self.decided_at[response] = request, number
        self._requests_of(np.array([response]))
        self._peers[response] = request

    def _requests_of(self, responses: Ints) -> Ints:
        """Return the request flows that response flows answer; -1 where that is not known."""
        if len(self._peers) < self._flows.count:
            self._peers = np.concatenate([self._peers, np.full(self._flows.count, -1)])
        requests: Ints = self._peers[responses]
        return requests

    def _find_pairs(self, requests: Rows, answers: Rows, *, last: bool) -> None:
        """Pair each response flow that has enough answers to judge by, in the order in which they had them."""
        unknown = self._requests_of(answers.flow) < 0
        waiting = _joined(self._undecided, answers.where(unknown)) if unknown.any() else self._undecided
        self._undecided = waiting
        if not len(waiting):
            return
        self._sort_new_flows()
        let_go = np.zeros(len(waiting), np.bool_)
        ready = _ballots(waiting, last=last)
        heapq.heapify(ready)
        while ready:
            number, flow, rows = heapq.heappop(ready)
            request = self._told(flow, number)
            if request is None:
                request = self._elect(flow, requests, waiting.where(rows[:VOTES]))
            if request is not None:
                self._pair(flow, request, number)
                continue
            let_go[rows[:VOTES]] = True
            again = _ballot(waiting, flow, rows[VOTES:], last=last)
            if again is not None:
                heapq.heappush(ready, again)
        self._undecided = waiting.where(~let_go) if let_go.any() else waiting

    def _sort_new_flows(self) -> None:
        facts = self._flows.facts
        for flow in range(self._known_flows, self._flows.count):
            if facts.role[flow] == REQ and facts.group[flow] == _RC:
                self._by_pair.setdefault(int(facts.pair[flow]), []).append(flow)
        self._known_flows = self._flows.count

    def _elect(self, response: int, requests: Rows, answers: Rows) -> int | None:
        """Return the request flow that most of these answers fit; among equals the one they follow soonest."""
        candidates = self._by_pair.get(int(self._flows.facts.pair[response]) ^ 1)
        if candidates is None:
            return None
        answered: dict[tuple[int, int], int] = {}
        for kind, psn, number in zip(
            answers.kind.tolist(), answers.psn.tolist(), answers.number.tolist(), strict=True
        ):
            answered.setdefault((kind, psn), number)
        asked = requests.where(np.isin(requests.flow, candidates) & np.isin(requests.psn, answers.psn))
        fits: dict[int, list[int]] = {}
        columns = (asked.flow.tolist(), asked.kind.tolist(), asked.psn.tolist(), asked.number.tolist())
        for flow, kind, psn, number in zip(*columns, strict=True):
            way = answered.get((kind, psn), 0) - number
            if way > 0:
                fits.setdefault(flow, []).append(way)
        taken = set(self.peer.values())
        return max(fits, key=lambda flow: (len(fits[flow]), flow not in taken, -sum(fits[flow])), default=None)

    def _take_paired(self, answers: Rows) -> Rows:
        """Return the answers whose requests are known, with the request's flow, among them those that had to wait."""
        if not self.peer:
            return _no_rows()
        waited = self._undecided
        rows = answers.where(~np.isin(answers.flow, waited.flow)) if len(waited) else answers
        if len(waited):
            decided = self._requests_of(waited.flow) >= 0
            rows = _joined(waited.where(decided), rows)
            self._undecided = waited.where(~decided)
        requests = self._requests_of(rows.flow)
        rows = Rows(requests, rows.kind, rows.psn, rows.at, rows.number, rows.t_ns)
        return rows.where(requests >= 0)

    # --- samples ---

    def _match(self, requests: Rows, answers: Rows) -> tuple[Rows, Samples]:
        """Take a sample where the first row after a request with the same flow and PSN is an answer.

        Returns the requests that still wait, and the samples.
        """
        n = len(requests)
        rows = _joined(requests, self._again, answers)
        key = _asked_key(rows)
        order = np.lexsort((rows.number, key))
        key, asks, answer = key[order], order < n, order >= n + len(self._again)
        hit = np.flatnonzero(asks[:-1] & answer[1:] & (key[1:] == key[:-1]))
        asked, answered = order[hit], order[hit + 1]
        rtt = rows.t_ns[answered] - rows.t_ns[asked]
        good = rtt >= 0
        fresh = Samples(rows.flow[asked], rows.kind[asked], rows.at[asked], rows.number[answered], rtt).where(good)
        self._samples.append(fresh)
        self._taken += len(fresh.flow)
        if sum(len(part.flow) for part in self._samples) > MOST_SAMPLES:
            self._age()
        left = np.ones(n, np.bool_)
        left[asked] = False
        return requests.where(left), fresh

    def since(self, count: int) -> tuple[Samples, int]:
        """Return the samples taken after the first `count` ever taken, and how many there were up to now.

        Unlike `samples` these are what was known at the time: a later repeat does not take them back.
        """
        fresh: list[Samples] = []
        missing = self._taken - count
        for part in reversed(self._samples):
            if missing <= 0:
                break
            fresh.append(part.where(slice(-missing, None)))
            missing -= len(part.flow)
        return _all(fresh[::-1]), self._taken

    def samples(self) -> Samples:
        """Return the newest samples, all of them up to `MOST_SAMPLES`, without those whose PSN came again."""
        self._take_damaged()
        kept = _all(self._samples)
        if self._repeated:
            self._repeated = [np.unique(np.concatenate(self._repeated))]
            kept = kept.where(~np.isin(_key(kept.flow, kept.at), self._repeated[0]))
        return kept

    def _age(self) -> None:
        """Turn the older half of too many samples into histograms."""
        kept = self.samples()
        half = len(kept.flow) // 2
        old = kept.where(slice(half))
        self._samples, self._repeated = [kept.where(slice(half, None))], []
        key = (old.flow << 2 | old.kind) << 16 | np.round(np.log(np.maximum(old.rtt_ns, 1)) / AGED_STEP).astype(
            np.int64
        )
        for one, n in zip(*(column.tolist() for column in np.unique(key, return_counts=True)), strict=True):
            bins = self.aged.setdefault((one >> 18, one >> 16 & 3), {})
            value = round(math.exp((one & 0xFFFF) * AGED_STEP))
            bins[value] = bins.get(value, 0) + n


def _all(parts: list[Samples]) -> Samples:
    nothing = Samples(*(np.zeros(0, np.int64) for _ in Samples.__struct_fields__))
    names = Samples.__struct_fields__
    return Samples(*(np.concatenate([getattr(part, name) for part in (nothing, *parts)]) for name in names))


_Ballot = tuple[int, int, Ints]
"""Frame number at which a response flow can be judged, the flow, and its answers that have waited."""


def _ballots(waiting: Rows, *, last: bool) -> list[_Ballot]:
    order = np.argsort(waiting.flow, kind="stable")
    flows, first = np.unique(waiting.flow[order], return_index=True)
    parts = np.split(order, first[1:])
    found = (_ballot(waiting, flow, rows, last=last) for flow, rows in zip(flows.tolist(), parts, strict=True))
    return [one for one in found if one is not None]


def _ballot(waiting: Rows, flow: int, rows: Ints, *, last: bool) -> _Ballot | None:
    if not len(rows) or (len(rows) < VOTES and not last):
        return None
    return int(waiting.number[rows[:VOTES][-1]]), flow, rows


def _asked_key(rows: Rows) -> Ints:
    return (rows.flow << 2 | rows.kind) << 24 | rows.psn


def _key(flow: Ints, at: Ints) -> Ints:
    return flow << 44 | at & (1 << 44) - 1


def _only_rc(operations: frozenset[int]) -> Flags:
    return np.array([op >> 5 == _RC and op & 0x1F in operations for op in range(256)], np.bool_)


_RC_REQUEST: Final = (ROLE == REQ) & (GROUP == _RC)
_READS: Final = _only_rc(frozenset({opcodes.READ_REQUEST}))
_ATOMICS: Final = _only_rc(opcodes.ATOMICS)
_ASKS: Final = _READS | _ATOMICS
_ANSWERS: Final = np.select(
    [
        _only_rc(frozenset({opcodes.ACKNOWLEDGE})),
        _only_rc(frozenset({0x0D, 0x10})),
        _only_rc(frozenset({opcodes.ATOMIC_ACKNOWLEDGE})),
    ],
    [ACK, READ, ATOMIC],
    -1,
)
