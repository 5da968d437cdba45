"""Datagrams are counted right whatever order, gaps and copies they come with."""

import tracemalloc
from itertools import pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.transfer.datagrams import Arrivals, of_runs, runs

SENT = 60
arriving = st.lists(st.integers(0, SENT - 1), max_size=120)


def counted(numbers: list[int], cuts: list[int], limit: int = SENT) -> Arrivals:
    """Take the numbers in as many batches as `cuts` make; sent a ms apart, received 2 ms apart."""
    arrivals = Arrivals(limit)
    bounds = [0, *sorted(min(cut, len(numbers)) for cut in cuts), len(numbers)]
    for start, end in pairwise(bounds):
        batch = np.array(numbers[start:end], dtype=np.int64)
        arrivals.take(batch, batch * 1_000_000, np.arange(start, end, dtype=np.int64) * 2_000_000)
    return arrivals


@settings(max_examples=60)
@given(arriving, st.lists(st.integers(0, 120), max_size=4))
def test_loss_order_and_copies_are_as_counted_one_by_one(numbers: list[int], cuts: list[int]) -> None:
    seen: set[int] = set()
    duplicates = reordered = 0
    highest = -1
    for number in numbers:
        if number in seen:
            duplicates += 1
            continue
        reordered += number < highest
        seen.add(number)
        highest = max(highest, number)
    counts = counted(numbers, cuts).counts(SENT)
    assert (counts.sent, counts.received, counts.duplicates, counts.reordered) == (
        SENT,
        len(seen),
        duplicates,
        reordered,
    )
    lost = [number not in seen for number in range(SENT)]
    assert sum(length * often for length, often in counts.bursts) == sum(lost)
    found = "".join("x" if gone else " " for gone in lost).split()
    assert sorted(counts.bursts) == sorted({(len(run), [len(r) for r in found].count(len(run))) for run in found})


@settings(max_examples=60)
@given(arriving, st.lists(st.integers(0, 120), max_size=4))
def test_jitter_is_that_of_rfc_3550_however_it_comes_in_batches(numbers: list[int], cuts: list[int]) -> None:
    fresh = list(dict.fromkeys(numbers))
    first = {number: numbers.index(number) for number in fresh}
    jitter = 0.0
    for before, now in pairwise(fresh):
        difference = (first[now] - first[before]) * 2000 - (now - before) * 1000
        jitter += (abs(difference) - jitter) / 16
    told = counted(numbers, cuts).jitter_us
    assert told is None if len(fresh) < 2 else told is not None and abs(told - jitter) < 1e-6 * max(1, jitter)


@settings(max_examples=60)
@given(st.lists(st.integers(-(1 << 62), 1 << 62), min_size=1, max_size=40))
def test_numbers_that_cannot_be_are_foreign_and_cost_no_memory(numbers: list[int]) -> None:
    arrivals = counted(numbers, [])
    counts = arrivals.counts(SENT)
    assert counts.foreign == sum(not 0 <= number < SENT for number in numbers)
    assert counts.received == len({number for number in numbers if 0 <= number < SENT})
    assert len(arrivals.lost(1 << 62)) == SENT


@settings(max_examples=60)
@given(st.lists(st.booleans(), max_size=80))
def test_a_pattern_survives_being_told_as_runs(lost: list[bool]) -> None:
    assert of_runs(runs(np.array(lost, dtype=np.bool_))).tolist() == lost


def test_the_worst_pattern_of_losses_takes_little_memory_to_tell() -> None:
    sent = 400_000
    arrivals = counted(list(range(0, sent, 2)), [], sent)
    tracemalloc.start()
    try:
        counts = arrivals.counts(sent)
        assert tracemalloc.get_traced_memory()[1] < 40 * sent
    finally:
        tracemalloc.stop()
    assert counts.bursts == ((1, sent // 2),)


def test_a_sender_that_says_it_sent_less_than_came_is_corrected() -> None:
    assert counted([0, 1, 9], []).counts(2).sent == 10
