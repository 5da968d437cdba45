"""How long a link was told to be silent: priority flow control (IEEE 802.1Qbb) and pause (802.3x Annex 31B)."""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from analysis.roce.frames import Ints
from analysis.roce.packets import Pauses
from analysis.roce.sequence import Segments

QUANTUM_BITS: Final = 512
PRIORITIES: Final = 8
_MOST_ASKERS: Final = 4096


class _Silence(NamedTuple):
    """How long one device has had a priority silent: what is over, and the pause that runs."""

    over_ns: float
    begun_ns: int
    lasts_ns: float

    def until(self, t_ns: int) -> float:
        return self.over_ns + max(0.0, min(self.lasts_ns, t_ns - self.begun_ns))


class PauseTime:
    """Pause frames by priority. Paused time is known only with the link's speed, which no capture holds."""

    def __init__(self, link_gbps: float | None = None) -> None:
        self.frames = 0
        self.link_pauses = 0
        self.xoff = [0] * PRIORITIES
        self.xon = [0] * PRIORITIES
        self.quanta = [0] * PRIORITIES
        self._ns_per_quantum = QUANTUM_BITS / link_gbps if link_gbps else None
        self._silences: dict[tuple[int, int], _Silence] = {}
        """By device and priority."""

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
        lasted = np.minimum(length_ns, np.diff(t_ns, append=0))
        lasted[newest] = 0
        over_ns = np.add.reduceat(np.maximum(lasted, 0), of_asker.first)
        columns = (of_asker.flow, t_ns[of_asker.first], over_ns, t_ns[newest], length_ns[newest])
        for one, first, over, last, length in zip(*(column.tolist() for column in columns), strict=True):
            before = self._silences.get((one, priority), _Silence(0.0, first, 0.0))
            if (one, priority) in self._silences or len(self._silences) < _MOST_ASKERS:
                self._silences[one, priority] = _Silence(before.until(first) + over, last, length)

    def paused_s(self, priority: int, end_ns: int) -> float | None:
        """Return the seconds, to the end of the capture, that the device which paused longest had its link silent.

        Pauses of several devices silence several links, so they are not added up. None without the link's speed.
        """
        if self._ns_per_quantum is None:
            return None
        silent_ns = (silence.until(end_ns) for (_, of), silence in self._silences.items() if of == priority)
        return max(silent_ns, default=0.0) / 1e9
