"""How much of the past is kept of what comes once a second."""

from collections import deque
from typing import Final, TypeVar

from analysis.samples import Sample

PEAK_NS: Final = 300 * 10**9
"""How long a link's highest throughput counts as what the link can do."""

S = TypeVar("S", bound=Sample)


class Recent(deque[S]):
    """Samples of one kind over the last `keep_ns`, and always the last two.

    Before these only the first in each `every_ns` of the clock: the same ones wherever a replay begins.
    """

    def __init__(self, keep_ns: int, every_ns: int = 1) -> None:
        super().__init__()
        self.keep_ns = keep_ns
        self.every_ns = every_ns

    def add(self, sample: S) -> None:
        """Append a sample and let go of those that are too old, or closer together than is kept."""
        self.append(sample)
        if len(self) > 3 and self[-3].t // self.every_ns == self[-4].t // self.every_ns:
            del self[-3]
        while len(self) > 2 and self[1].t <= sample.t - self.keep_ns:
            self.popleft()

    def ends(self, at_ns: int) -> tuple[S, S] | None:
        """Return the first and the last sample of the last `keep_ns`; None where they are one, or old at `at_ns`.

        Where the last one comes after a gap, the one before it counts, if that is not twice as old.
        """
        if len(self) < 2 or self[-1].t <= at_ns - self.keep_ns:
            return None
        last = self[-1]
        first = next(sample for sample in self if sample is last or sample.t >= last.t - self.keep_ns)
        if first is last and self[-2].t >= last.t - 2 * self.keep_ns:
            first = self[-2]
        return None if first is last else (first, last)


class Peak:
    """The highest throughput of the last minutes, by two half-windows: bounded, and never older than `PEAK_NS`."""

    def __init__(self) -> None:
        self._began_ns = 0
        self._now_bps = 0.0
        self._before_bps = 0.0

    def record(self, t: int, bps: float) -> None:
        """Take a rate in bit/s."""
        if t - self._began_ns >= PEAK_NS // 2:
            self._before_bps = self._now_bps if t - self._began_ns < PEAK_NS else 0.0
            self._began_ns, self._now_bps = t, 0.0
        self._now_bps = max(self._now_bps, bps)

    @property
    def bps(self) -> float:
        """The highest rate in bit/s."""
        return max(self._now_bps, self._before_bps)
