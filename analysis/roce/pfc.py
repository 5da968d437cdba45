"""How long a link was told to be silent: priority flow control (IEEE 802.1Qbb) and pause (802.3x Annex 31B)."""

from typing import Final

from analysis.roce.packets import Pause

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
        self._until: dict[tuple[str, int], tuple[float, float]] = {}

    def add(self, pause: Pause) -> None:
        """Take in one frame: a new time replaces the running one, 0 ends it."""
        if pause.classes is None:
            self.link_pauses += 1
            return
        self.frames += 1
        for priority in range(PRIORITIES):
            if pause.classes >> priority & 1:
                self._one(pause.asker, priority, pause.t_ns, pause.quanta[priority])

    def _one(self, asker: str, priority: int, t_ns: int, quanta: int) -> None:
        counts = self.xoff if quanta else self.xon
        counts[priority] += 1
        self.quanta[priority] += quanta
        if self._ns_per_quantum is None or len(self._until) > _MOST_ASKERS:
            return
        begun, until = self._until.pop((asker, priority), (0.0, 0.0))
        self._paused_ns[priority] += max(0.0, min(until, t_ns) - begun)
        if quanta:
            self._until[asker, priority] = float(t_ns), t_ns + quanta * self._ns_per_quantum

    def paused_s(self, priority: int, end_ns: int) -> float | None:
        """Return the seconds of pause up to the end of the capture; None where the link's speed is not known."""
        if self._ns_per_quantum is None:
            return None
        running = (min(until, end_ns) - begun for (_, p), (begun, until) in self._until.items() if p == priority)
        return (self._paused_ns[priority] + sum(max(0.0, one) for one in running)) / 1e9
