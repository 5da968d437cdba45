"""Every hop is asked, nothing behind the target, and the search for the MTU ends at the truth."""

import random

from hypothesis import given
from hypothesis import strategies as st

from collectors.hops.course import MAX_TTL, Course
from collectors.hops.mtu import LEAST, MOST, MtuSearch, Verdict


def walk(course: Course, steps: list[tuple[int, int]], length: int, lost: set[int]) -> None:
    for ttl, flow in steps:
        if ttl not in lost:
            course.answered(ttl, flow, final=ttl >= length)


@given(st.integers(1, MAX_TTL), st.sets(st.integers(1, MAX_TTL)))
def test_the_whole_path_is_asked_for_at_once_and_what_was_lost_again(length: int, lost: set[int]) -> None:
    course = Course()
    walk(course, course.first(), length, lost)
    walk(course, course.again(), length, set())
    walk(course, course.again(), length, set())
    walk(course, course.round(), length, set())
    assert course.known
    assert course.round() == [(ttl, 0) for ttl in range(1, length + 1)]


@given(st.integers(1, 25), st.integers(1, 25))
def test_a_path_that_becomes_longer_or_shorter_is_followed(before: int, after: int) -> None:
    course = Course()
    walk(course, course.first(), before, set())
    for _ in range(MAX_TTL):
        walk(course, course.round(), after, set())
    assert course.distance == {0: after}


@given(st.integers(1, 64), st.integers(1, 20), st.booleans())
def test_every_flow_has_its_turn_at_every_hop(flows: int, length: int, watch: bool) -> None:
    course = Course(flows, watch_target=watch)
    walk(course, course.first(), length, set())
    asked: set[tuple[int, int]] = set()
    for _ in range(flows):
        steps = course.round()
        assert len(steps) == len(set(steps)) <= length + (flows if watch else 0)
        asked |= set(steps)
        walk(course, steps, length, set())
    assert asked >= {(ttl, flow) for ttl in range(1, length + 1) for flow in range(flows)}


def test_a_silent_target_is_not_looked_for_for_ever() -> None:
    course = Course()
    for ttl in range(1, 5):
        course.answered(ttl, 0, final=False)
    assert max(ttl for ttl, _flow in course.round()) == 9


def search(true_mtu: int, local: int, *, tells: bool, lies: int, loss: float, seed: int) -> MtuSearch:
    """Search a path that carries `true_mtu` bytes; each size is tried three times."""
    chance, found = random.Random(seed), MtuSearch(4)
    for _ in range(40):
        sizes = found.sizes()
        if not sizes:
            return found
        verdicts: dict[int, Verdict] = {}
        for size in sizes:
            if size > local:
                found.limit(local)
            elif size <= true_mtu:
                verdicts[size] = Verdict(passed=any(chance.random() >= loss for _ in range(3)))
            else:
                verdicts[size] = Verdict(told=tells, mtu=lies or true_mtu, sender="r")
        found.judge(verdicts)
    raise AssertionError("the search does not end")


@given(st.integers(LEAST[4], MOST), st.integers(LEAST[4], MOST), st.booleans(), st.integers(0, MOST))
def test_the_search_ends_at_the_true_mtu(true_mtu: int, local: int, tells: bool, lies: int) -> None:
    found = search(true_mtu, local, tells=tells, lies=lies, loss=0.0, seed=0)
    assert found.passed == min(true_mtu, local)
    assert found.refused in (None, true_mtu + 1)
    assert found.black_hole == (true_mtu < local and not tells)


@given(st.integers(LEAST[4], MOST), st.booleans(), st.integers(0, 1 << 30))
def test_loss_never_makes_an_mtu_larger_than_it_is_nor_the_search_endless(
    true_mtu: int, tells: bool, seed: int
) -> None:
    found = search(true_mtu, MOST, tells=tells, lies=0, loss=0.3, seed=seed)
    assert found.passed is None or found.passed <= true_mtu
