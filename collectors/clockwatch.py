"""Watches the clock of the box. Samples keep the time they began with, and whoever compares them must know."""

from collections.abc import Sequence
from typing import Final

from analysis.samples import Health
from analysis.text import N_, Sentence, say
from analysis.units import duration
from collectors.base import Emit, Need
from collectors.clock import Clock
from collectors.ticks import ticks

STEP_NS: Final = 2_000_000_000
"""Less than this is what slewing and drift make of a day."""


class ClockWatch:
    """Emits `Health` when the wall clock is set or the box has slept, and when the clock is right again."""

    name = "clock"

    def __init__(self, clock: Clock, *, interval_s: float = 1.0) -> None:
        self._clock = clock
        self._interval_s = interval_s

    def needs(self) -> Sequence[Need]:
        """Everyone may read the clock."""
        return ()

    async def run(self, emit: Emit) -> None:
        """Emit until cancelled."""
        told_ns = 0
        async for _ in ticks(self._interval_s):
            step_ns = self._clock.wall_step_ns()
            if abs(step_ns - told_ns) >= STEP_NS:
                told_ns = step_ns
                emit(Health(self._clock.now_ns(), self.name, "running", _said(step_ns)))


def _said(step_ns: int) -> Sentence | None:
    if abs(step_ns) < STEP_NS:
        return None
    by = duration(abs(step_ns))
    if step_ns > 0:
        return say(
            N_("The clock of this box is {time} ahead of the times here: it was set, or the box slept."), time=by
        )
    return say(N_("The clock of this box is {time} behind the times here: it was set back."), time=by)
