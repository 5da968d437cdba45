"""What routes are judged by agrees with the exact history, however the window has moved."""

from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.history import SeriesHistory
from analysis.samples import Outcome
from analysis.sketch import RELATIVE_ERROR
from analysis.sliding import SLOT_NS, Sliding, window_over

SPAN_NS = 12 * SLOT_NS
START_NS = 1000 * SLOT_NS
outcomes = st.sampled_from([Outcome.ANSWERED, Outcome.ANSWERED, Outcome.LOST, Outcome.UNREACHABLE, Outcome.FAILED])
probes = st.lists(st.tuples(st.integers(1, 4), outcomes, st.integers(1, 400_000)), max_size=120)


@given(probes)
@settings(max_examples=60, deadline=None)
def test_counts_equal_the_history_and_the_median_is_within_the_stated_error(
    found: list[tuple[int, Outcome, int]],
) -> None:
    sliding, history, now = Sliding(SPAN_NS), SeriesHistory(), START_NS
    for wait_s, outcome, rtt_us in found:
        now += wait_s * 10**9
        rtt = rtt_us if outcome is Outcome.ANSWERED else None
        sliding.record(now, outcome, rtt)
        history.record(now, outcome, rtt)
    start = (now // SLOT_NS - SPAN_NS // SLOT_NS) * SLOT_NS
    judged, exact = window_over([sliding], start, now), history.window(start, now + 1)
    assert (judged.answered, judged.late, judged.lost) == (exact.answered, exact.late, exact.lost)
    assert sliding.settled == exact.settled
    if exact.p50_us is None or judged.p50_us is None:
        assert judged.p50_us == exact.p50_us
    else:
        assert abs(judged.p50_us - exact.p50_us) <= max(1, exact.p50_us * RELATIVE_ERROR)


def test_a_late_answer_takes_the_loss_back() -> None:
    sliding = Sliding(SPAN_NS)
    sliding.record(START_NS, Outcome.LOST, None)
    sliding.record(START_NS, Outcome.LATE, None)
    judged = window_over([sliding], START_NS - 1, START_NS + 1)
    assert (judged.lost, judged.late) == (0, 1)


def test_nothing_is_left_when_everything_has_left_the_window() -> None:
    sliding = Sliding(SPAN_NS)
    for n in range(50):
        sliding.record(START_NS + n * 10**9, Outcome.ANSWERED, 100 + n)
    assert window_over([sliding], 0, START_NS + 2 * SPAN_NS).settled == 0
    assert not sliding.total.rtts
