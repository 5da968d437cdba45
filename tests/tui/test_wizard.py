"""The wizard as a person works it, over a box that only remembers what was asked of it."""

import re
from collections.abc import Sequence
from pathlib import Path

import msgspec
import pytest
from syrupy.assertion import SnapshotAssertion
from textual.pilot import Pilot
from textual.widgets import Input

from analysis.samples import Sample, TcpFlows
from analysis.settings import Settings
from tests.samples import FLOW, at, session
from tests.tui.fake_box import DEADLINE_NS, LIVED_S, FakeBox, life, seconds
from tests.tui.feeds import CannedFeed, settle
from tests.tui.screen_text import text
from tui.app import LongpipeApp
from tui.screens.wizard import WizardScreen
from tui.text import use_language
from tui.tune.box import Box
from tui.tune.saved import load
from tui.widgets.runs import Glyphs
from tuning.failure import Refused
from tuning.verify import Reach

SIZES = [(120, 36), (80, 24), (60, 16)]
MEASURED_S = 20


class Desk:
    """A person before the wizard: presses keys, lets time pass, reads the screen."""

    def __init__(self, pilot: Pilot[int], feed: CannedFeed, clock: list[int]) -> None:
        self.pilot, self.feed, self.clock = pilot, feed, clock

    @property
    def screen(self) -> str:
        return text(self.pilot.app)

    @property
    def stage(self) -> str:
        return self.wizard.guide.scene.wizard.stage

    @property
    def wizard(self) -> WizardScreen:
        return next(screen for screen in self.pilot.app.screen_stack if isinstance(screen, WizardScreen))

    async def press(self, *keys: str) -> None:
        await self.pilot.press(*keys)
        await self.pilot.pause()
        await self.pilot.pause()

    async def say(self, word: str) -> None:
        """Type a word where one is asked for."""
        self.pilot.app.screen.query_one(Input).value = word
        await self.press("enter")

    async def until(self, stage: str) -> None:
        """Let what was begun come to its end."""
        while self.stage != stage:
            self.wizard.guide.tick()
            await self.pilot.pause(0.01)
        await self.pilot.pause()

    async def read_again(self) -> None:
        """Let the settings be read again after the end."""
        while not self.wizard.guide.scene.values:
            self.wizard.guide.tick()
            await self.pilot.pause(0.01)
        await self.pilot.pause()

    async def shows(self, text: str) -> None:
        """Wait until the screen shows a text."""
        while text not in self.screen:
            self.wizard.guide.tick()
            await self.pilot.pause(0.01)

    async def pass_time(self, rtt_us: int, *flows: Sample) -> None:
        self.feed.waiting += sorted([*seconds(LIVED_S + 1, 30, rtt_us), *flows], key=lambda sample: sample.t)
        assert isinstance(self.pilot.app, LongpipeApp)
        self.pilot.app.tick()

    async def plan(self) -> None:
        """Take the first goal and the metric that is proposed, and go on to the plan."""
        await self.press("enter", "enter")
        await self.until("plan")

    async def try_it(self, rtt_us: int = 150_000, *flows: Sample) -> None:
        """Apply all that is proposed, and measure `rtt_us` afterwards."""
        await self.plan()
        await self.press("enter", "a")
        await self.say("apply")
        await self.until("verify")
        await self.pass_time(rtt_us, *flows)
        await self.until("decide")


class Opened:
    """The wizard over a canned box, as an asynchronous context."""

    def __init__(
        self,
        box: Box | None,
        size: tuple[int, int] = (120, 36),
        glyphs: Glyphs = "unicode",
        flows: Sequence[Sample] = (),
    ) -> None:
        self.feed, self.box, self.glyphs, self.clock = CannedFeed(life(flows)), box, glyphs, [at(900)]
        self.app = LongpipeApp(lambda: self.feed, Settings(), glyphs)
        self._running = self.app.run_test(size=size)

    async def __aenter__(self) -> Desk:
        pilot = await self._running.__aenter__()
        await settle(pilot)
        screen = WizardScreen(
            self.feed,
            self.glyphs,
            self.box,
            "longpipe 0",
            measure_ns=MEASURED_S * 10**9,
            now_ns=lambda: self.clock[0],
        )
        await self.app.push_screen(screen)
        await pilot.pause()
        return Desk(pilot, self.feed, self.clock)

    async def __aexit__(self, *failure: object) -> None:
        await self._running.__aexit__(None, None, None)


@pytest.mark.parametrize("size", SIZES)
async def test_every_step_at_every_size(size: tuple[int, int], snapshot: SnapshotAssertion) -> None:
    seen: dict[str, str] = {}
    async with Opened(FakeBox(), size) as desk:
        seen["1 goal"] = desk.screen
        await desk.press("enter")
        seen["2 metric"] = desk.screen
        await desk.press("enter")
        await desk.until("plan")
        seen["3 plan"] = desk.screen
        await desk.press("enter")
        seen["4 review"] = desk.screen
        await desk.press("a")
        seen["5 confirm"] = desk.screen
        await desk.say("apply")
        await desk.until("verify")
        seen["6 verify"] = desk.screen
        await desk.pass_time(150_000)
        await desk.until("decide")
        seen["7 decide"] = desk.screen
        await desk.press("enter")
        await desk.until("end")
        await desk.read_again()
        seen["8 end"] = desk.screen
    assert seen == snapshot


async def test_in_chinese_the_word_is_chinese() -> None:
    use_language("zh_CN")
    try:
        box = FakeBox()
        async with Opened(box, (80, 24)) as desk:
            await desk.plan()
            await desk.press("enter", "a")
            await desk.say("应用")
            await desk.until("verify")
            assert box.orders == ["apply"]
    finally:
        use_language("en")


async def test_w_opens_the_wizard_and_escape_leaves_it() -> None:
    app = LongpipeApp(lambda: CannedFeed(session(30)), Settings(), "unicode")
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        await pilot.press("w")
        await pilot.pause()
        assert "What is this box for?" in text(app)
        await pilot.press("escape")
        await pilot.pause()
        assert "Latency and loss" in text(app)


async def test_ctrl_c_closes_what_lies_over_the_wizard_then_the_wizard_then_the_program() -> None:
    async with Opened(FakeBox(), (80, 24)) as desk:
        app = desk.pilot.app
        await desk.press("h")
        assert len(app.screen_stack) == 4
        await desk.press("ctrl+c")
        assert isinstance(app.screen, WizardScreen)
        await desk.press("ctrl+c")
        assert "Latency and loss" in desk.screen
        await desk.press("ctrl+c")
        assert not app.is_running


async def test_a_recording_can_be_planned_for_and_holds_nothing_that_could_apply() -> None:
    async with Opened(None) as desk:
        assert "recording: it can plan, but change nothing" in desk.screen
        await desk.plan()
        await desk.press("enter", "a")
        assert desk.stage == "review"
        assert desk.wizard.guide.box is None
        assert "This is a recording: a plan can be made, but nothing applied." in desk.screen


def transfers(start_s: int, mbps: float, control: str) -> list[Sample]:
    """One new flow that is looked at every other second."""
    looks: list[Sample] = []
    for n in range(14):
        acked = round(2 * n * mbps * 125_000 * (1 + 0.01 * (n % 3)))
        counted = {"bytes_acked": acked, "bytes_sent": acked + n * 1000, "bytes_retrans": n * 1000}
        flow = msgspec.structs.replace(FLOW, cc=control, local_port=start_s + 1024, **counted)
        looks.append(TcpFlows(at(start_s + 2 * n), (flow,)))
    return looks


async def test_faster_transfers_are_what_keeping_is_proposed_for() -> None:
    async with Opened(FakeBox(), flows=transfers(12, 3, "cubic")) as desk:
        await desk.try_it(150_000, *transfers(LIVED_S + 2, 30, "bbr"))
        assert "what TCP flows to other machines carry (Mb/s)" in desk.screen
        assert "It became better and nothing was lost: keeping is proposed." in desk.screen
        assert "what TCP flows to other machines send again (%)" in desk.screen
        assert "open before the change" not in desk.screen


async def test_connections_that_were_open_before_prove_nothing() -> None:
    async with Opened(FakeBox(), flows=transfers(12, 3, "cubic")) as desk:
        await desk.try_it(150_000, *transfers(LIVED_S + 2, 3, "cubic"))
        assert "Nothing shows that this is better: rolling back is proposed." in desk.screen
        assert "The busiest connection uses cubic" in desk.screen


async def test_back_works_until_something_is_tried() -> None:
    box = FakeBox()
    async with Opened(box) as desk:
        await desk.press("enter", "backspace")
        assert "What is this box for?" in desk.screen
        await desk.plan()
        await desk.press("enter")
        assert desk.stage == "review"
        await desk.press("backspace")
        assert desk.stage == "plan"
        await desk.press("backspace")
        assert desk.stage == "goal"
        await desk.try_it()
        await desk.press("backspace", "left", "b")
        assert desk.stage == "decide"
        assert box.orders == ["apply"]


async def test_another_goal_gives_another_plan() -> None:
    async with Opened(FakeBox()) as desk:
        await desk.press(*["down"] * 9)
        await desk.plan()
        assert desk.wizard.guide.scene.wizard.goal == "none"
        assert "tcp_wmem" not in desk.screen


async def test_what_is_left_out_is_not_tried() -> None:
    box = FakeBox()
    async with Opened(box) as desk:
        await desk.plan()
        await desk.press("enter", "down", "space")
        assert "[ ] T2 net.ipv4.tcp_wmem" in desk.screen
        await desk.press("a")
        assert "Changes to try: 2" in desk.screen
        await desk.press(*"apply", "enter")
        await desk.until("verify")
        assert sorted(box.now) == ["net.ipv4.tcp_rmem", "net.ipv4.tcp_slow_start_after_idle"]


async def test_leaving_out_everything_leaves_nothing_to_try() -> None:
    box = FakeBox()
    async with Opened(box) as desk:
        await desk.plan()
        await desk.press("enter", "space", "down", "space", "down", "space", "a")
        assert "Nothing is chosen, so there is nothing to apply." in desk.screen
        assert not box.orders


async def test_only_the_word_applies() -> None:
    box = FakeBox()
    async with Opened(box) as desk:
        await desk.plan()
        await desk.press("enter")
        for keys in (["enter"], ["escape"], ["y", "enter", "escape"], ["a", "enter", "escape"]):
            await desk.press("a", *keys)
            assert desk.pilot.app.screen is desk.wizard
        assert desk.stage == "review"
        assert not box.orders


async def test_no_single_key_changes_the_box() -> None:
    box = FakeBox()
    async with Opened(box) as desk:
        await desk.plan()
        await desk.press("enter", "enter", "k", "r", "a", "a", "enter", "space", "enter", "y")
        assert not box.orders


async def test_no_difference_proposes_to_roll_back_and_enter_does() -> None:
    box = FakeBox()
    async with Opened(box) as desk:
        await desk.try_it()
        await desk.shows("no significant difference")
        await desk.shows("rolling back is proposed")
        await desk.press("enter")
        await desk.until("end")
        await desk.read_again()
        assert box.orders == ["apply", "rollback"]
        await desk.shows("net.ipv4.tcp_slow_start_after_idle: 1, as it was found")


async def test_better_proposes_to_keep_and_keeping_needs_its_word() -> None:
    box = FakeBox()
    async with Opened(box) as desk:
        await desk.try_it(rtt_us=90_000)
        await desk.shows("keeping is proposed")
        await desk.press("enter", "enter")
        assert box.orders == ["apply"]
        await desk.press("enter")
        await desk.say("keep")
        await desk.until("end")
        assert box.orders == ["apply", "confirm"]
        assert "To put it back later: longpipe tune rollback" in desk.screen


async def test_a_gateway_that_falls_silent_is_said_and_rolling_back_proposed() -> None:
    box = FakeBox()
    async with Opened(box) as desk:
        await desk.plan()
        box.answers = Reach("silent", "answers")
        await desk.press("enter", "a")
        await desk.say("apply")
        await desk.until("verify")
        await desk.pass_time(90_000)
        await desk.until("decide")
        assert "The gateway answered before and is silent now." in desk.screen
        assert "rolling back is proposed" in desk.screen


async def test_everything_can_be_put_back_while_it_is_still_measured() -> None:
    box = FakeBox()
    async with Opened(box) as desk:
        await desk.plan()
        await desk.press("enter", "a")
        await desk.say("apply")
        await desk.until("verify")
        await desk.press("r")
        await desk.until("end")
        assert box.orders == ["apply", "rollback"]


async def test_nobody_confirms_in_time() -> None:
    box = FakeBox()
    async with Opened(box) as desk:
        await desk.try_it()
        assert "goes back by itself in 1m40s" in desk.screen
        desk.clock[0] = DEADLINE_NS - 1_500_000_000
        desk.wizard.guide.tick()
        assert "goes back by itself in 2.0 s" in desk.screen
        box.now = dict(box.found)  # the dead-man's work
        desk.clock[0] = DEADLINE_NS
        desk.wizard.guide.tick()
        await desk.read_again()
        assert "Nobody confirmed in time: everything is being put back." in desk.screen
        assert "net.ipv4.tcp_slow_start_after_idle: 1, as it was found" in desk.screen
        assert box.orders == ["apply"]


async def test_what_is_read_while_the_program_ends_is_not_drawn() -> None:
    async with Opened(FakeBox()) as desk:
        wizard = desk.wizard
    wizard.guide.change(values={})
    assert wizard.guide.scene.values == {}


async def test_a_trial_cannot_be_walked_away_from_by_mistake() -> None:
    async with Opened(FakeBox()) as desk:
        await desk.try_it()
        await desk.press("escape", "q")
        assert desk.stage == "decide"
        assert desk.pilot.app.screen is desk.wizard


async def test_a_refusal_is_told_and_nothing_was_changed() -> None:
    async with Opened(FakeBox(refuses="Another longpipe is at work.")) as desk:
        await desk.plan()
        await desk.press("enter", "a")
        await desk.say("apply")
        await desk.until("end")
        assert "Another longpipe is at work." in desk.screen


async def test_without_privileges_the_plan_is_saved_and_the_command_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    box = FakeBox(may_change=False)
    async with Opened(box, (200, 50)) as desk:
        await desk.plan()
        await desk.press("enter", "space", "a")
        assert not box.orders
        (file,) = list(tmp_path.glob("longpipe/plan-*.json"))  # noqa: ASYNC240 - a test waits for nothing else
        assert file.stat().st_mode & 0o777 == 0o600
        assert [change.key for change in load(str(file)).changes] == [
            "net.ipv4.tcp_wmem",
            "net.ipv4.tcp_slow_start_after_idle",
        ]
        assert "sudo " in desk.screen
        assert "--saved" in desk.screen


async def test_who_else_sets_a_key_is_said_beside_it() -> None:
    async with Opened(FakeBox()) as desk:
        await desk.plan()
        await desk.press("enter", "up")
        assert "99-own.conf" in desk.screen


async def test_the_trial_leaves_marks_in_the_session() -> None:
    async with Opened(FakeBox()) as desk:
        await desk.try_it()
        await desk.press("r")
        await desk.until("end")
        await desk.pass_time(150_000)
        marks = " ".join(str(event.text) for event in desk.feed.events() if event.kind == "mark")
        assert re.fullmatch(r"Mark: trying plan \S+ Mark: plan \S+ is in force Mark: the trial of .* ended", marks)


async def test_a_terminal_without_utf8_gets_ascii_signs() -> None:
    async with Opened(FakeBox(), glyphs="ascii") as desk:
        await desk.plan()
        await desk.press("enter")
        assert "[x] T1" in desk.screen
        assert not set("◉○▸✓█░") & set(desk.screen)


async def test_help_lists_the_wizard_s_keys() -> None:
    async with Opened(FakeBox()) as desk:
        await desk.press("question_mark")
        assert "Close the wizard, but not over a trial." in desk.screen


@pytest.mark.parametrize("held", ["", "{}", '{"id": 1, "changes": []}'])
def test_a_file_that_holds_no_plan_is_refused(tmp_path: Path, held: str) -> None:
    file = tmp_path / "plan.json"
    file.write_text(held)
    with pytest.raises(Refused, match="is not a plan of the wizard"):
        load(str(file))
    with pytest.raises(Refused, match="is not a file"):
        load("/dev/null")
    with pytest.raises(Refused, match="cannot be read: No such file"):
        load(str(tmp_path / "none"))
