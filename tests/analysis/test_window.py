"""Adding up what became of probes, and how sure a loss ratio is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.jitter import Jitter
from analysis.sketch import Sketch
from analysis.window import Tally, Window, merged, wilson, window_of

counts = st.integers(0, 10_000)
tallies = st.builds(
    Tally,
    late=counts,
    lost=counts,
    failed=counts,
    duplicates=counts,
    unreachable=counts,
    rtts=st.lists(st.integers(0, 10**7), max_size=20).map(Sketch),
)


@given(st.lists(tallies, max_size=4))
def test_a_route_counts_what_its_targets_count(parts: list[Tally]) -> None:
    whole = window_of(merged(parts), 0, 1, in_flight=3)
    windows = [window_of(part, 0, 1) for part in parts]
    for name in ("answered", "late", "lost", "failed", "duplicates", "unreachable", "settled"):
        assert getattr(whole, name) == sum(getattr(window, name) for window in windows)
    assert whole.sent == whole.answered + whole.late + whole.lost + 3
    assert whole.min_us == min((w.min_us for w in windows if w.min_us is not None), default=None)


@given(tallies, st.none() | st.floats(0, 1e6))
def test_a_packed_tally_is_the_same_tally(tally: Tally, jitter: float | None) -> None:
    tally.jitter_us = None if jitter is None else float(round(jitter))
    assert Tally.decode(tally.encode()) == tally


@given(st.binary(max_size=30))
def test_bytes_of_a_stranger_give_a_tally_or_a_value_error(data: bytes) -> None:
    try:
        tally = Tally.decode(data)
    except ValueError:
        return
    assert Tally.decode(tally.encode()) == tally


@given(st.integers(1, 10**6), st.data())
def test_the_confidence_interval_holds_the_ratio_and_narrows_with_more_probes(n: int, data: st.DataObject) -> None:
    hits = data.draw(st.integers(0, n))
    low, high = wilson(hits, n) or (2.0, -1.0)
    assert 0 <= low <= hits / n <= high <= 1
    more = wilson(hits * 10, n * 10) or (0.0, 1.0)
    assert more[1] - more[0] < high - low


def test_the_confidence_interval_of_the_textbook() -> None:
    assert wilson(0, 0) is None
    assert wilson(10, 100) == pytest.approx((0.0552, 0.1744), abs=1e-4)
    assert wilson(0, 100) == pytest.approx((0.0, 0.0370), abs=1e-4)


def test_nothing_settled_is_not_zero_loss() -> None:
    window = Window(0, 1, in_flight=4)
    assert (window.sent, window.loss_ratio, window.loss_interval, window.spread_us) == (4, None, None, None)


@given(st.lists(st.integers(0, 10**6), max_size=40), st.integers(0, 40))
def test_jitter_is_the_same_in_one_go_or_in_parts(rtts: list[int], cut: int) -> None:
    assert Jitter().after(rtts[:cut]).after(rtts[cut:]) == Jitter().after(rtts)


def test_jitter_as_rfc_3550_computes_it() -> None:
    assert Jitter().after([100]).jitter_us is None
    assert Jitter().after([100, 100]).jitter_us == 0
    assert Jitter().after([100, 116, 100]).jitter_us == 1 + (16 - 1) / 16
    settled = Jitter().after([1000, 3000] * 200).jitter_us
    assert settled == pytest.approx(2000, rel=1e-6)
