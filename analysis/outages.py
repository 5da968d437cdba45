"""Outages: stretches in which probe after probe was lost."""

import re
from collections import deque
from collections.abc import Iterable, Sequence
from typing import Final

import msgspec

from analysis.probe_log import ProbeLog
from analysis.samples import Outcome

SETTLED_NS: Final = 60 * 10**9
"""No probe waits longer than this for its answer to be told, late or lost."""
REMEMBERED: Final = 1000

_TELLING: Final = frozenset({Outcome.ANSWERED, Outcome.LOST, Outcome.LATE, Outcome.UNREACHABLE})
_LOST: Final = re.compile(b"[%c%c]+" % (Outcome.LOST, Outcome.UNREACHABLE))


class OutageRule(msgspec.Struct, frozen=True):
    """What counts as an outage: this many losses in a row, sent at least this far apart (first to last)."""

    min_lost: int = 3
    min_span_ns: int = 1_500_000_000
    """Below the two seconds that three probes at 1 Hz span, so that pacing does not decide."""


class Outage(msgspec.Struct, frozen=True):
    """From the first lost probe's sending to the first later answered (or late) one's; None: still open."""

    start_ns: int
    end_ns: int | None
    lost: int
    last_lost_ns: int
    """When the last of its lost probes was sent."""

    @property
    def length_ns(self) -> int:
        """How long it lasted; while it is open, how long it has lasted at least."""
        return (self.last_lost_ns if self.end_ns is None else self.end_ns) - self.start_ns


class OutageFold:
    """Finds outages in outcomes that come in order of settling, where losses are told after later answers."""

    def __init__(self, rule: OutageRule = OutageRule()) -> None:  # noqa: B008 - frozen
        self._rule = rule
        self._recent = ProbeLog()
        self._open: Outage | None = None
        self._closed: deque[Outage] = deque(maxlen=REMEMBERED)

    def record(self, sent_ns: int, outcome: Outcome | int) -> None:
        """Add what became of one probe. FAILED, DUPLICATE and FOREIGN neither start nor end an outage."""
        if outcome not in _TELLING:
            return
        sent = self._recent.sent_ns
        if sent and sent_ns < sent[-1] - 2 * SETTLED_NS:
            return
        self._recent.add(sent_ns, outcome)
        if sent[-1] - sent[0] > 2 * SETTLED_NS:
            self._settle(self._recent.range(0, sent[-1] - SETTLED_NS)[1])

    def outages(self) -> tuple[Outage, ...]:
        """Return the outages, oldest first; only the last one may be open."""
        runs = runs_of_loss(self._recent.sent_ns, self._recent.outcomes, self._open)
        return *self._closed, *outages(runs, self._rule)

    def _settle(self, rows: int) -> None:
        """Let go of the oldest rows; only their outages, and a run that may go on, are remembered."""
        runs = runs_of_loss(self._recent.sent_ns[:rows], self._recent.outcomes[:rows], self._open)
        self._open = runs.pop() if runs and runs[-1].end_ns is None else None
        self._closed.extend(outages(runs, self._rule))
        self._recent.drop(rows)


def runs_of_loss(sent_ns: Sequence[int], outcomes: bytes | bytearray, carry: Outage | None = None) -> list[Outage]:
    """Return every run of losses, even of one probe; the last one is open where no reply followed.

    `sent_ns` ascends; `outcomes` holds the `Outcome` of each, without FAILED probes. `carry`: the open run that
    earlier probes ended with. Runs of parts, carried over, are the runs of the whole.
    """
    runs: list[Outage] = []
    end = len(outcomes)
    for match in _LOST.finditer(outcomes):
        first, after = match.span()
        lost, start = after - first, sent_ns[first]
        if carry is not None and first == 0:
            start, lost, carry = carry.start_ns, lost + carry.lost, None
        runs.append(Outage(start, sent_ns[after] if after < end else None, lost, sent_ns[after - 1]))
    if carry is not None:
        closed = Outage(carry.start_ns, sent_ns[0], carry.lost, carry.last_lost_ns) if end else carry
        runs.insert(0, closed)
    return runs


def outages(runs: Iterable[Outage], rule: OutageRule = OutageRule()) -> tuple[Outage, ...]:  # noqa: B008 - frozen
    """Return the runs of loss that `rule` calls outages."""
    return tuple(
        run for run in runs if run.lost >= rule.min_lost and run.last_lost_ns - run.start_ns >= rule.min_span_ns
    )


def availability_ratio(found: Iterable[Outage], start_ns: int, end_ns: int, settled: int) -> float | None:
    """Return the share of settled probes sent in [start_ns, end_ns) that were not part of an outage.

    Counted in probes, so that time without probes (a box asleep) is neither up nor down. An outage that reaches
    beyond the span counts by the part of its time inside. None where nothing has settled.
    """
    if not settled:
        return None
    lost = sum(run.lost * _share_inside(run, start_ns, end_ns) for run in found)
    return max(0.0, 1 - lost / settled)


def _share_inside(run: Outage, start_ns: int, end_ns: int) -> float:
    length = run.last_lost_ns - run.start_ns
    inside = min(run.last_lost_ns, end_ns) - max(run.start_ns, start_ns)
    if length <= 0:
        return 1.0 if start_ns <= run.start_ns < end_ns else 0.0
    return min(1.0, max(0.0, inside / length))
