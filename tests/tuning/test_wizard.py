"""The wizard without a screen: forward, back, and never a change that was not asked for."""

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from analysis.advice.plan import Change, Plan, Recommendation
from analysis.text import say
from tuning.plan import request
from tuning.reports import Report
from tuning.verify import Metric, Reach
from tuning.wizard import (
    STAGES,
    Answered,
    Chosen,
    Ended,
    Event,
    Found,
    Measured,
    Reported,
    TimeOver,
    Toggled,
    Wizard,
    after,
    may_go_back,
    proposed,
    work,
)

RATE = Metric(say("rate"), "Mb/s", higher_is_better=True)
BUFFER = Change("sysctl", "net.ipv4.tcp_wmem", "4096 16384 4194304", "4096 16384 37748736", say("more"), "")
RING = Change("ring", "eth0.rx", "1024", "2048", say("more"), "")
JUMBO = Change("mtu", "eth1", "1500", "9000", say("more"), "")


def recommended(change: Change) -> Recommendation:
    nothing = say("x")
    return Recommendation(
        "T2", nothing, "warn", "high", (), nothing, nothing, (), "R0", "netns", "sysctl.d", (change,)
    )


ADVICE = Plan("long-path", "", False, (recommended(BUFFER), recommended(RING), recommended(JUMBO)))
WELL = Reach("answers", "answers")
SLOW, FAST = Measured(WELL, (1.0,) * 9), Measured(WELL, (80.0,) * 9)
FOUND = Found(ADVICE, ("eth0",))
NEXT = Answered("next")


def run(wizard: Wizard, *events: Event) -> Wizard:
    for event in events:
        wizard = after(wizard, event)
    return wizard


def reviewed(wizard: Wizard | None = None) -> Wizard:
    return run(wizard or Wizard(), Chosen("long-path", RATE), NEXT, FOUND, SLOW, NEXT)


def go(wizard: Wizard) -> Answered:
    return Answered("next", request(wizard.sorted_out[0], wizard.management))


def applied(wizard: Wizard) -> Wizard:
    return run(wizard, go(wizard), Reported(Report("armed", "p", deadline_ns=9)), Reported(Report("applied", "p")))


def test_from_goal_to_keeping() -> None:
    wizard = reviewed()
    assert [change.key for change in wizard.sorted_out[0]] == [BUFFER.key], "what can cut the session is tried alone"
    wizard = applied(wizard)
    assert (wizard.stage, work(wizard), wizard.deadline_ns) == ("apply", "apply", 9)
    wizard = run(wizard, Ended(well=True))
    assert work(wizard) == "measure"
    wizard = after(wizard, FAST)
    assert wizard.comparison is not None
    assert (wizard.stage, wizard.comparison.outcome, proposed(wizard)) == ("decide", "better", "keep")
    wizard = after(wizard, Answered("keep"))
    assert work(wizard) == "confirm"
    assert run(wizard, Reported(Report("kept", "p")), Ended(well=True)).stage == "end"


def test_without_a_gain_rolling_back_is_proposed() -> None:
    for later in (SLOW, Measured(Reach("silent", "answers"), (80.0,) * 9), Measured(WELL)):
        wizard = run(applied(reviewed()), Ended(well=True), later)
        assert proposed(wizard) == "roll back"
        assert work(after(wizard, Answered("roll back"))) == "rollback"


def test_what_can_cut_the_session_is_never_kept_by_enter() -> None:
    wizard = reviewed()
    for change in wizard.changes[:2]:
        wizard = after(wizard, Toggled(change))
    assert [change.key for change in wizard.sorted_out[0]] == ["eth1"]
    assert proposed(run(applied(wizard), Ended(well=True), FAST)) == "roll back"


def test_back_works_until_something_is_applied() -> None:
    wizard = reviewed()
    assert after(wizard, Answered("back")).stage == "plan"
    assert run(wizard, Answered("back"), Answered("back")).stage == "goal"
    started = applied(wizard)
    assert not may_go_back(started)
    assert after(started, Answered("back")) == started
    assert after(started, Answered("leave")).stage == "apply", "there is no way out but to decide"


def test_an_executor_that_dies_leaves_it_to_the_dead_man() -> None:
    wizard = after(applied(reviewed()), Ended(well=False))
    assert wizard.stage == "end"
    assert "dead-man" in str(wizard.note)
    over = run(applied(reviewed()), Ended(well=True), TimeOver())
    assert (over.stage, bool(over.note)) == ("end", True)


def test_a_plan_that_was_not_reviewed_is_not_applied() -> None:
    wizard = reviewed()
    foreign = replace(wizard.sorted_out[0][0], proposed="1 2 3")
    refused = after(wizard, Answered("next", request([foreign], wizard.management)))
    assert (refused.stage, bool(refused.note)) == ("review", True)
    assert after(wizard, Answered("next")).stage == "review"


ANY = st.sampled_from(
    [
        Chosen("long-path", RATE),
        FOUND,
        SLOW,
        FAST,
        *(Answered(answer) for answer in ("next", "back", "keep", "roll back", "leave")),
        Answered("next", request(reviewed().sorted_out[0], ("eth0",))),
        Toggled(reviewed().changes[0]),
        Reported(Report("armed", "p", deadline_ns=9)),
        Reported(Report("rolled-back", "p")),
        Ended(well=True),
        Ended(well=False),
        TimeOver(),
    ]
)


@given(st.lists(ANY, max_size=30))
def test_a_replay_never_orders_anything(events: list[Event]) -> None:
    wizard = Wizard(replay=True)
    for event in events:
        wizard = after(wizard, event)
        assert work(wizard) in {None, "read facts", "measure"}


@given(st.lists(ANY, max_size=30))
def test_only_a_reviewed_plan_is_ever_applied(events: list[Event]) -> None:
    wizard = Wizard()
    for event in events:
        was, wizard = wizard, after(wizard, event)
        assert wizard.stage in STAGES
        if wizard.stage == "apply" != was.stage:
            assert was.stage == "review"
            assert isinstance(event, Answered)
            assert event.request is not None
        if wizard.order == "confirm" != was.order:
            assert event == Answered("keep")


@given(st.lists(st.sampled_from(["work", "enter"]), max_size=30))
def test_enter_alone_changes_nothing(keys: list[str]) -> None:
    """Whoever presses Enter at everything, and waits for work to end, has changed nothing."""
    wizard = Wizard()
    for key in keys:
        match work(wizard) if key == "work" else "enter":
            case "read facts":
                wizard = after(wizard, FOUND)
            case "measure":
                wizard = after(wizard, SLOW)
            case "enter":
                wizard = after(wizard, Answered(proposed(wizard)))
        assert work(wizard) not in {"apply", "confirm", "rollback"}
