"""Walking PSNs: gaps, steps back and repeats of every flow at once, equal to going packet by packet.

In unwrapped numbers the next expected PSN is the running maximum of where packets ended: no loop for most packets.
Flows in which that shortcut would not hold, and those with holes to fill, are walked one by one.
"""

import numpy as np

from analysis.roce.again import seen_again
from analysis.roce.frames import Flags, Ints, Narrow, distinct
from analysis.roce.psn import HALF, MODULUS, distance
from analysis.roce.sequence import Segments, Sequence, Walk, before

_SEGMENT = 1 << 42
"""Apart from each other by more than any unwrapped PSN: one running maximum then serves all flows."""


def walk(sequence: Sequence, segments: Segments, psn: Narrow, span: Ints) -> Walk:
    """Walk packets sorted by flow; `span` is how many PSNs each takes. Updates `sequence`."""
    flow, first = segments.flow, segments.first
    started = sequence.started[flow] != 0
    at = _unwrap(sequence, segments, psn, started)
    sequence.low[flow[~started]] = at[first[~started]]
    end = at + span
    expected = end.copy()
    expected[first] = np.where(started, np.maximum(sequence.expected[flow], end[first]), end[first])
    _keep_highest(segments, expected)
    head = np.empty_like(expected)
    head[1:] = expected[:-1]
    head[first] = np.where(started, sequence.expected[flow], at[first])
    ahead = at - head
    odd = np.flatnonzero(ahead != 0)
    way = ahead[odd]
    wrong = odd[(way >= HALF) | (way < -HALF) | ((way < 0) & (end[odd] > head[odd]))]
    if len(wrong):
        _one_by_one(sequence, segments, distinct(segments.of_row[wrong]), psn, span, at, expected, ahead)
        end = at + span
        odd = np.flatnonzero(ahead != 0)
    step_back, repeat, rewind = (np.zeros(len(at), np.bool_) for _ in range(3))
    behind = odd[ahead[odd] < 0]
    step_back[behind] = at[behind] < before(segments, end[behind - 1], sequence.last_end, behind)
    found = Walk(at, ahead, expected, repeat, step_back, rewind, odd)
    seen_again(sequence, segments, found, behind, span)
    _remember(sequence, segments, found, end)
    return found


def _keep_highest(segments: Segments, ends: Ints) -> None:
    """Make of where packets end the highest so far in their segment: of those segments where it ever falls."""
    fell = np.zeros(len(segments.flow), np.bool_)
    lower = np.flatnonzero(ends[1:] < ends[:-1])
    of_lower = segments.of_row[lower]
    fell[of_lower[of_lower == segments.of_row[lower + 1]]] = True
    rows = np.flatnonzero(fell[segments.of_row])
    lift = segments.of_row[rows] * _SEGMENT
    ends[rows] = np.maximum.accumulate(ends[rows] + lift) - lift


def _unwrap(sequence: Sequence, segments: Segments, psn: Narrow, started: Flags) -> Ints:
    """Unwrap by the way from each packet to the next of its flow; right as long as no packet is 2^23 off the head."""
    flow, first = segments.flow, segments.first
    previous = np.empty_like(psn)
    previous[1:] = psn[:-1]
    previous[first] = np.where(started, sequence.last[flow] % MODULUS, psn[first])
    way = psn - previous
    way += HALF
    way &= MODULUS - 1
    way -= HALF
    total = np.cumsum(way, dtype=np.int64)
    base = np.where(started, sequence.last[flow], psn[first])
    total += (base - total[first] + way[first])[segments.of_row]
    return total


def _one_by_one(
    sequence: Sequence,
    segments: Segments,
    which: Ints,
    psn: Narrow,
    span: Ints,
    at: Ints,
    expected: Ints,
    ahead: Ints,
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


def _remember(sequence: Sequence, segments: Segments, found: Walk, end: Ints) -> None:
    flow, last = segments.flow, segments.end - 1
    sequence.started[flow] = 1
    sequence.expected[flow] = found.expected[last]
    sequence.last[flow], sequence.last_end[flow] = found.at[last], end[last]
    sequence.stepped_back[flow] = found.step_back[last]
