"""Rates are written so that what tc tells of them afterwards is the same rate."""

from hypothesis import example, given
from hypothesis import strategies as st

from analysis.advice.units import tc_rate

SCALE = {"k": 10**3, "m": 10**6, "g": 10**9, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}


def parsed(text: str) -> int:
    return int(text[:-4]) * SCALE[text[-4]]


def told_by_tc(bps: int) -> str:
    """iproute2 lib/utils.c print_color_rate(), the way it is since 4.20."""
    unit = 0
    while unit < 4 and bps >= 1000 and (bps % 1000 == 0 or bps >= 1_000_000):
        bps //= 1000
        unit += 1
    return f"{bps}{' KMGT'[unit]}bit"


@given(st.integers(1_000, 10**9).map(lambda kbit: kbit * 1000))
@example(1_234_567_000)
@example(1_500_000_000)
@example(10**12)
def test_what_tc_tells_is_the_rate_that_was_asked_for(bps: int) -> None:
    asked = parsed(tc_rate(bps))
    assert parsed(told_by_tc(asked)) == asked
    assert tc_rate(asked) == tc_rate(bps)
    assert 0.999 * bps <= asked <= bps


def test_rates_are_written_as_people_do() -> None:
    assert [tc_rate(bps) for bps in (64_000, 900_000_000, 10**9, 1_500_000_000)] == [
        "64kbit",
        "900mbit",
        "1gbit",
        "1500mbit",
    ]
