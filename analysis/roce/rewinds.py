"""Go-back-N rewinds one by one: when, how deep, and what set them off."""

from collections import deque
from typing import Final, Literal

import msgspec
import numpy as np

from analysis.roce.decode import Packets
from analysis.roce.flows import Flows, Walked
from analysis.roce.psn import MODULUS
from analysis.roce.traits import READ, RESP

Trigger = Literal["nak", "rnr", "read", "timeout", "other"]
"""A NAK, a receiver that was not ready, missing READ responses, silence; or none, as when packets overtake."""
TIMEOUT_NS: Final = 1_000_000
"""Least silence that is taken for a retransmission timer (4.096 µs · 2^n; what is set in practice is longer)."""
MOST_KEPT: Final = 10_000
_MOST_NAKS: Final = 1 << 16
_RNR_KIND, _NAK_KIND = 1, 3
_NOT_ACK: Final = 0x60


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
        # -1, of packets without syndrome, would be a NAK
        for row in np.flatnonzero((packets.syndrome & _NOT_ACK != 0) & (packets.syndrome >= 0)).tolist():
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
        columns = (rows, walked.flow[rows], found.step_back[rows], walked.t_before(rows))
        for row, flow, back, t_before in zip(*(column.tolist() for column in columns), strict=True):
            if back:
                self._start(flow, row, walked, t_before)
            elif flow in self._starts:
                self._count(self._starts[flow].rewind)

    def _start(self, flow: int, row: int, walked: Walked, t_before: int) -> None:
        packets, number = walked.packets, int(walked.packets.number[row])
        before = self._starts.get(flow)
        previous = before.number if before is not None else 0
        t_ns, at = int(packets.t_ns[row]), int(walked.walk.at[row])
        idle_ns = t_ns - t_before
        trigger = self._trigger(flow, at % MODULUS, previous, number)
        if trigger is None:
            read = packets.traits[row] & READ
            trigger = "read" if read else "timeout" if idle_ns >= TIMEOUT_NS else "other"
        rewind = Rewind(flow, t_ns, at % MODULUS, -int(walked.walk.ahead[row]), idle_ns, trigger)
        self._starts[flow] = _Start(number, previous, rewind)

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
