"""Which QP is at the other end of a flow, by all that a capture tells."""

from typing import Final

from analysis.roce.fold import Fold
from analysis.roce.traits import REQ, RESP

_RC: Final = 0


def pairing(fold: Fold) -> dict[int, int]:
    """Return, by request flow, the requester's QP: told by CM or by matching PSNs, else the only candidate."""
    facts, flows = fold.flows.facts, fold.flows
    found = {request: int(facts.qpn[answer]) for answer, request in fold.peers.request_of.items()}
    for (pair, answers_to), told in fold.peers.connected.items():
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


def ends(fold: Fold, pairs: dict[int, int]) -> dict[tuple[int, int], int]:
    """Return (host pair, destination QP): the QP at the other end, in both directions."""
    facts = fold.flows.facts
    known = {}
    for flow, other in pairs.items():
        pair, number = int(facts.pair[flow]), int(facts.qpn[flow])
        known[pair, number] = other
        known[pair ^ 1, other] = number
    return known
