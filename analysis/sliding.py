"""The last minutes of one path, kept up to date probe by probe: what is judged every few seconds has to be cheap."""

from collections.abc import Iterable
from typing import Final

from analysis.samples import Outcome
from analysis.sketch import bucket_of, middle_of
from analysis.window import Window

SLOT_NS: Final = 5 * 10**9
"""What leaves the window leaves it by this much at a time."""


class Recent:
    """Counts of some probes; `rtts`: how many answers in each bucket of `sketch.bucket_of`."""

    __slots__ = ("answered", "late", "lost", "rtts")

    def __init__(self) -> None:
        self.rtts: dict[int, int] = {}
        self.answered = self.late = self.lost = 0

    def add(self, other: "Recent", sign: int = 1) -> None:
        """Add other probes, or with `sign` -1 take them away again."""
        rtts = self.rtts
        for bucket, count in other.rtts.items():
            left = rtts.get(bucket, 0) + sign * count
            if left:
                rtts[bucket] = left
            else:
                del rtts[bucket]
        self.answered += sign * other.answered
        self.late += sign * other.late
        self.lost += sign * other.lost

    def count(self, outcome: Outcome, bucket: int | None) -> None:
        """Count one settled probe. LATE takes back a loss that was told before."""
        if bucket is not None:
            self.rtts[bucket] = self.rtts.get(bucket, 0) + 1
            self.answered += 1
        elif outcome is Outcome.LATE:
            self.late += 1
            self.lost -= 1
        elif outcome in (Outcome.LOST, Outcome.UNREACHABLE):
            self.lost += 1


class Sliding:
    """Counts and round-trip times over the last `span_ns`, to the slot; times within `sketch.RELATIVE_ERROR`."""

    def __init__(self, span_ns: int) -> None:
        self.total = Recent()
        self._slots: dict[int, Recent] = {}
        self._keep = span_ns // SLOT_NS
        self._first = 0

    def record(self, sent_ns: int, outcome: Outcome, rtt_us: int | None) -> None:
        """Take one settled probe; those older than the window are left out."""
        number = sent_ns // SLOT_NS
        if number < self._first:
            return
        slot = self._slots.get(number)
        if slot is None:
            slot = self._slots[number] = Recent()
        bucket = bucket_of(rtt_us) if outcome is Outcome.ANSWERED and rtt_us is not None else None
        slot.count(outcome, bucket)
        self.total.count(outcome, bucket)

    def forget(self, now_ns: int) -> None:
        """Let go of what has left the window at `now_ns`."""
        self._first = now_ns // SLOT_NS - self._keep
        for number in [number for number in self._slots if number < self._first]:
            self.total.add(self._slots.pop(number), -1)

    @property
    def settled(self) -> int:
        """Probes of the window whose fate is known."""
        return self.total.answered + self.total.late + max(0, self.total.lost)


def window_over(some: Iterable[Sliding], start_ns: int, end_ns: int) -> Window:
    """Return several paths' windows as one: counts and the median, which is all that is judged."""
    total = Recent()
    for sliding in some:
        sliding.forget(end_ns)
        total.add(sliding.total)
    return Window(
        start_ns,
        end_ns,
        answered=total.answered,
        late=total.late,
        lost=max(0, total.lost),
        p50_us=_median(total.rtts, total.answered),
    )


def _median(buckets: dict[int, int], count: int) -> int | None:
    seen = 0
    for bucket in sorted(buckets):
        seen += buckets[bucket]
        if 2 * seen >= count:
            return middle_of(bucket)
    return None
