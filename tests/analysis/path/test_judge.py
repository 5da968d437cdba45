"""Loss is told where it starts, never where it is not."""

import random
from math import comb

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.path.judge import Place, judge
from analysis.path.statistics import Count, chance_lower, step_up

counts = st.tuples(st.integers(0, 400), st.integers(0, 400)).map(lambda pair: Count(min(pair), max(pair)))


def seen(rates: list[float], n: int, seed: int) -> list[Place]:
    """What n probes to each hop find where hop i and all behind it lose rates[i] more."""
    chance = random.Random(seed)
    places, kept = [], 1.0
    for ttl, rate in enumerate(rates, 1):
        kept *= 1 - rate
        places.append(Place(ttl, Count(sum(chance.random() >= kept for _ in range(n)), n)))
    return places


@given(st.lists(counts, max_size=30), st.booleans())
def test_any_counts_are_judged_one_by_one(found: list[Count], reached: bool) -> None:
    judged = judge([Place(ttl, count) for ttl, count in enumerate(found, 1)], reached=reached)
    assert len(judged.losses) == len(found)
    for loss, count in zip(judged.losses, found, strict=True):
        assert (loss in ("silent", "unsure")) or count.lost < count.n
        assert loss == "none" if count.n and not count.lost else loss != "none"
    if judged.start is not None:
        assert 0 <= judged.start.after < judged.start.by <= len(found)


@given(st.lists(counts, max_size=30), st.booleans())
def test_where_the_target_answers_everything_no_loss_is_real(found: list[Count], reached: bool) -> None:
    places = [Place(ttl, count) for ttl, count in enumerate([*found, Count(0, 50)], 1)]
    judged = judge(places, reached=True)
    assert judged.start is None
    assert "real" not in judged.losses


@settings(max_examples=60)
@given(st.integers(2, 20), st.integers(0, 1 << 30), st.data())
def test_a_lossy_hop_is_within_what_is_told(hops: int, seed: int, data: st.DataObject) -> None:
    bad = data.draw(st.integers(2, hops))
    places = seen([0.0] * (bad - 1) + [0.2] + [0.0] * (hops - bad), 300, seed)
    start = judge(places, reached=True).start
    assert start is not None
    assert start.after < bad <= start.by


@settings(max_examples=60)
@given(st.integers(3, 20), st.integers(0, 1 << 30), st.data())
def test_a_router_that_answers_seldom_is_not_called_lossy(hops: int, seed: int, data: st.DataObject) -> None:
    places = seen([0.0] * hops, 100, seed)
    for ttl in data.draw(st.sets(st.integers(1, hops - 1), min_size=1, max_size=3)):
        places[ttl - 1] = Place(ttl, Count(data.draw(st.integers(20, 99)), 100))
    judged = judge(places, reached=True)
    assert judged.start is None
    assert {"limited" if place.loss.lost else "none" for place in places} == set(judged.losses)


def test_even_loss_is_hardly_ever_said_to_start_somewhere() -> None:
    """All hops behind the first lose alike: chance makes steps, and they must not be told."""
    told = [judge(seen([0.1] + [0.0] * 19, 100, seed), reached=True).start for seed in range(300)]
    assert sum(start is not None and start.after > 0 for start in told) <= 3


def starts(rates: list[float], n: int, runs: int = 300, own: float = 0.0) -> list[tuple[int, int] | None]:
    """Where loss is told to start, run by run; hop 1 leaves `own` of its probes unanswered besides."""
    told = []
    for seed in range(runs):
        places = seen(rates, n, seed)
        chance, first = random.Random(-seed - 1), places[0].loss
        limited = sum(chance.random() < own for _ in range(first.n - first.lost))
        places[0] = Place(1, first + Count(limited, 0))
        start = judge(places, reached=True).start
        told.append(None if start is None else (start.after, start.by))
    return told


@pytest.mark.parametrize(("share", "n"), [(0.3, 60), (0.5, 60), (0.3, 300), (0.1, 300)])
def test_loss_from_the_first_hop_on_is_told_whatever_chance_does(share: float, n: int) -> None:
    told = starts([share] + [0.0] * 6, n)
    assert {start[0] for start in told if start is not None} == {0}
    assert None not in told
    assert told.count((0, 1)) >= 0.9 * len(told)


def test_a_first_hop_that_loses_too_is_told_to_be_one_of_several_where_it_may_be() -> None:
    """Loss at hop 1 and as much again at hop 4, too few probes to tell: this box is not what to look at alone."""
    told = starts([0.1, 0, 0, 0.1, 0, 0, 0], 60)
    assert told.count((0, 1)) < 0.5 * len(told)
    assert sum(start is not None and start[0] < 4 <= start[1] for start in told) > 0.5 * len(told)


def test_a_first_hop_that_answers_a_little_less_is_seldom_taken_for_the_start_of_the_targets_loss() -> None:
    told = starts([0, 0, 0, 0, 0, 0, 0.05], 60, own=0.05)
    assert told.count((0, 1)) < 0.2 * len(told)


def test_the_last_hop_before_a_silent_target_is_not_accused() -> None:
    places = [Place(1, Count(0, 60)), Place(2, Count(0, 60)), Place(3, Count(30, 60))]
    assert judge(places, reached=False).start is None
    assert judge(places, reached=True).start is not None


@given(counts, counts)
def test_the_chance_is_that_of_fishers_exact_test(low: Count, high: Count) -> None:
    lost, n = low.lost + high.lost, low.n + high.n
    ways = sum(comb(low.n, k) * comb(high.n, lost - k) for k in range(low.lost + 1) if 0 <= lost - k <= high.n)
    exact = ways / comb(n, lost) if low.n and high.n and lost else 1.0
    assert chance_lower(low, high) == pytest.approx(exact, rel=1e-6, abs=1e-12)


def test_a_step_is_told_as_wide_as_it_is_uncertain() -> None:
    sure = step_up([Count(0, 100), Count(0, 100), Count(30, 100), Count(30, 100)])
    assert sure is not None
    assert (sure.after, sure.by) == (1, 2)
    open_ = step_up([Count(0, 100), Count(0, 1), Count(30, 100), Count(30, 100)])
    assert open_ is not None
    assert (open_.after, open_.by) == (0, 2)
