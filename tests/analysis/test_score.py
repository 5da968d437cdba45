"""The route score: better numbers never score worse, and what is not known is left out, not zero."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from analysis.score import Part, RouteScore, best_route, score
from analysis.settings import ScoreSettings
from analysis.window import Window

PLAIN = ScoreSettings()
weights = st.floats(0, 10)
schemes = st.builds(ScoreSettings, weights, weights, weights)
windows = st.builds(
    lambda answered, lost, p50: Window(0, 1, answered=answered, lost=lost, p50_us=p50 if answered else None),
    st.integers(0, 1000),
    st.integers(0, 1000),
    st.integers(1, 2_000_000),
)
bandwidths = st.none() | st.floats(0, 1000)


def value(window: Window, mbps: float | None, settings: ScoreSettings = PLAIN) -> float:
    found = score(window, mbps, settings).value
    assert found is not None
    return found


def test_the_shipped_score() -> None:
    found = score(Window(0, 1, answered=980, lost=20, p50_us=150_000), 84.0, PLAIN)
    assert found.value == pytest.approx(0.28 + 0.24 + 0.252)
    assert found.parts == (
        Part("latency", 0.4, pytest.approx(0.4), pytest.approx(0.28)),
        Part("loss", 0.3, pytest.approx(0.3), pytest.approx(0.24)),
        Part("bandwidth", 0.3, pytest.approx(0.3), pytest.approx(0.252)),
    )
    assert found.confidence == pytest.approx(1000 / 1030)


def test_unmeasured_bandwidth_is_left_out_and_the_rest_weighs_more() -> None:
    found = score(Window(0, 1, answered=30, p50_us=250_000), None, PLAIN)
    assert found.parts[2] == Part("bandwidth", 0.3, 0.0, None)
    assert found.value == pytest.approx(4 / 7 * 0.5 + 3 / 7)
    assert found.confidence == pytest.approx(0.7 * 0.5)


def test_nothing_measured_has_no_score() -> None:
    assert score(Window(0, 1), None, PLAIN) == RouteScore(
        None, tuple(Part(n, w, 0.0, None) for n, w in (("latency", 0.4), ("loss", 0.3), ("bandwidth", 0.3))), 0.0, 0
    )


def test_what_passed_alone_makes_no_score() -> None:
    assert score(Window(0, 1), 6882.0, PLAIN).value is None


def test_a_dead_route_gets_nothing_for_its_latency() -> None:
    assert value(Window(0, 1, lost=50), None) == 0
    assert value(Window(0, 1, lost=50), 100.0) == pytest.approx(0.3)


@given(windows, bandwidths, schemes)
def test_parts_add_up(window: Window, mbps: float | None, settings: ScoreSettings) -> None:
    found = score(window, mbps, settings)
    measured = [part for part in found.parts if part.got is not None]
    assert 0 <= found.confidence <= 1
    if found.value is None:
        assert not measured
        return
    assert sum(part.could for part in measured) == pytest.approx(1)
    assert all(-1e-9 <= (part.got or 0) <= part.could + 1e-9 for part in measured)
    assert sum(part.got or 0 for part in measured) == pytest.approx(found.value)
    assert 0 <= found.value <= 1


@given(windows, st.floats(0, 1000), schemes, st.integers(0, 10**6), st.floats(0, 100))
def test_faster_and_less_lossy_and_wider_never_scores_worse(
    window: Window, mbps: float, settings: ScoreSettings, slower_us: int, wider: float
) -> None:
    assume(window.p50_us is not None and settings.latency_weight + settings.loss_weight > 0)
    here = value(window, mbps, settings)
    slower = Window(0, 1, answered=window.answered, lost=window.lost, p50_us=(window.p50_us or 0) + slower_us)
    lossier = Window(0, 1, answered=window.answered, lost=window.lost + 7, p50_us=window.p50_us)
    assert value(slower, mbps, settings) <= here
    assert value(lossier, mbps, settings) <= here
    assert value(window, mbps + wider, settings) >= here - 1e-12


@given(st.integers(1, 500), st.integers(1, 500))
def test_more_probes_never_make_it_less_sure(n: int, more: int) -> None:
    few, many = (score(Window(0, 1, answered=a, p50_us=1000), None, PLAIN) for a in (n, n + more))
    assert few.confidence < many.confidence
    assert few.confidence < score(Window(0, 1, answered=n, p50_us=1000), 10.0, PLAIN).confidence


def rated(number: float | None, confidence: float = 0.9) -> RouteScore:
    return RouteScore(number, (), confidence, 100)


def test_the_best_route_changes_only_for_a_clear_and_certain_lead() -> None:
    def best(a: RouteScore, b: RouteScore, current: str | None = "a") -> str | None:
        return best_route({"a": a, "b": b}, current, 0.05)

    assert best(rated(0.70), rated(0.74)) == "a"
    assert best(rated(0.70), rated(0.76)) == "b"
    assert best(rated(0.70), rated(0.76, confidence=0.1)) == "a"
    assert best(rated(0.70), rated(0.74), current=None) == "b"
    assert best(rated(0.70), rated(0.70), current="gone") == "a"
    assert best(rated(None), rated(0.1)) == "b"
    assert best(rated(None), rated(None)) is None


@given(st.dictionaries(st.sampled_from("abcd"), st.floats(0, 1)), st.sampled_from("abcd"), st.floats(0, 1))
def test_whoever_is_best_is_not_behind_by_more_than_the_hysteresis(
    values: dict[str, float], current: str, hysteresis: float
) -> None:
    best = best_route({route: rated(number) for route, number in values.items()}, current, hysteresis)
    assert (best is None) == (not values)
    if best is not None:
        assert values[best] > max(values.values()) - hysteresis - 1e-9
        assert best_route({route: rated(number) for route, number in values.items()}, best, hysteresis) == best
