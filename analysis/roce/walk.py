"""Walking PSNs: gaps, steps back and repeats of every flow at once, equal to going packet by packet.

In unwrapped numbers the next expected PSN is the running maximum of where packets ended: no loop for most packets.
Flows in which that shortcut would not hold, and those with holes to fill, are walked one by one.
"""

from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from analysis.roce.columns import Columns
from analysis.roce.frames import Flags, Ints, Narrow, distinct
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
    odd: Ints
    """Rows of the packets out of order: `ahead` is 0 for all others, and the flags are false."""


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
    _seen_again(sequence, segments, found, behind, span)
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


def before(segments: Segments, previous: NDArray[Any], kept: Ints, rows: Ints) -> NDArray[Any]:
    """Make the rows `previous` to some packets those of their flows: of first ones what was `kept` of the last batch.

    Changes `previous`, and returns it.
    """
    segment = segments.of_row[rows]
    first = rows == segments.first[segment]
    previous[first] = kept[segments.flow[segment[first]]]
    return previous


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


def _seen_again(sequence: Sequence, segments: Segments, found: Walk, behind: Ints, span: Ints) -> None:
    """Tell repeats from PSNs that come late, and find rewinds."""
    found.repeat[behind] = True
    after_back = before(segments, found.step_back[behind - 1], sequence.stepped_back, behind)
    found.rewind[behind] = after_back & ~found.step_back[behind]
    long = np.zeros(len(segments.flow), np.bool_)
    long[segments.of_row[np.flatnonzero(span != 1)]] = True
    hard = _hard(sequence, segments, found, behind) | long
    found.rewind[behind[hard[segments.of_row[behind]]]] = False
    _again_one_by_one(sequence, segments, found, span, np.flatnonzero(hard), long)
    easy = ~hard
    sequence.pending[segments.flow[easy]] = found.step_back[segments.end[easy] - 1]


def _hard(sequence: Sequence, segments: Segments, found: Walk, behind: Ints) -> Flags:
    """Return which segments are of flows with holes or an undecided step back, or get one here."""
    flow, of_row = segments.flow, segments.of_row
    gaps = found.odd[found.ahead[found.odd] > 0]
    below = behind[found.at[behind] < sequence.low[flow[of_row[behind]]]]
    hard: Flags = (sequence.pending[flow] != sequence.stepped_back[flow]) | (sequence.uneven[flow] != 0)
    hard[of_row[gaps]] = hard[of_row[below]] = True
    return hard


_Row = tuple[int, int, int, int, bool, int]
"""Row, unwrapped PSN, way from the expected one, PSNs taken, step back; and how many packets go on like it."""


def _again_one_by_one(
    sequence: Sequence, segments: Segments, found: Walk, span: Ints, which: Ints, long: Flags
) -> None:
    """Tell which packets of some segments come again after all, and which turn a step back into a rewind.

    Packets in order do not matter unless there are READ requests to remember.
    """
    if not len(which):
        return
    fresh: list[int] = []
    rewinds: list[int] = []
    runs, more = _runs(segments, found, span)
    odd = _listed(found, span, runs, more)
    begins, ends = (np.searchsorted(runs, edge[which]).tolist() for edge in (segments.first, segments.end))
    for segment, begin, end in zip(which.tolist(), begins, ends, strict=True):
        flow, first, stop = (int(column[segment]) for column in (segments.flow, segments.first, segments.end))
        coverage = _coverage(sequence, flow)
        every = long[segment] or coverage.spans
        rows = odd[begin:end]
        if every:
            rows = _listed(found, span, np.arange(first, stop), np.ones(stop - first, np.int64))
        pending = _seen_again_one(coverage, rows, fresh, rewinds, pending=bool(sequence.pending[flow]))
        sequence.pending[flow] = pending and found.ahead[stop - 1] < 0
        sequence.low[flow], sequence.uneven[flow] = coverage.low, not coverage.simple
    found.repeat[fresh] = False
    found.rewind[rewinds] = True


def _runs(segments: Segments, found: Walk, span: Ints) -> tuple[Ints, Ints]:
    """Return the first row of each run of packets out of order, and how many it has.

    A run is one packet, or several behind, each of one PSN, that follow each other without a step back.
    """
    odd, single = found.odd, np.ones(1, np.bool_)
    behind = (found.ahead[odd] < 0) & (span[odd] == 1)
    goes_on = behind[1:] & behind[:-1] & ~found.step_back[odd[1:]] & (np.diff(odd) == 1)
    goes_on &= (np.diff(found.at[odd]) == 1) & (np.diff(segments.of_row[odd]) == 0)
    begins = np.flatnonzero(np.concatenate([single, ~goes_on])) if len(odd) else odd
    return odd[begins], np.diff(begins, append=len(odd))


def _listed(found: Walk, span: Ints, rows: Ints, more: Ints) -> list[_Row]:
    columns = (rows, found.at[rows], found.ahead[rows], span[rows], found.step_back[rows], more)
    return list(zip(*(column.tolist() for column in columns), strict=True))


def _coverage(sequence: Sequence, flow: int) -> Coverage:
    coverage = sequence.coverage.get(flow)
    if coverage is None:
        low = int(sequence.low[flow])
        head = int(sequence.expected[flow]) if sequence.started[flow] else low
        coverage = sequence.coverage[flow] = Coverage(low, head)
    return coverage


def _seen_again_one(
    coverage: Coverage, rows: list[_Row], fresh: list[int], rewinds: list[int], *, pending: bool
) -> bool:
    """Walk packets of one flow; add to `fresh` and `rewinds`. Return whether a step back is still undecided."""
    for row, place, way, width, back, count in rows:
        if way >= 0:
            coverage.ahead(place, width, place - way)
            continue
        for i in range(count):
            rest_seen = coverage.seen(place + i, place + count, place - way)
            again = rest_seen or coverage.behind(place + i, width, place - way)
            if not again:
                fresh.append(row + i)
            if back and not i:
                pending = True
            elif again and pending:
                rewinds.append(row + i)
                pending = False
            if rest_seen and not pending:
                break
    return pending


def _remember(sequence: Sequence, segments: Segments, found: Walk, end: Ints) -> None:
    flow, last = segments.flow, segments.end - 1
    sequence.started[flow] = 1
    sequence.expected[flow] = found.expected[last]
    sequence.last[flow], sequence.last_end[flow] = found.at[last], end[last]
    sequence.stepped_back[flow] = found.step_back[last]
