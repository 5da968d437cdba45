"""Walking PSNs: gaps, steps back and repeats of every flow at once, equal to going packet by packet.

In unwrapped numbers the next expected PSN is the running maximum of where packets ended: no loop for most packets.
Flows in which that shortcut would not hold, and those with holes to fill, are walked one by one.
"""

import msgspec
import numpy as np

from analysis.roce.columns import Columns
from analysis.roce.frames import Flags, Ints
from analysis.roce.holes import Coverage
from analysis.roce.psn import HALF, MODULUS, distance

_SEGMENT = 1 << 42
"""Apart from each other by more than any unwrapped PSN: one running maximum then serves all flows."""


class Segments(msgspec.Struct, frozen=True):
    """Packets sorted by flow, in capture order within each: where each flow begins and ends."""

    flow: Ints
    first: Ints
    end: Ints
    of_row: Ints
    """Segment of each packet."""

    @classmethod
    def of(cls, flows: Ints) -> "Segments":
        """Find the runs of equal flow ids."""
        edge = np.flatnonzero(flows[1:] != flows[:-1]) + 1
        first = np.concatenate([np.zeros(1, np.int64), edge])
        end = np.append(edge, len(flows))
        return cls(flows[first], first, end, np.repeat(np.arange(len(first)), end - first))


class Sequence(Columns):
    """What the walk remembers of each flow."""

    started: Ints
    expected: Ints
    """Next PSN, unwrapped: the flow's first PSN counts from itself."""
    last: Ints
    last_end: Ints
    stepped_back: Ints
    """The last packet was a step back."""
    pending: Ints
    """The flow went back with its last packets, and no PSN has come again yet since."""
    low: Ints
    uneven: Ints
    """The flow has holes or READ spans, see `Coverage.simple`."""

    def __init__(self) -> None:
        super().__init__()
        self.coverage: dict[int, Coverage] = {}
        """Of flows that were ever out of order or sent READ requests."""


class Walk(msgspec.Struct, frozen=True):
    """What the walk says of each packet, in the order it was given."""

    at: Ints
    """Unwrapped PSN."""
    ahead: Ints
    """PSNs away from the expected one: > 0 a gap, < 0 behind."""
    expected: Ints
    """Unwrapped PSN expected after the packet."""
    repeat: Flags
    """The flow has carried this PSN before."""
    step_back: Flags
    """Begins again at or before the packet that came before it."""
    rewind: Flags
    """The packet by which a step back turned out to be a rewind: PSNs come again after it."""


def walk(sequence: Sequence, segments: Segments, psn: Ints, span: Ints) -> Walk:
    """Walk packets sorted by flow; `span` is how many PSNs each takes. Updates `sequence`."""
    flow, first, of_row = segments.flow, segments.first, segments.of_row
    started = sequence.started[flow] != 0
    at = _unwrap(sequence, segments, psn, started)
    sequence.low[flow[~started]] = at[first[~started]]
    end = at + span
    reach = end.copy()
    reach[first] = np.where(started, np.maximum(end[first], sequence.expected[flow]), end[first])
    expected = np.maximum.accumulate(reach + of_row * _SEGMENT) - of_row * _SEGMENT
    before = np.empty_like(expected)
    before[1:] = expected[:-1]
    before[first] = np.where(started, sequence.expected[flow], at[first])
    ahead = at - before
    odd = (ahead >= HALF) | (ahead < -HALF) | ((ahead < 0) & (end > before))
    if odd.any():
        _one_by_one(sequence, segments, np.unique(of_row[odd]), psn, span, at, expected, ahead)
        end = at + span
    end_before = np.empty_like(end)
    end_before[1:] = end[:-1]
    end_before[first] = sequence.last_end[flow]
    behind = ahead < 0
    step_back = behind & (at < end_before)
    repeat, rewind = _seen_again(sequence, segments, at, span, ahead, step_back)
    _remember(sequence, segments, at, end, expected, step_back)
    return Walk(at, ahead, expected, repeat, step_back, rewind)


def _unwrap(sequence: Sequence, segments: Segments, psn: Ints, started: Flags) -> Ints:
    """Unwrap by the way from each packet to the next of its flow; right as long as no packet is 2^23 off the head."""
    flow, first = segments.flow, segments.first
    previous = np.empty_like(psn)
    previous[1:] = psn[:-1]
    previous[first] = np.where(started, sequence.last[flow] % MODULUS, psn[first])
    total = np.cumsum((psn - previous + HALF) % MODULUS - HALF)
    base = np.where(started, sequence.last[flow], psn[first])
    skipped = total[first] - ((psn[first] - previous[first] + HALF) % MODULUS - HALF)
    unwrapped: Ints = total + (base - skipped)[segments.of_row]
    return unwrapped


def _one_by_one(
    sequence: Sequence, segments: Segments, which: Ints, psn: Ints, span: Ints, at: Ints, expected: Ints, ahead: Ints
) -> None:
    """Replace what the shortcut got wrong, for some segments, by the definition itself."""
    for segment in which.tolist():
        flow = int(segments.flow[segment])
        rows = slice(int(segments.first[segment]), int(segments.end[segment]))
        numbers = psn[rows].tolist()
        head = int(sequence.expected[flow]) if sequence.started[flow] else numbers[0]
        ways, heads, places = [], [], []
        for number, length in zip(numbers, span[rows].tolist(), strict=True):
            way = distance(number, head % MODULUS)
            places.append(head + way)
            ways.append(way)
            if way >= 0:
                head += way + length
            heads.append(head)
        at[rows], ahead[rows], expected[rows] = places, ways, heads


def _seen_again(
    sequence: Sequence, segments: Segments, at: Ints, span: Ints, ahead: Ints, step_back: Flags
) -> tuple[Flags, Flags]:
    """Tell repeats from PSNs that come late, and find rewinds."""
    behind = ahead < 0
    repeat = behind.copy()
    before = np.empty_like(step_back)
    before[1:] = step_back[:-1]
    before[segments.first] = sequence.stepped_back[segments.flow] != 0
    rewind = behind & ~step_back & before
    hard = _hard(sequence, segments, ahead, span, at)
    easy = np.ones(len(segments.flow), np.bool_)
    easy[hard] = False
    for segment in hard.tolist():
        rows = slice(int(segments.first[segment]), int(segments.end[segment]))
        flow = int(segments.flow[segment])
        repeat[rows], rewind[rows] = _seen_again_one(
            sequence, flow, at[rows], span[rows], ahead[rows], step_back[rows]
        )
    sequence.pending[segments.flow[easy]] = step_back[segments.end[easy] - 1]
    return repeat, rewind


def _hard(sequence: Sequence, segments: Segments, ahead: Ints, span: Ints, at: Ints) -> Ints:
    """Return the segments whose flow has holes, READ spans or an undecided step back, or gets one here."""
    flow = segments.flow
    odd = np.flatnonzero((ahead > 0) | (span > 1) | (at < sequence.low[flow][segments.of_row]))
    hard = np.zeros(len(flow), np.bool_)
    hard[segments.of_row[odd]] = True
    hard |= (sequence.pending[flow] != sequence.stepped_back[flow]) | (sequence.uneven[flow] != 0)
    return np.flatnonzero(hard)


def _seen_again_one(
    sequence: Sequence, flow: int, at: Ints, span: Ints, ahead: Ints, step_back: Flags
) -> tuple[Flags, Flags]:
    """Walk one flow with its coverage; packets in order do not matter unless there are READ requests to remember."""
    coverage = sequence.coverage.get(flow)
    if coverage is None:
        low = int(sequence.low[flow])
        head = int(sequence.expected[flow]) if sequence.started[flow] else low
        coverage = sequence.coverage[flow] = Coverage(low, head)
    repeat, rewind = np.zeros(len(at), np.bool_), np.zeros(len(at), np.bool_)
    pending = bool(sequence.pending[flow])
    every = coverage.spans or (span > 1).any()
    rows = np.arange(len(at)) if every else np.flatnonzero(ahead)
    columns = (rows, at[rows], ahead[rows], span[rows], step_back[rows])
    for row, place, way, width, back in zip(*(column.tolist() for column in columns), strict=True):
        if way >= 0:
            coverage.ahead(place, width, place - way)
            continue
        again = coverage.behind(place, width, place - way)
        repeat[row] = again
        if back:
            pending = True
        elif again and pending:
            rewind[row], pending = True, False
    sequence.pending[flow] = pending and ahead[-1] < 0
    sequence.low[flow], sequence.uneven[flow] = coverage.low, not coverage.simple
    return repeat, rewind


def _remember(sequence: Sequence, segments: Segments, at: Ints, end: Ints, expected: Ints, step_back: Flags) -> None:
    flow, last = segments.flow, segments.end - 1
    sequence.started[flow] = 1
    sequence.expected[flow] = expected[last]
    sequence.last[flow], sequence.last_end[flow] = at[last], end[last]
    sequence.stepped_back[flow] = step_back[last]
