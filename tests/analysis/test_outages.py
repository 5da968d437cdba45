"""What counts as an outage, and how much of the time a path works."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.outages import Outage, OutageRule, availability_ratio, outages, runs_of_loss

S = 10**9
TIMES = [i * S for i in range(100)]
A, L, LATE, FAILED, DUPLICATE, UNREACHABLE = 0, 1, 2, 3, 4, 5


def runs(*outcomes: int) -> list[Outage]:
    return runs_of_loss(TIMES[: len(outcomes)], bytes(outcomes))


def test_an_outage_lasts_from_the_first_lost_probe_to_the_next_answer() -> None:
    assert outages(runs(A, L, L, L, A)) == (Outage(1 * S, 4 * S, 3, 3 * S),)


def test_two_losses_are_loss_and_no_outage_unless_the_rule_says_so() -> None:
    assert outages(runs(A, L, L, A)) == ()
    assert outages(runs(A, L, L, A), OutageRule(min_lost=2, min_span_ns=0)) == (Outage(1 * S, 3 * S, 2, 2 * S),)


def test_three_losses_within_milliseconds_are_a_burst_and_no_outage() -> None:
    assert outages(runs_of_loss([0, 10**7, 2 * 10**7, 3 * 10**7], bytes((L, L, L, A)))) == ()


def test_a_late_answer_ends_an_outage_and_neither_failures_nor_duplicates_do() -> None:
    assert outages(runs(L, FAILED, UNREACHABLE, DUPLICATE, L, FAILED, LATE)) == (Outage(0, 6 * S, 3, 4 * S),)


def test_an_outage_without_an_answer_after_it_is_open_and_grows() -> None:
    (outage,) = outages(runs(A, L, L, L, FAILED))
    assert outage.end_ns is None
    assert outage.length_ns(10 * S) == 9 * S


@given(st.lists(st.integers(0, 5), max_size=40), st.integers(0, 40))
def test_runs_of_parts_carried_over_are_the_runs_of_the_whole(outcomes: list[int], cut: int) -> None:
    first, rest, cut = outcomes[:cut], outcomes[cut:], min(cut, len(outcomes))
    early = runs_of_loss(TIMES[:cut], bytes(first))
    carry = early.pop() if early and early[-1].end_ns is None else None
    assert early + runs_of_loss(TIMES[cut : cut + len(rest)], bytes(rest), carry) == runs(*outcomes)


def test_availability_counts_probes_so_that_time_without_any_is_neither_up_nor_down() -> None:
    (outage,) = outages(runs(*[A] * 10, *[L] * 5, *[A] * 5))
    assert availability_ratio([outage], 0, 20 * S, settled=20) == 0.75
    assert availability_ratio([outage], 0, 1000 * S, settled=20) == 0.75
    assert availability_ratio([outage], 15 * S, 20 * S, settled=5) == 1
    assert availability_ratio([], 0, S, settled=0) is None


@given(st.lists(st.integers(0, 5), min_size=1, max_size=60), st.integers(0, 59), st.integers(1, 60))
def test_availability_is_a_ratio(outcomes: list[int], start: int, span: int) -> None:
    found = outages(runs(*outcomes))
    settled = sum(code in {A, L, LATE, UNREACHABLE} for code in outcomes[start : start + span])
    ratio = availability_ratio(found, start * S, (start + span) * S, settled)
    assert ratio is None if not settled else 0 <= (-1 if ratio is None else ratio) <= 1


@pytest.mark.parametrize("outcomes", [(), (A,), (FAILED, DUPLICATE)])
def test_nothing_lost_is_no_run(outcomes: tuple[int, ...]) -> None:
    assert runs(*outcomes) == []
