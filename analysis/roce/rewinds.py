"""Go-back-N rewinds one by one: when, how deep, and what set them off."""

from collections import deque
from typing import Final, Literal

import msgspec
import numpy as np

from analysis.roce.flows import Flows, Walked
from analysis.roce.packets import Packets
from analysis.roce.psn import MODULUS
from analysis.roce.traits import READ, RESP

Trigger = Literal["nak", "rnr", "read", "timeout", "other"]
"""A NAK, a receiver that was not ready, missing READ responses, silence; or none, as when packets overtake."""
TIMEOUT_NS: Final = 1_000_000
"""Least silence that is taken for a retransmission timer (4.096 µs · 2^n; what is set in practice is longer)."""
MOST_KEPT: Final = 10_000
_MOST_NAKS: Final = 1 << 16
_RNR_KIND, _NAK_KIND = 1, 3
_NOT_ACK: Final = 0x20
"""Syndromes below are ACKs."""


class Rewind(msgspec.Struct, frozen=True):
    """One step back after which PSNs came again."""

    flow: int
    t_ns: int
    psn: int
    depth: int
    """PSNs between where it went back to and the next new one."""
    idle_ns: int
    """How long the flow had been silent."""
    trigger: Trigger


class _Start(msgspec.Struct, frozen=True):
    number: int
    previous: int
    """Frame of the flow's step back before this one: a NAK sets off one rewind only."""
    rewind: Rewind


class Rewinds:
    """The newest rewinds of all flows."""

    def __init__(self, flows: Flows) -> None:
        self.log: deque[Rewind] = deque(maxlen=MOST_KEPT)
        self._flows = flows
        self._starts: dict[int, _Start] = {}
        self._naks: dict[tuple[int, int], list[tuple[int, bool]]] = {}

    def note_naks(self, packets: Packets) -> None:
        """Remember NAKs by the requests they speak of. Call with a batch before its requests."""
        for row in np.flatnonzero(packets.syndrome >= _NOT_ACK).tolist():
            kind = int(packets.syndrome[row]) >> 5 & 3
            if kind in (_RNR_KIND, _NAK_KIND):
                key = int(packets.pair[row]) ^ 1, int(packets.psn[row])
                self._naks.setdefault(key, []).append((int(packets.number[row]), kind == _RNR_KIND))
        while len(self._naks) > _MOST_NAKS:
            del self._naks[next(iter(self._naks))]

    def add(self, walked: Walked) -> None:
        """Find the rewinds among walked packets."""
        odd, found = walked.walk.odd, walked.walk
        rows = odd[found.step_back[odd] | found.rewind[odd]]
        packets, flows = walked.packets, walked.flow[rows].tolist()
        columns = (
            packets.number(rows),
            packets.t_ns(rows),
            walked.t_before(rows),
            found.at[rows],
            found.ahead[rows],
            packets.traits[rows] & READ != 0,
        )
        steps = zip(*(column.tolist() for column in columns), strict=True)
        for flow, back, step in zip(flows, found.step_back[rows].tolist(), steps, strict=True):
            if back:
                self._start(flow, *step)
            elif flow in self._starts:
                self._count(self._starts[flow].rewind)

    def _start(self, flow: int, number: int, t_ns: int, t_before: int, at: int, ahead: int, read: bool) -> None:
        before = self._starts.get(flow)
        previous = before.number if before is not None else 0
        idle_ns = t_ns - t_before
        trigger = self._trigger(flow, at % MODULUS, previous, number)
        if trigger is None:
            trigger = "read" if read else "timeout" if idle_ns >= TIMEOUT_NS else "other"
        self._starts[flow] = _Start(number, previous, Rewind(flow, t_ns, at % MODULUS, -ahead, idle_ns, trigger))

    def _trigger(self, flow: int, psn: int, after: int, before: int) -> Trigger | None:
        """Return what the responder said about this PSN between two frames."""
        facts = self._flows.facts
        if facts.role[flow] == RESP:
            return "read"
        naks = self._naks.get((int(facts.pair[flow]), psn), ())
        told = [rnr for number, rnr in naks if after < number < before]
        return ("rnr" if any(told) else "nak") if told else None

    def _count(self, rewind: Rewind) -> None:
        self.log.append(rewind)
        getattr(self._flows.counters, f"rewinds_{rewind.trigger}")[rewind.flow] += 1
