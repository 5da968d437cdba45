"""How long a link was told to be silent: priority flow control (IEEE 802.1Qbb) and pause (802.3x Annex 31B)."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from analysis.roce.frames import Ints
from analysis.roce.packets import Pauses
from analysis.roce.sequence import Segments

QUANTUM_BITS: Final = 512
PRIORITIES: Final = 8
_MOST_ASKERS: Final = 4096


class PauseTime:
    """Pause frames by priority. Paused time is known only with the link's speed, which no capture holds."""

    def __init__(self, link_gbps: float | None = None) -> None:
        self.frames = 0
        self.link_pauses = 0
        self.xoff = [0] * PRIORITIES
        self.xon = [0] * PRIORITIES
        self.quanta = [0] * PRIORITIES
        self._ns_per_quantum = QUANTUM_BITS / link_gbps if link_gbps else None
        self._paused_ns = [0.0] * PRIORITIES
        self._running: dict[tuple[int, int], tuple[int, float]] = {}
        """Of a device and a priority, the pause that runs: when it began, and how long it lasts."""

    def add(self, pauses: Pauses) -> None:
        """Take in frames: a new time replaces the running one, 0 ends it."""
        told = int(np.count_nonzero(pauses.classes >= 0))
        classes = np.maximum(pauses.classes, 0)  # a pause of the link speaks of none
        self.frames += told
        self.link_pauses += len(pauses.classes) - told
        for priority in range(PRIORITIES):
            rows = np.flatnonzero(classes >> priority & 1)
            quanta = pauses.quanta[rows, priority]
            xoff = int(np.count_nonzero(quanta))
            self.xoff[priority] += xoff
            self.xon[priority] += len(rows) - xoff
            self.quanta[priority] += int(quanta.sum())
            if self._ns_per_quantum is not None and len(rows):
                length_ns = quanta * self._ns_per_quantum
                self._add_time(priority, pauses.asker[rows], pauses.t_ns[rows], length_ns)

    def _add_time(self, priority: int, asker: Ints, t_ns: Ints, length_ns: NDArray[np.float64]) -> None:
        order = np.argsort(asker, kind="stable")
        t_ns, length_ns, of_asker = t_ns[order], length_ns[order], Segments.of(asker[order])
        newest = of_asker.end - 1
        lasted = np.minimum(length_ns[:-1], np.diff(t_ns))
        lasted[newest[:-1]] = 0
        self._paused_ns[priority] += float(np.maximum(lasted, 0).sum())
        columns = (of_asker.flow, t_ns[of_asker.first], t_ns[newest], length_ns[newest])
        for one, first, last, length in zip(*(column.tolist() for column in columns), strict=True):
            begun, lasts = self._running.pop((one, priority), (first, 0.0))
            self._paused_ns[priority] += max(0.0, min(lasts, first - begun))
            if length and len(self._running) < _MOST_ASKERS:
                self._running[one, priority] = last, length

    def paused_s(self, priority: int, end_ns: int) -> float | None:
        """Return the seconds of pause up to the end of the capture; None where the link's speed is not known."""
        if self._ns_per_quantum is None:
            return None
        running = (min(lasts, end_ns - begun) for (_, p), (begun, lasts) in self._running.items() if p == priority)
        return (self._paused_ns[priority] + sum(max(0.0, one) for one in running)) / 1e9
