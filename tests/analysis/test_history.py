"""A series' day: what was recorded is what is told, in columns, in windows and in outages, however it is cut."""

from collections import Counter
from itertools import pairwise
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.buckets import Bucket
from analysis.history import RECENT_NS, RECENT_PROBES, SeriesHistory
from analysis.jitter import Jitter
from analysis.outages import Outage
from analysis.samples import Outcome
from analysis.sketch import RELATIVE_ERROR
from analysis.window import Window, merged

S = 10**9
START = 1_789_999_980 * S  # the beginning of a minute
SETTLING = (Outcome.ANSWERED, Outcome.LOST, Outcome.FAILED, Outcome.DUPLICATE, Outcome.UNREACHABLE)


class Told(NamedTuple):
    """One outcome as the prober tells it."""

    sent_ns: int
    outcome: Outcome
    rtt_us: int | None = None


def history_of(told: list[Told]) -> SeriesHistory:
    history = SeriesHistory()
    for one in told:
        history.record(*one)
    return history


def answered(second: float, ms: float = 20) -> Told:
    return Told(START + int(second * S), Outcome.ANSWERED, int(ms * 1000))


def lost(second: float) -> Told:
    return Told(START + int(second * S), Outcome.LOST)


told = st.builds(
    lambda at_ms, outcome, rtt: Told(START + at_ms * 10**6, outcome, rtt if outcome is Outcome.ANSWERED else None),
    st.integers(0, 120_000),
    st.sampled_from(SETTLING),
    st.integers(0, 10**6),
)
batches = st.lists(told, max_size=40)


def counts(part: Bucket | Window) -> tuple[int, ...]:
    return part.answered, part.late, part.lost, part.failed


@given(batches, st.integers(0, 120), st.integers(1, 120), st.sampled_from((1, 2, 5, 7, 30)))
def test_columns_add_up_to_the_window_over_them(batch: list[Told], first: int, span: int, step: int) -> None:
    history = history_of(batch)
    buckets = history.buckets(START + first * S, START + (first + span) * S, step * S)
    window = history.window(buckets[0].start_ns, buckets[-1].start_ns + step * S)
    assert tuple(map(sum, zip(*map(counts, buckets), strict=True))) == counts(window)
    assert sum(bucket.sent for bucket in buckets) == window.sent
    assert max((b.max_us for b in buckets if b.max_us is not None), default=None) == window.max_us


@given(batches, st.integers(0, 10 * S), st.integers(1, 30 * S), st.integers(S // 3, 7 * S))
def test_columns_do_not_shimmer_while_the_span_moves(batch: list[Told], shift: int, span: int, step: int) -> None:
    history = history_of(batch)
    one = history.buckets(START, START + span, step)
    other = history.buckets(START + shift, START + shift + span, step)
    assert all(bucket.start_ns % step == 0 and bucket.step_ns == step for bucket in one)
    assert all(b.start_ns - a.start_ns == step for a, b in pairwise(one))
    seen = {bucket.start_ns: bucket for bucket in one}
    assert all(seen.get(bucket.start_ns, bucket) == bucket for bucket in other)


def test_a_second_without_probes_is_a_gap_not_a_zero() -> None:
    buckets = history_of([answered(0), answered(2)]).buckets(START, START + 3 * S, S)
    assert [(b.sent, b.p50_us, b.loss_ratio) for b in buckets] == [
        (1, 20_000, 0.0),
        (0, None, None),
        (1, 20_000, 0.0),
    ]


@given(batches, st.randoms(use_true_random=False))
def test_the_order_of_settling_does_not_matter(batch: list[Told], random: object) -> None:
    shuffled = list(batch)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    spans = [(START + a * S, START + b * S) for a, b in ((0, 121), (30, 60))]
    for span in spans:
        one, other = history_of(batch).window(*span), history_of(shuffled).window(*span)
        assert counts(one) == counts(other)
        assert (one.p50_us, one.p99_us, one.duplicates) == (other.p50_us, other.p99_us, other.duplicates)


late_too = st.builds(
    lambda at_s, outcome, rtt: Told(START + at_s * S, outcome, rtt if outcome is Outcome.ANSWERED else None),
    st.integers(0, 1100),
    st.sampled_from((*SETTLING, *(Outcome.ANSWERED,) * 5, Outcome.LATE, Outcome.FOREIGN)),
    st.one_of(st.none(), st.integers(-1, 10**6)),
)


@given(st.lists(late_too, max_size=60), st.data())
def test_what_is_filed_together_is_what_is_filed_one_by_one(batch: list[Told], data: st.DataObject) -> None:
    """Over enough time that the oldest are rolled up in between."""
    together, singly = SeriesHistory(), SeriesHistory()
    asked = data.draw(st.sets(st.integers(0, len(batch))))
    for n, one in enumerate(batch):
        together.record(*one)
        singly.record(*one)
        singly.file()
        if n in asked:
            together.file()
    span = START, START + 1200 * S
    assert together.window(*span) == singly.window(*span)
    assert together.buckets(*span, 7 * S) == singly.buckets(*span, 7 * S)
    assert together.outages(*span) == singly.outages(*span)
    assert together.last_rtt_us == singly.last_rtt_us
    assert list(together.settled(START)) == list(singly.settled(START))


def test_a_late_reply_takes_its_loss_back_where_it_was_sent() -> None:
    history = history_of([answered(0), lost(1), lost(2), answered(3)])
    history.record(START + S + 700, Outcome.LATE)  # sending times are told to the microsecond
    window = history.window(START, START + 4 * S)
    assert (window.answered, window.late, window.lost, window.sent) == (2, 1, 1, 4)
    assert [b.lost for b in history.buckets(START, START + 4 * S, S)] == [0, 0, 1, 0]
    assert (window.min_us, window.max_us) == (20_000, 20_000)


def test_a_late_reply_to_a_loss_that_was_never_seen_takes_no_other_back() -> None:
    history = history_of([lost(1), Told(START + 2 * S, Outcome.LATE)])
    window = history.window(START, START + 4 * S)
    assert (window.late, window.lost, window.settled) == (1, 1, 2)


def test_unreachable_is_lost_and_told_apart_and_foreign_is_nothing() -> None:
    history = history_of(
        [Told(START, Outcome.UNREACHABLE), lost(1), Told(START, Outcome.FOREIGN), Told(START, Outcome.FAILED)]
    )
    window = history.window(START, START + 2 * S, in_flight=1)
    assert (window.lost, window.unreachable, window.failed, window.settled, window.sent) == (2, 1, 1, 2, 3)


@pytest.mark.parametrize("rtt_us", [None, -1, 1 << 32])
def test_an_impossible_time_is_no_answer(rtt_us: int | None) -> None:
    history = history_of([Told(START, Outcome.ANSWERED, rtt_us), Told(1 << 70, Outcome.LOST), Told(-1, Outcome.LOST)])
    assert history.window(0, START + S).sent == 0


@given(st.lists(st.integers(0, 10**5), min_size=2, max_size=400))
def test_the_windows_jitter_is_that_of_rfc_3550_in_order_of_sending(rtts: list[int]) -> None:
    history = history_of([Told(START + i * S, Outcome.ANSWERED, rtt) for i, rtt in reversed(list(enumerate(rtts)))])
    expected = Jitter().after(rtts).jitter_us
    assert history.window(START, START + 400 * S).jitter_us == pytest.approx(expected, rel=1e-5, abs=1e-3)


def long_day(seconds: int, gap: range = range(0)) -> list[Told]:
    """Losses every 50 s, late replies every 70 s, and nothing at all in `gap`."""
    rows = []
    for second in range(seconds):
        if second in gap:
            continue
        if second % 50 == 7:
            rows.append(lost(second))
        elif second % 70 == 9:
            rows += [lost(second), Told(START + second * S, Outcome.LATE)]
        else:
            rows.append(answered(second, ms=100 + second % 37 + second % 11 * 0.3))
    return rows


@pytest.fixture(scope="module")
def five_hours() -> tuple[SeriesHistory, list[Told]]:
    rows = long_day(5 * 3600, gap=range(7000, 7400))
    return history_of(rows), rows


@pytest.mark.parametrize(
    ("first", "last"), [(0, 18_000), (0, 3600), (600, 12_000), (10_000, 18_000), (16_980, 17_980)]
)
def test_hours_are_counted_exactly_and_timed_within_the_stated_error(
    five_hours: tuple[SeriesHistory, list[Told]], first: int, last: int
) -> None:
    history, rows = five_hours
    inside = [row for row in rows if first <= (row.sent_ns - START) // S < last]
    kinds = Counter(row.outcome for row in inside)
    window = history.window(START + first * S, START + last * S)
    assert window.late == kinds[Outcome.LATE]
    assert window.lost == kinds[Outcome.LOST] - kinds[Outcome.LATE]
    rtts = sorted(row.rtt_us for row in inside if row.rtt_us is not None)
    assert (window.answered, window.min_us, window.max_us) == (len(rtts), rtts[0], rtts[-1])
    assert window.p50_us == pytest.approx(rtts[(len(rtts) + 1) // 2 - 1], rel=RELATIVE_ERROR)
    assert window.p99_us == pytest.approx(rtts[-(-99 * len(rtts) // 100) - 1], rel=RELATIVE_ERROR)
    assert window.jitter_us is not None


@pytest.mark.parametrize(("step", "expected"), [(1, 60), (60, 60), (90, 120), (300, 300)])
def test_old_columns_are_whole_slices_and_say_so(
    five_hours: tuple[SeriesHistory, list[Told]], step: int, expected: int
) -> None:
    history, _ = five_hours
    buckets = history.buckets(START, START + 5 * 3600 * S, step * S)
    assert {bucket.step_ns for bucket in buckets} == {expected * S}
    window = history.window(START, START + 5 * 3600 * S)
    assert tuple(map(sum, zip(*map(counts, buckets), strict=True))) == counts(window)
    gap = [b for b in buckets if START + 7020 * S <= b.start_ns < START + 7100 * S]
    assert all(b.sent == 0 for b in gap)


def test_columns_that_were_drawn_before_are_the_same_as_new_ones() -> None:
    rows = long_day(3 * 3600)
    seen, span = SeriesHistory(), 3600 * S
    for number, row in enumerate(rows):
        seen.record(*row)
        if number % 997 == 0:
            step = (10 if number % 2 else 30) * S
            fresh = history_of(rows[: number + 1])
            assert seen.buckets(row.sent_ns - span, row.sent_ns, step) == fresh.buckets(
                row.sent_ns - span, row.sent_ns, step
            )


def test_a_day_is_kept_and_no_more_in_little_memory() -> None:
    history = SeriesHistory()
    end = 26 * 3600
    for second in range(0, end, 2):
        history.record(START + second * S, Outcome.ANSWERED, 150_000 + second * 7919 % 5000)
    everything = history.window(0, START + end * S)
    assert 24 * 1800 <= everything.answered <= 24 * 1800 + 3600
    assert history.packed_bytes() < 100_000


def test_a_fast_series_keeps_fewer_probes_one_by_one() -> None:
    history, n = SeriesHistory(), RECENT_PROBES + 5000
    for i in range(n):
        history.record(START + i * 10**7, Outcome.ANSWERED, 100)
    window = history.window(START, START + n * 10**7)
    assert (window.answered, window.p50_us) == (n, 100)
    assert history.buckets(START, START + S, S)[0].step_ns == 10 * S
    assert history.buckets(START + 300 * S, START + 301 * S, S)[0].answered == 100


def test_what_comes_after_its_slice_was_closed_is_left_out() -> None:
    history = history_of(long_day(2 * RECENT_NS // S))
    before = history.window(START, START + 10**6 * S)
    history.record(START + 5 * S, Outcome.LATE)
    assert history.window(START, START + 10**6 * S) == before


@given(st.lists(st.sampled_from((0, 1, 2, 3, 4, 5)), min_size=1, max_size=60), st.integers(1, 59))
def test_outages_are_the_same_once_their_probes_are_gone(outcomes: list[int], spread: int) -> None:
    rows = [Told(START + i * spread * S, Outcome(code), 1 if code == 0 else None) for i, code in enumerate(outcomes)]
    history = history_of(rows)
    end = START + len(outcomes) * spread * S
    assert history.outages(START, end) == expected_outages(rows)
    assert all(a.end_ns is not None and a.end_ns <= b.start_ns for a, b in pairwise(history.outages(0, end)))


def expected_outages(rows: list[Told]) -> tuple[Outage, ...]:
    """Outages by the book, probe by probe."""
    found, run = [], []
    for row in (*rows, None):
        if row is not None and row.outcome in {Outcome.LOST, Outcome.UNREACHABLE}:
            run.append(row.sent_ns)
        elif row is None or row.outcome in {Outcome.ANSWERED, Outcome.LATE}:
            if len(run) >= 3 and run[-1] - run[0] >= 1.5 * S:
                found.append(Outage(run[0], None if row is None else row.sent_ns, len(run), run[-1]))
            run = []
    return tuple(found)


def test_series_of_a_route_are_pooled() -> None:
    one, other = history_of([answered(0, 10), lost(1)]), history_of([answered(0, 30), answered(1, 30)])
    pooled = merged(history.tally(START, START + 2 * S) for history in (one, other))
    assert (pooled.rtts.count, pooled.lost, pooled.rtts.quantile(0.5)) == (3, 1, 30_000)


@settings(max_examples=15)
@given(st.lists(st.integers(1, 400), max_size=8))
def test_any_cut_into_batches_gives_the_same_state(sizes: list[int]) -> None:
    rows = long_day(sum(sizes))
    whole, parts = history_of(rows), SeriesHistory()
    position = 0
    for size in sizes:
        for row in rows[position : position + size]:
            parts.record(*row)
        parts.window(START, START + position * S)  # looking changes nothing
        position += size
    for row in rows[position:]:
        parts.record(*row)
    span = (START, START + sum(sizes) * S + S)
    assert parts.window(*span) == whole.window(*span)
    assert parts.buckets(*span, 10 * S) == whole.buckets(*span, 10 * S)
