"""What routes are judged by agrees with the exact history, however the window has moved."""

from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.history import SeriesHistory
from analysis.samples import Outcome, Probes
from analysis.sketch import RELATIVE_ERROR
from analysis.sliding import SLOT_NS, Pool

SPAN_NS = 12 * SLOT_NS
START_NS = 1000 * SLOT_NS
MEMBER, OTHER = 1, 2
outcomes = st.sampled_from([Outcome.ANSWERED, Outcome.ANSWERED, Outcome.LOST, Outcome.UNREACHABLE, Outcome.FAILED])
rows = st.lists(st.tuples(st.sampled_from((MEMBER, OTHER)), outcomes, st.integers(1, 400_000)), max_size=4)
seconds = st.lists(st.tuples(st.integers(1, 9), rows), max_size=60)


def batch(t: int, told: list[tuple[int, Outcome, int | None]]) -> Probes:
    """Return probes that settled at the moment of their sending."""
    series, found, rtts = zip(*told, strict=True) if told else ((), (), ())
    return Probes(t, series, (0,) * len(told), tuple(map(int, found)), rtts)


def empty(now_ns: int = START_NS) -> Pool:
    return Pool(SPAN_NS, {MEMBER: 0}, (), now_ns)


@given(seconds, st.integers(0, 60))
@settings(max_examples=60, deadline=None)
def test_counts_equal_the_history_and_the_median_is_within_the_stated_error(
    found: list[tuple[int, list[tuple[int, Outcome, int]]]], joined: int
) -> None:
    """Also where the pool begins in the middle, with what the history knows by then."""
    pool, history, now = empty(), SeriesHistory(), START_NS
    for number, (wait_s, told) in enumerate(found):
        now += wait_s * 10**9
        answers = [(series, what, rtt if what is Outcome.ANSWERED else None) for series, what, rtt in told]
        for series, what, rtt in answers:
            if series == MEMBER:
                history.record(now, what, rtt)
        if number == joined:
            pool = Pool(SPAN_NS, {MEMBER: 0}, history.settled(now - SPAN_NS), now)
        else:
            pool.add([batch(now, answers)], now)
    start = (now // SLOT_NS - SPAN_NS // SLOT_NS) * SLOT_NS
    judged, exact = pool.window(start, now), history.window(start, now + 1)
    assert (judged.answered, judged.late, judged.lost) == (exact.answered, exact.late, exact.lost)
    if exact.p50_us is None or judged.p50_us is None:
        assert judged.p50_us == exact.p50_us
    else:
        assert abs(judged.p50_us - exact.p50_us) <= max(1, exact.p50_us * RELATIVE_ERROR)


def test_a_late_answer_takes_the_loss_back_also_in_a_pool_that_begins_after_it() -> None:
    pool = empty()
    pool.add([batch(START_NS, [(MEMBER, Outcome.LOST, None)])], START_NS)
    pool.add([Probes(START_NS + SLOT_NS, (MEMBER,), (SLOT_NS // 1000,), (int(Outcome.LATE),), (900_000,))], START_NS)
    history = SeriesHistory()
    history.record(START_NS, Outcome.LOST)
    history.record(START_NS, Outcome.LATE)
    later = Pool(SPAN_NS, {MEMBER: 0}, history.settled(0), START_NS)
    for one in (pool, later):
        judged = one.window(START_NS - 1, START_NS + 1)
        assert (judged.lost, judged.late) == (0, 1)


def test_nothing_is_left_when_everything_has_left_the_window() -> None:
    pool = empty()
    told = [(MEMBER, Outcome.ANSWERED, 100), (MEMBER, Outcome.LOST, None)]
    for n in range(50):
        t = START_NS + n * 10**9
        pool.add([batch(t, told)], t)
    assert pool.window(0, 1).settled
    pool.add([], START_NS + 3 * SPAN_NS)
    assert pool.window(0, 1).settled == 0


def test_an_impossible_time_is_no_answer() -> None:
    pool = empty()
    pool.add([batch(START_NS, [(MEMBER, Outcome.ANSWERED, rtt)]) for rtt in (None, -1, 1 << 40)], START_NS)
    assert pool.window(0, 1).answered == 0
