"""Outages: stretches in which probe after probe was lost."""

import re
from collections.abc import Iterable, Sequence
from typing import Final

import msgspec

_LOSSES: Final = re.compile(rb"[\x01\x05](?:[\x03\x04]*[\x01\x05])*")
"""LOST or UNREACHABLE, with FAILED and DUPLICATE anywhere between: those tell neither."""
_REPLY: Final = re.compile(rb"[\x00\x02]")
"""ANSWERED or LATE."""


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

    def length_ns(self, now_ns: int) -> int:
        """Return how long it lasted, or has lasted at `now_ns`."""
        return (now_ns if self.end_ns is None else self.end_ns) - self.start_ns


def runs_of_loss(sent_ns: Sequence[int], outcomes: bytes | bytearray, carry: Outage | None = None) -> list[Outage]:
    """Return every run of losses, even of one probe; the last one is open where no reply followed.

    `sent_ns` ascends; `outcomes` holds the `Outcome` of each. `carry`: the open run that earlier probes ended
    with. The runs of parts, carried over, are the runs of the whole.
    """
    runs: list[Outage] = []
    reply = _REPLY.search(outcomes)
    for match in _LOSSES.finditer(outcomes):
        first, after = match.span()
        start, lost = sent_ns[first], sum(map(match[0].count, (b"\x01", b"\x05")))
        if carry is not None and (reply is None or first < reply.start()):
            start, lost, carry = carry.start_ns, lost + carry.lost, None
        reply = _REPLY.search(outcomes, after)
        runs.append(Outage(start, sent_ns[reply.start()] if reply else None, lost, sent_ns[after - 1]))
    if carry is not None:
        first_reply = _REPLY.search(outcomes)
        end = sent_ns[first_reply.start()] if first_reply else None
        runs.insert(0, Outage(carry.start_ns, end, carry.lost, carry.last_lost_ns))
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
