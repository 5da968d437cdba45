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
    flows_of = [column[: flows.count].tolist() for column in (facts.pair, facts.qpn, facts.role, facts.group)]
    of_rc = [(flow, *row[:3]) for flow, row in enumerate(zip(*flows_of, strict=True)) if flow and row[3] == _RC]
    by_pair: dict[int, set[int]] = {}
    for _, pair, number, role in of_rc:
        if role in (REQ, RESP):
            by_pair.setdefault(pair, set()).add(number)
    for flow, pair, _, role in of_rc:
        there = by_pair.get(pair ^ 1, set())
        if role == REQ and len(by_pair[pair]) == len(there) == 1:
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
