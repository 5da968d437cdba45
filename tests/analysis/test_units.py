"""Numbers as people read them: one rounding rule, a dash for what is not known, columns that hold."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis import units

FORMATS = (
    units.milliseconds,
    units.percent,
    units.megabits,
    units.bits_per_s,
    units.per_second,
    units.size,
    units.count,
    units.duration,
)


@pytest.mark.parametrize("show", FORMATS)
def test_unknown_is_a_dash_and_never_a_number(show: Callable[[float | None], str]) -> None:
    assert show(None) == "–"


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        (units.milliseconds(21), "0.021"),
        (units.milliseconds(4130), "4.13"),
        (units.milliseconds(99_960), "100"),
        (units.milliseconds(152_345), "152"),
        (units.percent(0.0), "0%"),
        (units.percent(0.00001), "<0.01%"),
        (units.percent(0.0312), "3.1%"),
        (units.percent(0.995), "99.5%"),
        (units.percent(0.99999), ">99.9%"),
        (units.percent(1.0), "100%"),
        (units.percent_of(0.031, 1234), "3.1% (n 1.2k)"),
        (units.bits_per_s(0), "0 b/s"),
        (units.bits_per_s(999.9e6), "1.00 Gb/s"),
        (units.bits_per_s(2.41e9), "2.41 Gb/s"),
        (units.per_second(1234), "1.23k/s"),
        (units.size(1023), "1023 B"),
        (units.size(41 * 2**20), "41.0 MiB"),
        (units.count(999), "999"),
        (units.count(999_600), "1.0M"),
        (units.duration(0.85e9), "850 ms"),
        (units.duration(12e9), "12 s"),
        (units.duration(59.6e9), "1m00s"),
        (units.duration(125e9), "2m05s"),
        (units.duration(22_320e9), "6h12m"),
        (units.duration(273_600e9), "3d04h"),
    ],
)
def test_by_example(shown: str, expected: str) -> None:
    assert shown == expected


@given(st.floats(0, 1e15))
def test_no_number_is_wider_than_its_column(value: float) -> None:
    for show in (units.bits_per_s, units.per_second, units.size, units.count):
        assert len(show(value)) <= 10
    assert len(units.percent(value / 1e15)) <= 6
    assert len(units.milliseconds(value / 1e9)) <= 5


@given(st.integers(1, 10**12), st.integers(1, 10**9))
def test_only_nothing_and_everything_read_so(part: int, rest: int) -> None:
    assert units.percent(part / (part + rest)) not in {"0%", "0.00%", "100%"}


@given(st.floats(1e-3, 1e9), st.integers(1, 4))
def test_rounding_keeps_the_digits_it_says(value: float, digits: int) -> None:
    assert float(units.significant(value, digits, most=9)) == pytest.approx(value, rel=10.0 ** (1 - digits) / 1.99)
