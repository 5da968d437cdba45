"""Time for samples: one wall-clock reading at the start, then only the monotonic clock.

An NTP step or a hand-set clock therefore never bends a graph. Kernel packet stamps are in CLOCK_REALTIME
(Documentation/networking/timestamping.rst) and are only ever subtracted from each other.
"""

import time
from collections.abc import Callable
from typing import Final, NamedTuple

TORN_NS: Final = 50_000
"""Longer than this between two readings of one clock, and the reading of the other between them is not used."""


class Reading(NamedTuple):
    """Both clocks, read together."""

    mono_ns: int
    offset_ns: int
    """Wall clock minus monotonic clock: it changes only where the wall clock is stepped or slewed."""


class Clock:
    """Nanoseconds since the epoch that never step. `wall` and `mono` are injectable for tests."""

    def __init__(self, wall: Callable[[], int] = time.time_ns, mono: Callable[[], int] = time.monotonic_ns) -> None:
        self.started_wall_ns = wall()
        self.started_mono_ns = mono()
        self._wall = wall
        self._mono = mono

    def now_ns(self) -> int:
        """Return the current sample time."""
        return self.at_mono_ns(self._mono())

    def at_mono_ns(self, mono_ns: int) -> int:
        """Return the sample time of a `CLOCK_MONOTONIC` reading."""
        return self.started_wall_ns + mono_ns - self.started_mono_ns

    def reading(self) -> Reading:
        """Read both clocks at one moment, trying again where the thread was held up in between."""
        for _ in range(4):
            before, wall, after = self._mono(), self._wall(), self._mono()
            if after - before < TORN_NS:
                break
        return Reading(after, wall - (before + after) // 2)

    def wall_step_ns(self) -> int:
        """Return how far the wall clock has moved from ours since the start (a step, or slow drift)."""
        return self._wall() - self.now_ns()
