"""Time for samples: one wall-clock reading at the start, then only the monotonic clock.

An NTP step or a hand-set clock therefore never bends a graph. Kernel packet stamps are in CLOCK_REALTIME
(Documentation/networking/timestamping.rst) and are only ever subtracted from each other.
"""

import time
from collections.abc import Callable


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

    def wall_step_ns(self) -> int:
        """Return how far the wall clock has moved from ours since the start (a step, or slow drift)."""
        return self._wall() - self.now_ns()
