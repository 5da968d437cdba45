"""The vectorised walk says what the definitions say, wherever the batches are cut."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.roce.psn import HALF, MODULUS, advance, distance, read_span
from analysis.roce.sequence import Segments, Sequence
from analysis.roce.walk import walk
from tests.roce.reference import Flow

psns = st.integers(0, MODULUS - 1)


@given(psns, st.integers(-HALF, HALF - 1))
def test_distance_undoes_advance(psn: int, way: int) -> None:
    assert distance(advance(psn, way), psn) == way


@pytest.mark.parametrize(("dma", "span"), [(0, 1), (1, 1), (1024, 1), (1025, 2), (5000, 5)])
def test_a_read_takes_a_psn_for_each_response(dma: int, span: int) -> None:
    assert read_span(dma, 1024) == span


def moves(draw: st.DrawFn) -> list[tuple[int, int, int]]:
    """(flow, psn, span) with losses, rewinds, duplicates, leaps and READ requests."""
    heads = [draw(st.sampled_from([0, 5, 0x7FFFFE, 0xFFFFFA])) for _ in range(3)]
    rows = []
    small = st.integers(-12, 3)
    for _ in range(draw(st.integers(1, 60))):
        flow = draw(st.integers(0, 2))
        step = draw(
            st.one_of(st.just(0), st.just(0), small, st.sampled_from([1 << 22, -(1 << 22), HALF - 1, -HALF, 9000]))
        )
        span = draw(st.one_of(st.just(1), st.just(1), st.integers(1, 6))) if flow == 2 else 1
        psn = (heads[flow] + step) % MODULUS
        rows.append((flow, psn, span))
        heads[flow] = (psn + span) % MODULUS
    return rows


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_batches_of_any_size_equal_the_definitions(data: st.DataObject) -> None:
    rows = data.draw(st.composite(moves)())
    check(rows, data.draw(st.lists(st.integers(0, len(rows)), max_size=6)))


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_reads_that_are_issued_anew_equal_the_definitions(data: st.DataObject) -> None:
    spans = st.sampled_from([1, 1, 2, 3, 5])
    steps = st.lists(st.tuples(st.sampled_from([0, 0, 0, 0, 1, -1, -2, -4, -9]), spans), min_size=1, max_size=60)
    head, rows = 0xFFFFF0, []
    for step, span in data.draw(steps):
        rows.append((0, (head + step) % MODULUS, span))
        head = rows[-1][1] + span
    check(rows, data.draw(st.lists(st.integers(0, len(rows)), max_size=6)))


def test_a_longer_read_in_place_of_a_packet_speaks_for_the_psns_behind_it() -> None:
    check([(0, 13, 1), (0, 13, 3), (0, 16, 1)], [])


def check(rows: list[tuple[int, int, int]], cuts: list[int]) -> None:
    cuts = sorted(cuts)
    sequence, flows = Sequence(), [Flow(), Flow(), Flow()]
    totals = np.zeros((3, 5), np.int64)
    for begin, end in zip([0, *cuts], [*cuts, len(rows)], strict=True):
        if begin == end:
            continue
        part = np.array(rows[begin:end])
        order = np.argsort(part[:, 0], kind="stable")
        flow, psn, span = part[order].T
        done = walk(sequence, Segments.of(flow), psn, span)
        for row in range(len(flow)):
            totals[flow[row]] += (
                done.ahead[row] > 0,
                max(done.ahead[row], 0),
                done.ahead[row] < 0,
                done.repeat[row],
                done.rewind[row],
            )
    for flow, psn, span in rows:
        flows[flow].add(psn, span)
    for i, flow in enumerate(flows):
        assert totals[i].tolist() == [flow.gap_events, flow.gap_psns, flow.behind, flow.repeats, flow.rewinds]
        if flow.packets:
            coverage = sequence.coverage.get(i)
            assert (coverage.missing if coverage else 0) == flow.missing
