"""Which packets carry a PSN that their flow has carried before, and which of them turn a step back into a rewind."""

from bisect import bisect_left
from typing import Final

import msgspec
import numpy as np

from analysis.roce.frames import Flags, Ints
from analysis.roce.holes import Coverage
from analysis.roce.sequence import Segments, Sequence, Walk, before


def seen_again(sequence: Sequence, segments: Segments, found: Walk, behind: Ints, span: Ints) -> None:
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

    Packets in order do not matter, but for READ requests, which are remembered, and after a READ that was issued anew
    and asked for more: PSNs that it spoke for come as packets of their own then.
    """
    if not len(which):
        return
    fresh: list[int] = []
    rewinds: list[int] = []
    runs, more = _runs(segments, found, span)
    odd = _listed(found, span, runs, more)
    in_order = np.flatnonzero((span > 1) & (found.ahead == 0)) if long.any() else runs[:0]
    reads = _Reads.of(in_order, found.at, span)
    every = np.zeros(len(long), np.bool_)
    beyond = runs[(found.ahead[runs] < 0) & (found.at[runs] + span[runs] > found.expected[runs])]
    every[segments.of_row[beyond]] = True
    flows, first, end = segments.flow[which], segments.first[which], segments.end[which]
    columns = (flows, first, end, every[which], found.at[first] - found.ahead[first], sequence.pending[flows] != 0)
    edges = (np.searchsorted(rows, edge) for rows in (runs, in_order) for edge in (first, end))
    told = zip(*(column.tolist() for column in (*columns, *edges)), strict=True)
    for flow, start, stop, all_of_it, expected, pending, begin, until, done, last in told:
        coverage = _coverage(sequence, flow)
        rows, of_rows = odd[begin:until], reads.part(done, last) if done < last else _NO_READS
        if all_of_it or coverage.head > expected:
            rows, of_rows = _listed(found, span, np.arange(start, stop), np.ones(stop - start, np.int64)), _NO_READS
        pending = _seen_again_one(coverage, rows, of_rows, fresh, rewinds, pending)
        sequence.pending[flow] = pending and found.ahead[stop - 1] < 0
        sequence.low[flow], sequence.uneven[flow] = coverage.low, not coverage.simple
    found.repeat[fresh] = False
    found.rewind[rewinds] = True


class _Reads(msgspec.Struct, frozen=True):
    """READ requests that came in order: their rows, where they begin and end."""

    rows: list[int]
    at: list[int]
    ends: list[int]

    @classmethod
    def of(cls, rows: Ints, at: Ints, span: Ints) -> "_Reads":
        return cls(rows.tolist(), at[rows].tolist(), (at[rows] + span[rows]).tolist())

    def part(self, first: int, end: int) -> "_Reads":
        """Return some of them."""
        return _Reads(self.rows[first:end], self.at[first:end], self.ends[first:end])

    def tell(self, coverage: Coverage, told: int, row: int) -> int:
        """Tell the coverage of those before a row, `told` of which it knows; return how many it knows then."""
        upto = bisect_left(self.rows, row, told)
        coverage.reads(self.at[told:upto], self.ends[told:upto])
        return upto


_NO_READS: Final = _Reads([], [], [])


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
    coverage: Coverage, rows: list[_Row], reads: _Reads, fresh: list[int], rewinds: list[int], pending: bool
) -> bool:
    """Walk packets of one flow; add to `fresh` and `rewinds`. Return whether a step back is still undecided."""
    told = 0
    for row, place, way, width, back, count in rows:
        if reads.rows:
            told = reads.tell(coverage, told, row)
        if way >= 0:
            coverage.ahead(place, width, place - way)
            continue
        for i in range(count):
            rest_seen = coverage.seen(place + i, place + count - 1 + width, place - way)
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
    coverage.reads(reads.at[told:], reads.ends[told:])
    return pending
