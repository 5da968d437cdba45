"""Settled probes one by one, in order of sending, 13 bytes each."""

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from operator import le
from typing import Final, TypeAlias

from analysis.samples import Outcome
from analysis.sketch import Sketch
from analysis.window import Tally

LONGEST_RTT_US: Final = (1 << 32) - 1
SAME_PROBE_NS: Final = 2_000
"""Samples give sending times to the microsecond, rounded anew in every batch."""

Told: TypeAlias = tuple[int, int, int | None]
"""When a probe was sent, what became of it (`Outcome`), and its time in µs where it was answered."""

_ANSWERED: Final = int(Outcome.ANSWERED)
_LATE: Final = int(Outcome.LATE)
_LOSSES: Final = (int(Outcome.LOST), int(Outcome.UNREACHABLE))


class ProbeLog:
    """Parallel columns sorted by time of sending. `rtt_us` means nothing but for answered probes."""

    __slots__ = ("outcomes", "rtt_us", "sent_ns")

    def __init__(self) -> None:
        self.sent_ns = array("Q")
        self.rtt_us = array("I")
        self.outcomes = bytearray()

    def __len__(self) -> int:
        return len(self.outcomes)

    def add(self, sent_ns: int, outcome: int, rtt_us: int = 0) -> None:
        """File one outcome at its place, of those sent at one time answers first, else as they were told.

        LATE takes back the loss that was told of the same probe.
        """
        sent = self.sent_ns
        if outcome == _LATE and self._take_back(sent_ns):
            return
        if not sent or sent_ns > sent[-1]:
            sent.append(sent_ns)
            self.rtt_us.append(rtt_us)
            self.outcomes.append(outcome)
            return
        place = bisect_right(sent, sent_ns)
        while outcome == _ANSWERED and place and sent[place - 1] == sent_ns and self.outcomes[place - 1] != _ANSWERED:
            place -= 1
        sent.insert(place, sent_ns)
        self.rtt_us.insert(place, rtt_us)
        self.outcomes.insert(place, outcome)

    def extend(self, sent_ns: "array[int]", rtt_us: "array[int]") -> None:
        """File answered probes, one at least, as `add` would one by one. Columns of the types of this one's."""
        if (self.sent_ns and sent_ns[0] <= self.sent_ns[-1]) or not all(map(le, sent_ns, sent_ns[1:])):
            for one, rtt in zip(sent_ns, rtt_us, strict=True):
                self.add(one, _ANSWERED, rtt)
            return
        self.sent_ns.extend(sent_ns)
        self.rtt_us.extend(rtt_us)
        self.outcomes.extend(bytes((_ANSWERED,)) * len(sent_ns))

    def range(self, start_ns: int, end_ns: int) -> tuple[int, int]:
        """Return which rows were sent in [start_ns, end_ns)."""
        first = bisect_left(self.sent_ns, start_ns)
        return first, bisect_left(self.sent_ns, end_ns, first)

    def tally(self, first: int, after: int) -> Tally:
        """Return the tally of rows, without jitter."""
        count = self.outcomes[first:after].count
        answered, unreachable = count(Outcome.ANSWERED), count(Outcome.UNREACHABLE)
        return Tally(
            late=count(Outcome.LATE),
            lost=count(Outcome.LOST) + unreachable,
            failed=count(Outcome.FAILED),
            duplicates=count(Outcome.DUPLICATE),
            unreachable=unreachable,
            rtts=Sketch(self.answers(first, after) if answered else ()),
        )

    def answers(self, first: int, after: int) -> Iterable[int]:
        """Return the times of the rows that were answered."""
        if self.outcomes.count(_ANSWERED, first, after) == after - first:
            return self.rtt_us[first:after]
        pairs = zip(self.rtt_us[first:after], self.outcomes[first:after], strict=True)
        return [rtt for rtt, outcome in pairs if outcome == _ANSWERED]

    def drop(self, count: int) -> None:
        """Forget the first `count` rows."""
        del self.sent_ns[:count]
        del self.rtt_us[:count]
        del self.outcomes[:count]

    def _take_back(self, sent_ns: int) -> bool:
        first, after = self.range(sent_ns - SAME_PROBE_NS, sent_ns + SAME_PROBE_NS + 1)
        for row in range(first, after):
            if self.outcomes[row] in _LOSSES:
                self.outcomes[row] = _LATE
                return True
        return False
