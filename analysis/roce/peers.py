"""Which requests a flow of responses answers: told by connection management, else elected by matching PSNs."""

import heapq
from typing import Final

import msgspec
import numpy as np

from analysis.roce.flows import Flows
from analysis.roce.frames import Ints, among, distinct
from analysis.roce.rows import Rows, joined_rows, no_rows
from analysis.roce.traits import REQ

VOTES: Final = 16
"""Responses of a QP that are looked at to find the requests they answer."""
_RC: Final = 0


class _ByPsn(msgspec.Struct, frozen=True):
    """Requests to be asked for by PSN."""

    rows: Rows
    order: Ints
    psn: Ints
    """In that order."""
    pairs: set[int]
    """Host pairs that have any."""

    @classmethod
    def of(cls, rows: Rows, pairs: Ints) -> "_ByPsn":
        order = np.argsort(rows.psn, kind="stable")
        return cls(rows, order, rows.psn[order], set(distinct(pairs[rows.flow]).tolist()))

    def that_have(self, psns: Ints) -> Rows:
        """Return the requests with some PSNs, in capture order."""
        low, high = (np.searchsorted(self.psn, psns, side).tolist() for side in ("left", "right"))
        places = [self.order[first:end] for first, end in zip(low, high, strict=True)]
        return self.rows.where(np.sort(np.concatenate(places)))


class Peers:
    """Pairs response flows with request flows while packets come in."""

    def __init__(self, flows: Flows) -> None:
        self.request_of: dict[int, int] = {}
        """Response flow: the request flow it answers."""
        self.connected: dict[tuple[int, int], list[tuple[int, int]]] = {}
        """From CM: (host pair, QP) of responses, and (frame, QP of the requests they answer)."""
        self._flows = flows
        self._undecided = no_rows()
        self._taken: set[int] = set()
        """The requests that are known to be answered."""

    def connect(self, pair: int, answers_to: int, asks_for: int, number: int) -> None:
        """Learn from a CM message: responses of a host pair to one QP answer requests to the QP of the other."""
        self.connected.setdefault((pair, answers_to), []).append((number, asks_for))

    def find(self, requests: Rows, answers: Rows, *, last: bool) -> None:
        """Pair each response flow that has enough answers to judge by, in the order in which they had them."""
        unknown = self._flows.facts.answers[answers.flow] == 0
        waiting = joined_rows(self._undecided, answers.where(unknown)) if unknown.any() else self._undecided
        self._undecided = waiting
        if not len(waiting):
            return
        ready = _ballots(waiting, last=last)
        if not ready:
            return
        heapq.heapify(ready)
        by_psn = _ByPsn.of(requests, self._flows.facts.pair)
        let_go = np.zeros(len(waiting), np.bool_)
        while ready:
            number, flow, rows = heapq.heappop(ready)
            request = self._told(flow, number)
            if request is None:
                request = self._elect(flow, by_psn, waiting.where(rows[:VOTES]))
            if request is not None:
                self._pair(flow, request, number)
                continue
            if not self._has_candidates(flow, by_psn):
                let_go[rows if last else rows[: len(rows) // VOTES * VOTES]] = True
                continue
            let_go[rows[:VOTES]] = True
            again = _ballot(waiting, flow, rows[VOTES:], last=last)
            if again is not None:
                heapq.heappush(ready, again)
        self._undecided = waiting.where(~let_go) if let_go.any() else waiting

    def take_paired(self, answers: Rows) -> Rows:
        """Return the answers whose requests are known, with the request's flow, among them those that had to wait."""
        if not self.request_of:
            return no_rows()
        waited = self._undecided
        rows = answers.where(~among(answers.flow, waited.flow)) if len(waited) else answers
        if len(waited):
            decided = self._flows.facts.answers[waited.flow] > 0
            rows = joined_rows(waited.where(decided), rows)
            self._undecided = waited.where(~decided)
        requests = self._flows.facts.answers[rows.flow]
        rows = Rows(requests, rows.kind, rows.psn, rows.at, rows.number, rows.t_ns)
        return rows.where(requests > 0)

    def _told(self, response: int, number: int) -> int | None:
        """Return the request flow that CM messages before a frame name, if it has sent anything by then."""
        facts = self._flows.facts
        pair = int(facts.pair[response])
        for frame, qpn in self.connected.get((pair, int(facts.qpn[response])), ()):
            flow = self._flows.find(pair ^ 1, qpn, REQ, _RC) if frame < number else None
            if flow is not None and 0 < facts.first_number[flow] < number:
                return flow
        return None

    def _has_candidates(self, response: int, requests: "_ByPsn") -> bool:
        """Tell whether any requests could be what a flow of responses answers: in half a capture there are none."""
        facts = self._flows.facts
        pair = int(facts.pair[response])
        return pair ^ 1 in requests.pairs or (pair, int(facts.qpn[response])) in self.connected

    def _pair(self, response: int, request: int, number: int) -> None:
        facts = self._flows.facts
        self.request_of[response] = facts.answers[response] = request
        self._taken.add(request)
        facts.decided_at[request] = number

    def _elect(self, response: int, requests: "_ByPsn", answers: Rows) -> int | None:
        """Return the request flow that most of these answers fit; among equals the one they follow soonest."""
        pairs = self._flows.facts.pair
        asked = requests.that_have(distinct(answers.psn))
        asked = asked.where(pairs[asked.flow] == pairs[response] ^ 1)
        answered: dict[tuple[int, int], int] = {}
        for kind, psn, number in zip(
            answers.kind.tolist(), answers.psn.tolist(), answers.number.tolist(), strict=True
        ):
            answered.setdefault((kind, psn), number)
        fits: dict[int, list[int]] = {}
        columns = (asked.flow.tolist(), asked.kind.tolist(), asked.psn.tolist(), asked.number.tolist())
        for flow, kind, psn, number in zip(*columns, strict=True):
            way = answered.get((kind, psn), 0) - number
            if way > 0:
                fits.setdefault(flow, []).append(way)
        return max(fits, key=lambda flow: (len(fits[flow]), flow not in self._taken, -sum(fits[flow])), default=None)


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
