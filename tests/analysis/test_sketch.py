"""Quantiles that can be added up: how far off they may be, and that adding up in any order is the same."""

from math import ceil

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from analysis.packing import pack, unpack
from analysis.sketch import EXACT, MAX_US, RELATIVE_ERROR, Sketch

times = st.integers(0, 60_000_000) | st.integers(0, 300) | st.integers(0, 2**40)
samples = st.lists(times, max_size=60)
ranks = st.floats(0, 1)


def rounded(values: list[int]) -> Sketch:
    """A sketch that has forgotten its values, as after a session file's index."""
    return Sketch.decode(Sketch(values).encode())


def nearest_rank(values: list[int], q: float) -> int:
    return sorted(values)[max(1, ceil(q * len(values))) - 1]


@given(samples.filter(bool), ranks)
def test_few_values_are_exact(values: list[int], q: float) -> None:
    assert Sketch(values).quantile(q) == nearest_rank(values, q)


@given(st.lists(st.integers(0, MAX_US), min_size=1, max_size=60), ranks)
@example([255, 256, 257, 258], 0.5)
def test_quantiles_stay_within_the_stated_error(values: list[int], q: float) -> None:
    exact, found = nearest_rank(values, q), rounded(values).quantile(q)
    assert found is not None
    assert abs(found - exact) <= exact * RELATIVE_ERROR
    if exact < 256:
        assert found == exact


@settings(max_examples=10)
@given(st.integers(1, 50_000_000), st.integers(1, 997), ranks)
def test_many_values_stay_within_the_stated_error(base: int, stride: int, q: float) -> None:
    values = [base + i * stride % 100_003 for i in range(EXACT + 500)]
    exact, found = nearest_rank(values, q), Sketch(values).quantile(q)
    assert found is not None
    assert abs(found - exact) <= exact * RELATIVE_ERROR


@given(samples)
def test_extremes_count_and_emptiness_are_exact_whatever_was_rounded(values: list[int]) -> None:
    for sketch in (Sketch(values), rounded(values)):
        assert (sketch.count, sketch.min_us, sketch.max_us) == (
            len(values),
            min(values, default=None),
            max(values, default=None),
        )
        assert (sketch.quantile(0.5) is None) == (sketch.mean_us() is None) == (not values)


@given(st.lists(st.integers(0, MAX_US), min_size=1, max_size=60))
def test_the_mean_stays_within_the_stated_error(values: list[int]) -> None:
    mean, found = sum(values) / len(values), rounded(values).mean_us()
    assert found == pytest.approx(mean, rel=RELATIVE_ERROR * 1.0001)


def together(*parts: Sketch) -> Sketch:
    whole = Sketch()
    for part in parts:
        whole.merge(part)
    return whole


def state(sketch: Sketch) -> tuple[object, ...]:
    return sketch.count, sketch.quantiles((0.01, 0.5, 0.9, 0.99)), sketch.mean_us(), sketch.encode()


@given(samples, samples, samples, st.tuples(st.booleans(), st.booleans(), st.booleans()))
def test_merging_is_associative_and_commutative(
    a: list[int], b: list[int], c: list[int], forget: tuple[bool, bool, bool]
) -> None:
    x, y, z = (rounded(v) if f else Sketch(v) for v, f in zip((a, b, c), forget, strict=True))
    assert state(together(together(x, y), z)) == state(together(x, together(y, z)))
    assert state(together(x, y)) == state(together(y, x))


@settings(max_examples=20)
@given(st.lists(st.integers(0, 900), max_size=6), st.integers(0, 10**6))
def test_parts_give_what_the_whole_gives_also_across_the_exact_limit(sizes: list[int], base: int) -> None:
    values = [base + i * 7919 % 65_537 for i in range(sum(sizes))]
    parts, position = [], 0
    for size in sizes:
        parts.append(Sketch(values[position : position + size]))
        position += size
    assert state(together(*parts)) == state(Sketch(values))


@given(samples)
def test_encoding_keeps_everything_but_exactness(values: list[int]) -> None:
    sketch = Sketch(values)
    assert Sketch.decode(sketch.encode()) == sketch
    assert Sketch.decode(sketch.encode()).encode() == sketch.encode()


@given(st.binary(max_size=40))
def test_bytes_of_a_stranger_give_a_sound_sketch_or_a_value_error(data: bytes) -> None:
    try:
        sketch = Sketch.decode(data)
    except ValueError:
        return
    assert sketch.count == 0 or sketch.min_us <= sketch.quantile(0.5) <= sketch.max_us  # type: ignore[operator]


def test_memory_is_bounded_whatever_comes() -> None:
    sketch = Sketch(int(1.001**i) for i in range(30_000))
    assert len(sketch.encode()) < 3840 * 3


@given(st.lists(st.integers(0, 2**63 - 1)))
def test_packing_is_reversible(numbers: list[int]) -> None:
    assert unpack(pack(numbers)) == numbers
