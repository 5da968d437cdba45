"""Traces are folded from samples: late answers, unknown paths, strangers' files, changes and spreading."""

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.path.hops import path_view
from analysis.path.locate import verdict
from analysis.path.trace import KEPT_PROBES, Traces
from analysis.path.view import PathView
from analysis.samples import HopAnswer, HopKind, HopPath, Hops, Outcome

SECOND = 10**9


def batch(second: int, who: list[str | None], flow: int = 0, outcome: Outcome | None = None) -> Hops:
    """One round: who answered at TTL 1, 2, …; the last one is the target."""
    answers = tuple(
        HopAnswer(address, HopKind.TARGET if at == len(who) - 1 else HopKind.EXCEEDED)
        for at, address in enumerate(who)
        if address
    )
    at = iter(range(len(answers)))
    return Hops(
        second * SECOND,
        paths=(7,),
        path=(0,) * len(who),
        ttl=tuple(range(1, len(who) + 1)),
        flow=(flow,) * len(who),
        age_us=(0,) * len(who),
        outcome=tuple(int(outcome or (Outcome.ANSWERED if one else Outcome.LOST)) for one in who),
        rtt_us=tuple(1000 if one else None for one in who),
        answer=tuple(next(at) if one else None for one in who),
        answers=answers,
    )


def view_of(batches: list[Hops], flows: int = 1) -> PathView:
    traces = Traces()
    traces.fold(HopPath(0, 7, "far", "192.0.2.9", flows=flows))
    for one in batches:
        traces.fold(one)
    return path_view(traces.by_id[7], (batches[-1].t if batches else 0) + 1)


def test_a_late_answer_takes_its_loss_back() -> None:
    lost = batch(1, ["a", None])
    late = batch(1, ["a", "z"], outcome=Outcome.LATE)
    window = view_of([batch(0, ["a", "z"]), lost, late]).hops[-1].window
    assert (window.lost, window.late, window.answered) == (0, 1, 1)


def test_a_path_that_changed_for_good_counts_from_then_on() -> None:
    before = [batch(n, ["a", "b", "c", "z"]) for n in range(10)]
    after = [batch(n, ["a", "x", "z"]) for n in range(10, 20)]
    view = view_of(before + after)
    assert view.changes == (10 * SECOND,)
    assert [row.routers[0].address for row in view.hops] == ["a", "x", "z"]
    assert view.hops[0].window.settled == 10


def test_one_stray_answer_is_no_change() -> None:
    rounds = [batch(n, ["a", "x" if n == 7 else "b", "z"]) for n in range(20)]
    assert view_of(rounds).changes == ()


def test_this_boxs_own_link_is_named_only_where_the_first_hop_loses_as_much_as_the_rest() -> None:
    def told(first: int) -> str:
        """Of 200 rounds the first hop loses `first`, all behind it 50."""
        rounds = [batch(n, ["a" if n >= first else None, "b", "c", "z"]) for n in range(200)]
        rounds[:50] = [batch(n, ["a" if n >= first else None, None, None, None]) for n in range(50)]
        return str(verdict(view_of(rounds))[1])

    assert "there from the first hop, 1 (a), on" in told(50)
    assert "starts between this box and hop 2 (b)" in told(30)
    assert "starts at hop 2 (b)" in told(10)


def test_flapping_is_changes_and_spreading_is_not() -> None:
    chance = random.Random(3)
    flaps = [batch(n, ["a", "b" if n // 5 % 2 else "c", "z"]) for n in range(40)]
    spread = [batch(n, ["a", chance.choice("bc"), "z"]) for n in range(40)]
    assert len(view_of(flaps).changes) == 7
    assert view_of(spread).changes == ()
    assert view_of(spread).hops[1].spread == "packet"


def test_flows_of_their_own_way_are_spreading_by_flow() -> None:
    rounds = [batch(n, ["a", "bcd"[n % 3], "z"], flow=n % 3) for n in range(30)]
    view = view_of(rounds, flows=3)
    assert view.hops[1].spread == "flow"
    assert view.changes == ()


def test_flows_of_different_lengths_end_in_one_row() -> None:
    rounds = [batch(n, ["a", "b", "c", "z"] if n % 2 else ["a", "b", "z"], flow=n % 2) for n in range(20)]
    view = view_of(rounds, flows=2)
    assert [row.is_target for row in view.hops] == [False, False, False, True]
    assert view.hops[-1].window.settled == 20


def test_nothing_seen_is_unknown() -> None:
    assert verdict(view_of([]))[0] == "unknown"


@settings(max_examples=80)
@given(
    st.lists(
        st.builds(
            Hops,
            t=st.integers(0, 10**18),
            paths=st.lists(st.integers(5, 8), max_size=3).map(tuple),
            path=st.lists(st.integers(-2, 4), max_size=6).map(tuple),
            ttl=st.lists(st.integers(-3, 300), max_size=6).map(tuple),
            flow=st.lists(st.integers(-1, 70), max_size=6).map(tuple),
            age_us=st.lists(st.integers(-10, 10**9), max_size=6).map(tuple),
            outcome=st.lists(st.integers(-1, 9), max_size=6).map(tuple),
            rtt_us=st.lists(st.none() | st.integers(0, 10**7), max_size=6).map(tuple),
            answer=st.lists(st.none() | st.integers(-1, 3), max_size=6).map(tuple),
            answers=st.lists(
                st.builds(
                    HopAnswer, st.sampled_from(["a", "b", "::1"]), st.integers(0, 9), reply_ttl=st.integers(-1, 300)
                ),
                max_size=3,
            ).map(tuple),
        ),
        max_size=8,
    )
)
def test_a_strangers_samples_never_raise(batches: list[Hops]) -> None:
    verdict(view_of(sorted(batches, key=lambda one: one.t)))


def test_what_is_kept_is_bounded() -> None:
    traces = Traces()
    traces.fold(HopPath(0, 7, "far", "192.0.2.9"))
    for n in range(KEPT_PROBES // 20 + 50):
        traces.fold(batch(n // 10, ["a"] * 20, flow=n))
    assert len(traces.by_id[7].probes(0, 10**18)) <= KEPT_PROBES
