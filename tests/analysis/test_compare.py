"""Two sessions are called different where they are, and not where only the dice were."""

import random
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.compare import ComparedPath, Comparison, Evidence, EvidenceBook, Measure, compare
from analysis.ranks import fisher, holm, loss_shift, rank_shift
from analysis.samples import Outcome, Probes, Route, Routes, Series

S = 10**9
PATH = ComparedPath("a.example", "wan", "icmp")


def evidence(seed: int, n: int = 600, base: float = 50_000, loss: float = 0.01, memory: float = 0.0) -> Evidence:
    """Return probes whose times wander: `memory` is how much of the last deviation is left in the next."""
    dice = random.Random(seed)
    found, deviation = Evidence(), 0.0
    for second in range(n):
        deviation = memory * deviation + dice.gauss(0, 500)
        if dice.random() < loss:
            found.add(second * S, Outcome.LOST, None)
        else:
            found.add(second * S, Outcome.ANSWERED, int(base + deviation))
    return found


def compared(a: Evidence, b: Evidence) -> dict[str, Measure]:
    (path,) = compare({PATH: a}, {PATH: b}).paths
    return {measure.name: measure for measure in path.measures}


def test_a_slower_path_is_called_slower_and_the_other_way_round() -> None:
    fast, slow = evidence(1), evidence(2, base=53_000)
    there, back = compared(fast, slow), compared(slow, fast)
    assert (there["latency"].meaning, back["latency"].meaning) == ("worse", "better")
    assert (there["loss"].meaning, there["jitter"].meaning) == ("same", "same")
    assert compared(evidence(1, loss=0), evidence(2, base=53_000, loss=0))["score"].meaning == "worse"
    assert there["latency"].effect == pytest.approx(-back["latency"].effect)
    assert (there["latency"].n_a, there["latency"].n_b) == (len(fast.rtts_us), len(slow.rtts_us))


def test_more_loss_is_called_worse() -> None:
    measures = compared(evidence(1, loss=0.0), evidence(2, loss=0.05))
    assert (measures["loss"].meaning, measures["latency"].meaning) == ("worse", "same")


def test_less_steady_replies_are_called_that() -> None:
    calm, rough = evidence(1), Evidence()
    dice = random.Random(3)
    for second in range(600):
        rough.add(second * S, Outcome.ANSWERED, int(50_000 + dice.gauss(0, 2_000)))
    assert compared(calm, rough)["jitter"].meaning == "worse"


@pytest.mark.parametrize("memory", [0.0, 0.5, 0.9, 0.97])
def test_the_same_path_twice_is_hardly_ever_called_different(memory: float) -> None:
    wrong = sum(
        measure.p is not None and measure.p < 0.01
        for seed in range(60)
        for measure in compared(evidence(seed, memory=memory), evidence(seed + 1000, memory=memory)).values()
    )
    assert wrong <= 4


def test_a_certain_but_tiny_difference_is_not_worth_mentioning() -> None:
    measures = compared(evidence(1, 20_000), evidence(2, 20_000, base=50_200))
    assert measures["latency"].p < 0.001
    assert measures["latency"].meaning == "same"


def test_too_few_probes_tell_nothing() -> None:
    result = compare({PATH: evidence(1, 4)}, {PATH: evidence(2, 4, base=90_000)})
    assert "too few" in str(result.paths[0].verdict)
    assert {measure.meaning for measure in result.paths[0].measures} <= {"unclear", "same"}


def test_what_only_one_side_has_is_said_and_not_compared() -> None:
    other = ComparedPath("b.example", "lte", "icmp")
    result = compare({PATH: evidence(1)}, {other: evidence(1)})
    assert (result.paths, result.only_a, result.only_b) == ((), (PATH,), (other,))
    assert "no path in common" in str(result.verdict)


def test_with_many_paths_chance_finds_nothing() -> None:
    paths = [ComparedPath(f"{n}.example", "wan", "icmp") for n in range(40)]
    a = {path: evidence(n, 200) for n, path in enumerate(paths)}
    b = {path: evidence(n + 500, 200) for n, path in enumerate(paths)}
    result: Comparison = compare(a, b)
    assert result.tests == 120
    assert "Nothing differs" in str(result.verdict)


def test_probes_find_their_path_through_renamed_routes_and_late_replies() -> None:
    book = EvidenceBook()
    for sample in (
        Routes(1, (Route("dev eth0", "wan", 4, "eth0"),)),
        Series(2, 1, "a.example", "192.0.2.1", route="dev eth0"),
        Series(2, 2, "gateway", "192.0.2.9", route="dev eth0", role="gateway"),
        Probes(3 * S, (1, 2), (500, 500), (Outcome.LOST, Outcome.LOST), (None, None)),
        Probes(4 * S, (1, 1), (1_000_500, 500), (Outcome.LATE, Outcome.ANSWERED), (None, 1234)),
        Probes(5 * S, (1, 1, 1), (5, 6, 7), (Outcome.FAILED, Outcome.DUPLICATE, Outcome.FOREIGN), (None, 9, 9)),
        Probes(6 * S, (1,), (500,), (Outcome.UNREACHABLE,), (None,)),
    ):
        book.fold(sample)
    assert book.paths.keys() == {PATH}
    found = book.paths[PATH]
    assert (list(found.rtts_us), list(found.lost), found.late) == ([1234], [0, 0, 1], 1)


@settings(max_examples=50)
@given(st.lists(st.integers(0, 9), min_size=1, max_size=12), st.lists(st.integers(0, 9), min_size=1, max_size=12))
def test_the_effect_counts_pairs(a: list[int], b: list[int]) -> None:
    pairs = [(y > x) - (y < x) for x, y in product(a, b)]
    assert rank_shift(a, b).effect == pytest.approx(sum(pairs) / len(pairs))


def test_fisher_tastes_tea_as_in_the_textbook() -> None:
    assert fisher(3, 4, 1, 4) == pytest.approx(34 / 70)
    assert fisher(0, 100, 0, 100) == pytest.approx(1)


def test_a_burst_of_loss_is_worth_less_than_scattered_loss() -> None:
    scattered = [int(n % 20 == 0) for n in range(1000)]
    burst = [int(500 <= n < 550) for n in range(1000)]
    clean = [0] * 1000
    assert loss_shift(clean, scattered).p < 0.001
    assert loss_shift(clean, burst).p > loss_shift(clean, scattered).p
    assert loss_shift(clean, burst).worth_b < 100


def test_holm_never_makes_a_difference_more_certain() -> None:
    assert holm([0.01, None, 0.04, 0.03]) == [pytest.approx(0.03), None, pytest.approx(0.06), pytest.approx(0.06)]
    assert holm([]) == []
