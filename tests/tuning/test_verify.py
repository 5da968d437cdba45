"""What is said of before and after: nothing where chance could have done it."""

import random
import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.text import say
from tests.tuning.boxes import can_ping
from tuning.host import Host
from tuning.verify import Metric, Reach, compare, connect, lost, ping, should_keep

RATE = Metric(say("rate"), "Mb/s", higher_is_better=True)
RTT = Metric(say("round trip"), "ms", higher_is_better=False)
WELL = Reach("answers", "answers")
VALUES = st.lists(st.floats(0.1, 1e6), max_size=40)


def around(middle: float, n: int = 20) -> list[float]:
    chance = random.Random(n)
    return [middle * chance.uniform(0.9, 1.1) for _ in range(n)]


def test_a_clear_gain() -> None:
    assert compare(RATE, around(1), around(80)).outcome == "better"
    assert compare(RTT, around(1), around(80)).outcome == "worse"
    assert should_keep(WELL, WELL, compare(RATE, around(1), around(80)))


def test_too_few_or_too_small_says_nothing() -> None:
    assert compare(RATE, [1, 1, 1, 1], around(80)).outcome == "too few"
    assert compare(RATE, [], []).before is None
    assert compare(RATE, around(100), [value * 1.01 for value in around(100)]).outcome == "no difference"
    assert not should_keep(WELL, WELL, None)


@given(VALUES, VALUES)
def test_before_and_after_exchanged(before: list[float], after: list[float]) -> None:
    opposite = {"better": "worse", "worse": "better"}
    there, back = compare(RATE, before, after).outcome, compare(RTT, before, after).outcome
    assert back == opposite.get(there, there)
    assert compare(RATE, before, before).outcome in {"no difference", "too few"}


@given(st.sampled_from(["answers", "silent", "unknown"]), st.sampled_from(["answers", "silent", "unknown"]))
def test_only_what_answered_before_can_be_lost(before: str, after: str) -> None:
    was, now = Reach(before, "unknown"), Reach(after, "unknown")  # type: ignore[arg-type]
    assert bool(lost(was, now)) == (before == "answers" and after == "silent")
    if lost(was, now):
        assert not should_keep(was, now, compare(RATE, around(1), around(80)))


def test_a_refused_connection_has_crossed_the_path() -> None:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port = listening.getsockname()[1]
        listening.listen()
        assert connect("127.0.0.1", port) == "answers"
    assert connect("127.0.0.1", port) == "answers"


@pytest.mark.skipif(not can_ping(), reason="no ping(8) that may be used")
def test_ping() -> None:
    assert ping(Host(), "127.0.0.1") == "answers"
    assert ping(Host(tools="/nonexistent"), "127.0.0.1") == "unknown"
