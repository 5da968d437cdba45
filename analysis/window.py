"""What became of the probes of a stretch of time: `Tally` adds up, `Window` is what is shown."""

from collections.abc import Iterable
from math import sqrt
from typing import Final

import msgspec

from analysis.packing import pack, unpack
from analysis.sketch import Sketch

Z_95: Final = 1.96
"""Two-sided 95 % point of the normal distribution."""

_COUNTS: Final = ("late", "lost", "failed", "duplicates", "unreachable")


class Tally(msgspec.Struct):
    """Counts and round-trip times of some probes; mergeable, of any series and any time."""

    late: int = 0
    lost: int = 0
    failed: int = 0
    duplicates: int = 0
    unreachable: int = 0
    rtts: Sketch = msgspec.field(default_factory=Sketch)
    """Of the answered probes; a late reply adds no time."""
    jitter_us: float | None = None
    """RFC 3550, 6.4.1, at the end of the stretch."""

    def merge(self, other: "Tally") -> None:
        """Add `other`. Jitter becomes the mean weighted by answered probes: right for series side by side."""
        self.jitter_us = _weighted(self.jitter_us, self.rtts.count, other.jitter_us, other.rtts.count)
        self.late += other.late
        self.lost += other.lost
        self.failed += other.failed
        self.duplicates += other.duplicates
        self.unreachable += other.unreachable
        self.rtts.merge(other.rtts)

    def follow(self, later: "Tally") -> None:
        """Add a `later` stretch of the same series: its jitter is the one that counts now."""
        jitter = self.jitter_us if later.jitter_us is None else later.jitter_us
        self.merge(later)
        self.jitter_us = jitter

    def encode(self) -> bytes:
        """Return a compact form: about 10 bytes and one or two per bucket of times. Jitter is rounded to whole µs."""
        counts = (self.late, self.lost, self.failed, self.duplicates, self.unreachable)
        flags = sum(1 << bit for bit, count in enumerate(counts) if count)
        jitter = 0 if self.jitter_us is None else 1 + round(self.jitter_us)
        return pack((flags, *filter(None, counts), jitter, *self.rtts.numbers()))

    @classmethod
    def decode(cls, data: bytes) -> "Tally":
        """Return what `encode` wrote. Raises ValueError where it could not have."""
        numbers = unpack(data)
        if not numbers or numbers[0] >= 1 << len(_COUNTS):
            raise ValueError("a tally starts with which of its counts follow")
        tally, position = cls(), 1
        for bit, name in enumerate(_COUNTS):
            if numbers[0] >> bit & 1:
                if position >= len(numbers):
                    raise ValueError("a tally ends before its counts")
                setattr(tally, name, numbers[position])
                position += 1
        if position >= len(numbers):
            raise ValueError("a tally ends before its jitter")
        tally.jitter_us = numbers[position] - 1.0 if numbers[position] else None
        tally.rtts = Sketch.from_numbers(numbers[position + 1 :])
        return tally


class Window(msgspec.Struct, frozen=True):
    """Probes sent in [start_ns, end_ns). Times are None where nothing was answered.

    sent = answered + late + lost + in_flight. `failed` never left the box, `duplicates` are replies beyond the
    first; neither is in `sent`. `unreachable` says how many losses were told by ICMP.
    Times in µs are exact up to 1024 answers of the last minutes, else within `sketch.RELATIVE_ERROR`.
    """

    start_ns: int
    end_ns: int
    answered: int = 0
    late: int = 0
    lost: int = 0
    failed: int = 0
    duplicates: int = 0
    unreachable: int = 0
    in_flight: int = 0
    min_us: int | None = None
    p50_us: int | None = None
    p99_us: int | None = None
    max_us: int | None = None
    mean_us: float | None = None
    jitter_us: float | None = None
    """RFC 3550, 6.4.1: |difference of neighbours' times| smoothed by 1/16, in order of sending, at the end."""

    @property
    def settled(self) -> int:
        """How many probes the loss ratio rests on."""
        return self.answered + self.late + self.lost

    @property
    def sent(self) -> int:
        """Probes that left the box."""
        return self.settled + self.in_flight

    @property
    def loss_ratio(self) -> float | None:
        """Lost over settled, None where nothing has settled."""
        return self.lost / self.settled if self.settled else None

    @property
    def loss_interval(self) -> tuple[float, float] | None:
        """95 % confidence interval of the loss ratio, None where nothing has settled."""
        return wilson(self.lost, self.settled)

    @property
    def spread_us(self) -> int | None:
        """p99 - p50: how far the slow replies are from the usual one."""
        return None if self.p99_us is None or self.p50_us is None else self.p99_us - self.p50_us


def window_of(tally: Tally, start_ns: int, end_ns: int, in_flight: int = 0) -> Window:
    """Return what `tally` shows."""
    p50, p99 = tally.rtts.quantiles((0.5, 0.99))
    return Window(
        start_ns,
        end_ns,
        answered=tally.rtts.count,
        late=tally.late,
        lost=tally.lost,
        failed=tally.failed,
        duplicates=tally.duplicates,
        unreachable=tally.unreachable,
        in_flight=in_flight,
        min_us=tally.rtts.min_us,
        p50_us=p50,
        p99_us=p99,
        max_us=tally.rtts.max_us,
        mean_us=tally.rtts.mean_us(),
        jitter_us=tally.jitter_us,
    )


def merged(tallies: Iterable[Tally]) -> Tally:
    """Return the sum of several series' tallies, for example every target of one route."""
    total = Tally()
    for tally in tallies:
        total.merge(tally)
    return total


def wilson(hits: int, n: int, z: float = Z_95) -> tuple[float, float] | None:
    """Return the score interval of hits/n (Wilson, J. Am. Stat. Assoc. 22, 1927), None where n is 0.

    It assumes that probes are lost independently; where losses come in bursts the truth is less certain.
    """
    if n <= 0:
        return None
    ratio, spread = hits / n, z * z / n
    centre = (ratio + spread / 2) / (1 + spread)
    half = z / (1 + spread) * sqrt(ratio * (1 - ratio) / n + spread / n / 4)
    return max(0.0, min(ratio, centre - half)), min(1.0, max(ratio, centre + half))


def _weighted(first: float | None, n: int, second: float | None, m: int) -> float | None:
    if first is None or second is None:
        return second if first is None else first
    return (first * n + second * m) / (n + m)
