"""Interarrival jitter of RFC 3550, section 6.4.1, with round-trip times in place of one-way transit times."""

from collections.abc import Iterable

import msgspec


class Jitter(msgspec.Struct, frozen=True):
    """The estimate after some probes. `jitter_us` is None until two were answered; it starts from 0 as in A.8."""

    jitter_us: float | None = None
    last_rtt_us: int | None = None

    def after(self, rtts_us: Iterable[int]) -> "Jitter":
        """Return the estimate after further answered probes, in order of sending: J += (|D| - J) / 16."""
        last, jitter = self.last_rtt_us, self.jitter_us
        for rtt in rtts_us:
            if last is not None:
                before = jitter or 0.0
                jitter = before + (abs(rtt - last) - before) / 16
            last = rtt
        return Jitter(jitter, last)
