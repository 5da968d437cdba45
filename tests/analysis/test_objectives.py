"""Objectives: met, missed or not yet known, and since when."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.objectives import HOLD_NS, Judgement, judge, keep, measured_in_words
from analysis.settings import Objectives
from analysis.window import Window

S = 10**9
SHIPPED = Objectives()


def states(
    window: Window, mbps: float | None = None, gpus: int | None = 4, up: float | None = None
) -> dict[str, str]:
    return {j.objective: j.state for j in judge(SHIPPED, window, mbps, gpus, up)}


def test_a_good_route_with_enough_probes_meets_everything() -> None:
    window = Window(0, 1, answered=1000, p50_us=80_000)
    assert set(states(window, mbps=41.0, up=1.0).values()) == {"met"}


def test_a_bad_route_misses_everything() -> None:
    window = Window(0, 1, answered=800, lost=200, p50_us=180_000)
    assert set(states(window, mbps=39.0, up=0.9).values()) == {"missed"}


@pytest.mark.parametrize(
    ("measured_ms", "said"),
    [(149.9, "<150 ms"), (150.0, "150 ms"), (150.3, ">150 ms"), (183.0, "183 ms"), (None, "– ms")],
)
def test_what_misses_its_limit_by_a_hair_does_not_read_like_the_limit(measured_ms: float | None, said: str) -> None:
    assert measured_in_words("latency", measured_ms, 150.0) == said


def test_few_probes_tell_nothing() -> None:
    window = Window(0, 1, answered=9, p50_us=80_000)
    assert set(states(window, up=1.0).values()) == {"unknown"}
    assert set(states(Window(0, 1)).values()) == {"unknown"}


def test_one_loss_in_few_probes_is_no_missed_objective_but_many_are() -> None:
    assert states(Window(0, 1, answered=29, lost=1, p50_us=1000))["loss"] == "unknown"
    assert states(Window(0, 1, answered=25, lost=5, p50_us=1000))["loss"] == "missed"
    assert states(Window(0, 1, answered=149, lost=1, p50_us=1000))["loss"] == "met"


def test_a_dead_route_misses_its_latency() -> None:
    assert states(Window(0, 1, lost=10))["latency"] == "missed"


def test_bandwidth_counts_gpus() -> None:
    window = Window(0, 1)
    assert states(window, mbps=79.0, gpus=8)["bandwidth"] == "missed"
    assert states(window, mbps=80.0, gpus=8)["bandwidth"] == "met"
    assert states(window, mbps=80.0, gpus=None)["bandwidth"] == "unknown"
    assert "bandwidth" not in states(window, mbps=80.0, gpus=0)


@given(st.integers(0, 3000), st.integers(0, 3000))
def test_loss_below_the_limit_is_never_missed_and_above_never_met(answered: int, lost: int) -> None:
    window = Window(0, 1, answered=answered, lost=lost, p50_us=1)
    state = states(window)["loss"]
    if window.loss_ratio is not None:
        assert state != ("missed" if window.loss_ratio <= SHIPPED.loss_ratio else "met")


def latency(state: str) -> tuple[Judgement, ...]:
    return (Judgement("latency", state, 1.0, 150.0),)  # type: ignore[arg-type]


def follow(*seen: tuple[int, str]) -> tuple[str, int | None]:
    held: tuple[Judgement, ...] = ()
    for second, state in seen:
        held = keep(held, latency(state), second * S)
    (judgement,) = held
    return judgement.state, None if judgement.since_ns is None else judgement.since_ns // S


def test_since_when() -> None:
    assert follow((0, "met"), (60, "met")) == ("met", 0)
    assert follow((0, "met"), (60, "missed"), (64, "missed")) == ("met", 0)
    assert follow((0, "met"), (60, "missed"), (65, "missed"), (90, "missed")) == ("missed", 60)
    assert follow((0, "unknown"), (60, "met")) == ("met", 60)


def test_what_flaps_is_not_told_to_change() -> None:
    flapping = [(second, "met" if second % 4 else "missed") for second in range(1, 100)]
    assert follow(*flapping) == ("met", 1)


@given(st.lists(st.sampled_from(("met", "missed", "unknown")), min_size=1, max_size=60))
def test_a_state_is_told_only_after_it_was_seen_for_as_long_as_said(seen: list[str]) -> None:
    held: tuple[Judgement, ...] = ()
    for second, state in enumerate(seen):
        before, held = held, keep(held, latency(state), second * S)
        if before and held[0].state != before[0].state:
            since = held[0].since_ns
            assert since is not None
            assert all(s == state for s in seen[since // S : second + 1])
            assert before[0].state == "unknown" or second * S - since >= HOLD_NS


@pytest.mark.parametrize("up", [0.996, 1.0])
def test_availability_is_known_after_ten_minutes_at_1_hz(up: float) -> None:
    assert states(Window(0, 1, answered=300, p50_us=1), up=1.0)["availability"] == "unknown"
    assert states(Window(0, 1, answered=600, p50_us=1), up=up)["availability"] == "met"
    assert states(Window(0, 1, answered=600, p50_us=1), up=0.97)["availability"] == "missed"
