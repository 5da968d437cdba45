"""The dashboard as a person sees it and works it, over a canned box."""

import re

import pytest
from syrupy.assertion import SnapshotAssertion

from analysis.samples import (
    Fact,
    Facts,
    HopAnswer,
    HopKind,
    HopPath,
    Hops,
    Mark,
    Name,
    Outcome,
    ProbeNote,
    Probes,
    Rdma,
    RdmaPort,
    RoceTick,
    Routes,
    Sample,
    Series,
)
from analysis.settings import Settings
from analysis.text import Sentence
from analysis.view import View
from tests.samples import ETH0, ETH1, SECOND_NS, at, definitions, rdma_session, second, session
from tests.tui.feeds import CannedFeed, settle
from tests.tui.screen_text import rows, text
from tui.app import LongpipeApp
from tui.panes.advice import AdvicePane
from tui.panes.base import Pane
from tui.panes.roce import RocePane
from tui.panes.routes import RoutesPane
from tui.screens.events import EventsScreen
from tui.text import use_language
from tui.widgets.graph import TimeGraph
from tui.widgets.runs import Glyphs, row_text
from tui.widgets.table import Table

SIZES = [(120, 36), (80, 24), (60, 16)]


def app_over(samples: list[Sample], glyphs: Glyphs = "unicode") -> LongpipeApp:
    feed = CannedFeed(samples)
    return LongpipeApp(lambda: feed, Settings(), glyphs)


@pytest.mark.parametrize("size", SIZES)
async def test_a_lossy_box_at_every_size(size: tuple[int, int], snapshot: SnapshotAssertion) -> None:
    async with app_over(session(300, lossy=20)).run_test(size=size) as pilot:
        await settle(pilot)
        assert text(pilot.app) == snapshot


@pytest.mark.parametrize("size", SIZES)
async def test_a_lossy_box_in_chinese(size: tuple[int, int], snapshot: SnapshotAssertion) -> None:
    use_language("zh_CN")
    try:
        async with app_over(session(300, lossy=20)).run_test(size=size) as pilot:
            await settle(pilot)
            assert text(pilot.app) == snapshot
    finally:
        use_language("en")


async def test_a_terminal_without_utf8_gets_ascii_only() -> None:
    async with app_over(session(60, lossy=5), "ascii").run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        assert text(pilot.app).isascii()
        await pilot.press("e")
        await settle(pilot)
        assert text(pilot.app).isascii()
        await pilot.press("escape", "question_mark")
        await settle(pilot)
        assert set("".join(rows(pilot.app))) - set("▁▂▃▄▅▆▇█") <= set(map(chr, range(32, 127))), (
            "keys are called by their names"
        )


async def test_a_healthy_box_says_that_no_problem_is_seen_and_in_how_many_probes() -> None:
    async with app_over(session(120)).run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        assert "OK  No problem seen in 360 probes." in rows(pilot.app)[1]


async def test_loss_beyond_the_objective_is_the_verdict_and_says_that_the_gateway_is_clean() -> None:
    async with app_over(session(300, lossy=10)).run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        verdict = " ".join(" ".join(rows(pilot.app)[1:3]).split())
        assert "Loss 10% over eth0" in verdict
        assert "The gateway answered all 300: this box's own link is clean." in verdict


async def test_a_box_with_nothing_to_probe_says_so() -> None:
    async with app_over([Routes(at(0), ())]).run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        assert "no default route" in text(pilot.app)


async def test_before_anything_was_known_nothing_is_claimed_or_left_over() -> None:
    feed = CannedFeed([Mark(at(-60)), *session(30)])
    async with LongpipeApp(lambda: feed, Settings(), "unicode").run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        drawn = pilot.app.screen.query_one("#graph", TimeGraph).rows
        assert any(re.search("[⠁-⣿]", row_text(row)) for row in drawn)
        await pilot.press("home")
        await settle(pilot)
        assert "no default route" not in text(pilot.app)
        assert "rules found nothing" not in text(pilot.app)
        drawn = pilot.app.screen.query_one("#graph", TimeGraph).rows
        assert not any(re.search("[⠁-⣿]", row_text(row)) for row in drawn)


async def test_dead_dns_is_told_once_and_not_as_loss() -> None:
    names = [Name(at(1), name, (), Sentence(f"{name} does not resolve.")) for name in ("vast.ai", "api.vast.ai")]
    samples = [*definitions()[:3], second(1, 300, series=(1,)), *names]
    async with app_over(samples).run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        assert "vast.ai, api.vast.ai cannot be looked up" in rows(pilot.app)[1]
        assert any(re.search(r"│vast\.ai does not resolve\. +│", row) for row in rows(pilot.app)), "not named twice"
        await pilot.press("down", "down")
        await settle(pilot)
        assert pilot.app.screen.query_one("#paths", Table).cursor_key == "name:api.vast.ai"
        await pilot.press("e")
        await settle(pilot)
        assert "vast.ai does not resolve." in text(pilot.app)


async def test_a_name_is_shown_while_it_is_looked_up() -> None:
    samples = [*definitions()[:3], second(1, 300, series=(1,)), Name(at(1), "slow.example")]
    async with app_over(samples).run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        assert "no resolver has told the address of slow.example so far" in text(pilot.app)
        assert "slow.example: looking up its address …" in text(pilot.app)
        await pilot.press("down", "e")
        await settle(pilot)
        assert "slow.example: looking up its address …" in text(pilot.app)


async def test_an_interface_pulled_while_probing_is_said_in_its_row() -> None:
    note = ProbeNote(0, "ENETUNREACH")
    failed = Probes(at(1), (2,), (0,), (Outcome.FAILED,), (None,), (note,))
    async with app_over([*definitions(), failed]).run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        assert "Probes cannot be sent: ENETUNREACH." in text(pilot.app)


async def test_names_from_the_network_are_text_never_markup() -> None:
    hostile = "[red]x[/red]\x1b[31m\u202e"
    samples = [Series(at(0), 1, hostile, "192.0.2.1"), second(1, 300, series=(1,))]
    async with app_over(samples).run_test(size=(200, 36)) as pilot:
        await settle(pilot)
        shown = text(pilot.app)
        assert "[red]x[/red]" in shown
        assert "\x1b" not in shown
        assert "\u202e" not in shown


@pytest.mark.parametrize(
    ("key", "title"), [("1", "1 Latency"), ("2", "2 Routes"), ("3", "3 RoCE"), ("4", "4 Advice")]
)
async def test_on_a_tiny_screen_numbers_choose_the_pane(key: str, title: str) -> None:
    async with app_over(session(30)).run_test(size=(60, 16)) as pilot:
        await settle(pilot)
        await pilot.press(key)
        await settle(pilot)
        frames = [row for row in rows(pilot.app) if row.startswith("╭")]
        assert len(frames) == 1
        assert title in frames[0]


async def test_zoom_shows_one_pane_and_gives_the_room_back() -> None:
    async with app_over(session(30)).run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        await pilot.press("2", "z")
        await settle(pilot)
        assert next(row for row in rows(pilot.app) if row.startswith("╭")).startswith("╭─ 2 Routes")
        await pilot.press("z")
        await settle(pilot)
        assert sum(row.count("╭") for row in rows(pilot.app)) == 4


async def test_pause_holds_the_view_and_says_so_while_samples_keep_coming() -> None:
    samples = session(60)
    app = app_over(samples[:200])
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        await pilot.press("space")
        await settle(pilot)
        held = rows(app)
        assert "NOT LIVE" in held[0]
        assert isinstance(app.feed, CannedFeed)
        app.feed.waiting = samples[200:]
        await settle(pilot)
        assert rows(app) == held
        await pilot.press("space")
        await settle(pilot)
        assert "LIVE" in rows(app)[0]
        assert rows(app)[0] != held[0]


async def test_enter_on_a_path_opens_everything_about_it_and_escape_closes_it() -> None:
    async with app_over(session(60, lossy=10)).run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        await pilot.press("down", "enter")
        await settle(pilot)
        shown = text(pilot.app)
        assert "192.0.2.1" in shown
        assert "95 % between" in shown
        await pilot.press("escape")
        await settle(pilot)
        assert "95 % between" not in text(pilot.app)


async def test_enter_on_a_route_explains_its_score_and_objectives() -> None:
    async with app_over(session(300, lossy=10)).run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        await pilot.press("2", "enter")
        await settle(pilot)
        shown = text(pilot.app)
        assert "bandwidth –" in shown
        assert "one CUBIC flow" in shown
        assert "missed for" in shown


async def test_advice_shows_evidence_formula_and_the_way_back() -> None:
    sysctl = {
        "sysctl.net.ipv4.tcp_congestion_control": "cubic",
        "sysctl.net.ipv4.tcp_available_congestion_control": "reno cubic bbr",
        "sysctl.net.ipv4.tcp_allowed_congestion_control": "reno cubic bbr",
        "module.tcp_bbr": "loaded",
        "kernel.release": "6.1.0",
        "container": "none",
        "netns.initial": "yes",
    }
    facts = Facts(at(0), {key: Fact(value, "/proc") for key, value in sysctl.items()})
    async with app_over([facts, *session(300, rtt_us=150_000, lossy=20)]).run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        await pilot.press("4", "enter")
        await settle(pilot)
        shown = text(pilot.app)
        assert "tcp_congestion_control" in shown
        assert "+ bbr" in shown
        assert "to undo" in shown


async def test_rdma_counters_are_rates_with_plain_names() -> None:
    def ports(n: int) -> Rdma:
        return Rdma(at(n), (RdmaPort("rxe0", 1, "Ethernet", "ACTIVE", counters={"rcvd_seq_err": 10 * n}),))

    async with app_over([ports(1), ports(2)]).run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        assert "10.0/s" in text(pilot.app)
        assert "NAKs received" in text(pilot.app)


async def test_a_mark_is_emitted_and_listed_among_the_events() -> None:
    app = app_over(session(10))
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        await pilot.press("m")
        await settle(pilot)
        await pilot.press("v")
        await settle(pilot)
        assert "Mark." in text(app)


async def test_help_lists_the_keys_as_they_are_bound() -> None:
    async with app_over(session(5)).run_test(size=(120, 48)) as pilot:
        await settle(pilot)
        await pilot.press("question_mark")
        await settle(pilot)
        shown = text(pilot.app)
        await pilot.press("end")
        await settle(pilot)
        assert "Probes that never left this box." in text(pilot.app)
        for explanation in ("Let this pane fill the screen", "Hold the view", "Mark this moment"):
            assert explanation in shown


async def test_help_in_chinese_has_no_english_of_the_toolkit() -> None:
    use_language("zh_CN")
    try:
        async with app_over(session(5)).run_test(size=(120, 60)) as pilot:
            await settle(pilot)
            await pilot.press("question_mark")
            await settle(pilot)
            for english in ("Copy selected text", "command prompt", "command palette"):
                assert english not in text(pilot.app)
    finally:
        use_language("en")


async def test_no_pane_draws_before_it_has_room(monkeypatch) -> None:
    """On a slow box the first view comes before the first layout."""
    drawn: list[tuple[str | None, int]] = []
    for kind in (RoutesPane, RocePane, AdvicePane):

        def show(self: Pane, view: View, told=kind.show) -> None:
            drawn.append((self.id, self.content_size.width))
            told(self, view)

        monkeypatch.setattr(kind, "show", show)
    app = app_over(session(5))
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        assert {name for name, _width in drawn} == {"routes", "roce", "advice"}
        assert min(width for _name, width in drawn) > 40


async def test_a_long_name_of_a_box_is_cut_and_not_the_time() -> None:
    app = app_over(session(5))
    app._open_feed().host = "a-very-long-name-of-a-capture-file.pcapng"
    async with app.run_test(size=(60, 16)) as pilot:
        await settle(pilot)
        assert re.fullmatch(r" longpipe  a-very-\S+…  ● LIVE \d\d:\d\d:\d\d", rows(pilot.app)[0])


@pytest.mark.parametrize("key", ["pageup", "pagedown", "up", "enter"])
async def test_keys_in_a_palette_that_lists_nothing_yet_do_no_harm(key: str) -> None:
    async with app_over(session(30)).run_test() as pilot:
        await settle(pilot)
        pilot.app.action_change_theme()
        await pilot.press(key, key)
        await pilot.press("ctrl+p", key, key)
        assert pilot.app.is_running


class Hasty(LongpipeApp):
    """A box so busy that the timer comes before the screen is made."""

    def begin(self) -> None:
        super().begin()
        self.tick()


async def test_a_timer_that_comes_too_early_or_too_late_does_no_harm() -> None:
    app = Hasty(lambda: CannedFeed(session(30)), Settings(), "unicode")
    async with app.run_test() as pilot:
        await settle(pilot)
        await pilot.press("enter")
        app.push_screen(EventsScreen(lambda: (), lambda: 0, "unicode"))
        app.tick()
        await pilot.pause()
        assert isinstance(app.screen, EventsScreen)
    app.tick()


async def test_a_filter_is_seen_and_says_when_no_row_holds_it() -> None:
    async with app_over(session(5)).run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        await pilot.press("slash", *"far", "enter")
        await settle(pilot)
        table = pilot.app.screen.query_one("#paths", Table)
        assert row_text(table.rows[0]).startswith("target /far ")
        assert len(table.rows) == 3
        await pilot.press("slash", "end", "x", "enter")
        await settle(pilot)
        assert row_text(table.rows[1]) == "No row holds “farx”."


@pytest.mark.parametrize("keys", [["q"], ["ctrl+q"], ["ctrl+c"], ["e", "ctrl+c"], ["slash", "x", "ctrl+c"]])
async def test_quitting_stops_observing(keys: list[str]) -> None:
    app = app_over(session(5))
    async with app.run_test() as pilot:
        await settle(pilot)
        await pilot.press(*keys)
    assert isinstance(app.feed, CannedFeed)
    assert app.feed.closed
    assert app.return_value == 0


async def test_rewinding_a_live_view_says_so_loudly_and_end_goes_back() -> None:
    async with app_over(session(200, lossy=20)).run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        await pilot.press("left_square_bracket")
        await settle(pilot)
        assert "NOT LIVE: 14:15:40, 1m00s ago" in rows(pilot.app)[0]
        await pilot.press("end")
        await settle(pilot)
        assert "LIVE 14:16:40" in rows(pilot.app)[0]


async def test_going_to_a_time_in_words() -> None:
    async with app_over(session(200)).run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        await pilot.press("g", *"14:14:30", "enter")
        await settle(pilot)
        assert "NOT LIVE: 14:14:30" in rows(pilot.app)[0]


async def test_what_is_no_time_is_said_and_the_question_stays() -> None:
    async with app_over(session(20)).run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        await pilot.press("g", *"soon", "enter")
        await settle(pilot)
        assert "is not a time" in text(pilot.app)


async def test_n_walks_through_what_happened() -> None:
    samples = session(100)
    samples += [Routes(at(50), ()), Routes(at(51), (ETH0, ETH1))]
    async with app_over(sorted(samples, key=lambda s: s.t)).run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        await pilot.press("N")
        await settle(pilot)
        assert "NOT LIVE: 14:14:11" in rows(pilot.app)[0]
        await pilot.press("N", "N", "N")
        await settle(pilot)
        assert "NOT LIVE: 14:14:10" in rows(pilot.app)[0]
        await pilot.press("N")
        await settle(pilot)
        assert {toast.message for toast in pilot.app._notifications} == {"No further event in this direction."}


async def test_enter_on_a_path_traces_its_hops_while_the_page_is_open() -> None:
    answers = tuple(HopAnswer(f"198.51.100.{ttl}", HopKind.EXCEEDED) for ttl in (1, 2))
    target = HopAnswer("192.0.2.1", HopKind.TARGET)
    hops = [
        Hops(
            at(n),
            (7,),
            path=(0, 0, 0),
            ttl=(1, 2, 3),
            flow=(0, 0, 0),
            age_us=(500_000,) * 3,
            outcome=(Outcome.ANSWERED,) * 3,
            rtt_us=(300, 5_000, 20_000),
            answers=(*answers, target),
            answer=(0, 1, 2),
        )
        for n in range(1, 31)
    ]
    samples = [HopPath(at(0), 7, "far.example", "192.0.2.1", route=ETH0.id), *session(30), *hops]
    app = app_over(sorted(samples, key=lambda sample: sample.t))
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        await pilot.press("enter")
        await settle(pilot)
        assert "198.51.100.2" in text(app)
        await pilot.press("escape")
        await settle(pilot)
        assert isinstance(app.feed, CannedFeed)
        assert app.feed.traced == [("far.example", True), ("far.example", False)]


async def test_the_roce_pane_judges_by_what_the_card_counts_where_a_capture_is_empty() -> None:
    samples = rdma_session(RoceTick(at(59), "ens1", SECOND_NS))
    async with app_over(samples).run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        head, pane = rows(pilot.app)[1], text(pilot.app).split("3 RoCE")[1]
        assert "WARNING  RDMA mlx5_0/1 (ens1): packets are lost or overtaken" in head
        assert "WARNING  RDMA mlx5_0/1 (ens1): packets are" in pane
