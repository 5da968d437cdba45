"""Rates from running totals are never negative and never invented."""

from hypothesis import given
from hypothesis import strategies as st

from analysis.counters import grown, growth, rate_per_s, rates_per_s, share

totals = st.none() | st.integers(0, 2**64 - 1)
tables = st.dictionaries(st.sampled_from("abcd"), st.integers(0, 100))


@given(totals, totals, st.integers(-10, 10**10))
def test_a_rate_is_known_or_not_but_never_negative(was: int | None, now: int | None, elapsed_ns: int) -> None:
    rate = rate_per_s(was, now, elapsed_ns)
    known = was is not None and now is not None and now >= was
    assert (rate is not None) == (known and elapsed_ns > 0)
    assert rate is None or rate >= 0
    assert (grown(was, now) is not None) == known


def test_a_rate_uses_the_time_that_passed() -> None:
    assert rate_per_s(100, 600, 2 * 10**9) == 250
    assert rate_per_s(600, 100, 10**9) is None


@given(tables, tables)
def test_counters_that_are_new_gone_or_went_back_are_left_out(was: dict[str, int], now: dict[str, int]) -> None:
    grew = growth(was, now)
    assert set(grew) == {name for name in was.keys() & now.keys() if now[name] >= was[name]}
    assert all(now[name] == was[name] + more for name, more in grew.items())
    assert rates_per_s(was, now, 2 * 10**9) == {name: more / 2 for name, more in grew.items()}
    assert rates_per_s(was, now, 0) == {}


@given(totals, totals, totals, totals)
def test_a_share_is_a_ratio(was: int | None, now: int | None, total_was: int | None, total_now: int | None) -> None:
    found = share(was, now, total_was, total_now)
    assert found is None or 0 <= found <= 1


def test_a_total_that_stood_still_has_no_shares() -> None:
    assert share(1, 1, 5, 5) is None
    assert share(1, 3, 10, 18) == 0.25
