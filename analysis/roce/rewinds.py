"""Go-back-N rewinds one by one: when, how deep, and what set them off."""

from bisect import bisect_left, bisect_right
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
_KEPT_NAKS: Final = 64
"""Of one PSN, from batches before."""
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
    rewind: Rewind


class _Naks:
    """What was said about one PSN, in a storm again and again: frames, and whether the receiver was not ready."""

    def __init__(self) -> None:
        self.numbers: list[int] = []
        self.rnr: list[bool] = []

    def between(self, after: int, before: int) -> list[bool]:
        """Return what was said between two frames."""
        return self.rnr[bisect_right(self.numbers, after) : bisect_left(self.numbers, before)]

    def forget(self) -> None:
        """Keep the newest only."""
        del self.numbers[:-_KEPT_NAKS], self.rnr[:-_KEPT_NAKS]


class Rewinds:
    """The newest rewinds of all flows."""

    def __init__(self, flows: Flows) -> None:
        self.log: deque[Rewind] = deque(maxlen=MOST_KEPT)
        self._flows = flows
        self._starts: dict[int, _Start] = {}
        self._naks: dict[tuple[int, int], _Naks] = {}
        self._noted: set[tuple[int, int]] = set()
        """Of which the newest batch brought more than are kept."""

    def note_naks(self, packets: Packets) -> None:
        """Remember NAKs by the requests they speak of. Call with a batch before its requests."""
        for key in self._noted & self._naks.keys():
            self._naks[key].forget()
        self._noted.clear()
        for row in np.flatnonzero(packets.syndrome >= _NOT_ACK).tolist():
            kind = int(packets.syndrome[row]) >> 5 & 3
            if kind in (_RNR_KIND, _NAK_KIND):
                key = int(packets.pair[row]) ^ 1, int(packets.psn[row])
                naks = self._naks.setdefault(key, _Naks())
                naks.numbers.append(int(packets.number[row]))
                naks.rnr.append(kind == _RNR_KIND)
                if len(naks.rnr) > _KEPT_NAKS:
                    self._noted.add(key)
        while len(self._naks) > _MOST_NAKS:
            del self._naks[next(iter(self._naks))]

    def add(self, walked: Walked) -> None:
        """Find the rewinds among walked packets."""
        odd, found = walked.walk.odd, walked.walk
        rows = odd[found.step_back[odd] | found.rewind[odd]]
        if not len(rows):
            return
        flow, back, number = walked.flow[rows], found.step_back[rows], walked.packets.number(rows)
        # of several steps back without a rewind in between only the last can become one
        again = back[1:] & back[:-1] & (flow[1:] == flow[:-1])
        previous = np.where(np.append(False, again), np.roll(number, 1), 0)
        last = np.flatnonzero(~np.append(again, False))
        rows = rows[last]
        columns = (
            number[last],
            previous[last],
            walked.packets.t_ns(rows),
            walked.t_before(rows),
            found.at[rows],
            found.ahead[rows],
            walked.packets.traits[rows] & READ != 0,
        )
        steps = zip(*(column.tolist() for column in columns), strict=True)
        for one, begins, step in zip(flow[last].tolist(), back[last].tolist(), steps, strict=True):
            if begins:
                self._start(one, *step)
            elif one in self._starts:
                self._count(self._starts[one].rewind)

    def _start(
        self, flow: int, number: int, previous: int, t_ns: int, t_before: int, at: int, ahead: int, read: bool
    ) -> None:
        """Remember a step back.

        `previous` is the frame of the one before, as a NAK sets off one rewind only; 0 where that is remembered.
        """
        if not previous and flow in self._starts:
            previous = self._starts[flow].number
        idle_ns = t_ns - t_before
        trigger = self._trigger(flow, at % MODULUS, previous, number)
        if trigger is None:
            trigger = "read" if read else "timeout" if idle_ns >= TIMEOUT_NS else "other"
        self._starts[flow] = _Start(number, Rewind(flow, t_ns, at % MODULUS, -ahead, idle_ns, trigger))

    def _trigger(self, flow: int, psn: int, after: int, before: int) -> Trigger | None:
        """Return what the responder said about this PSN between two frames."""
        facts = self._flows.facts
        if facts.role[flow] == RESP:
            return "read"
        naks = self._naks.get((int(facts.pair[flow]), psn))
        told = naks.between(after, before) if naks is not None else ()
        return ("rnr" if any(told) else "nak") if told else None

    def _count(self, rewind: Rewind) -> None:
        self.log.append(rewind)
        getattr(self._flows.counters, f"rewinds_{rewind.trigger}")[rewind.flow] += 1
