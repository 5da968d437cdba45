"""`longpipe demo`: a newcomer sees the whole thing, with no network, no privileges and nothing left behind."""

import socket
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from analysis.samples import RoceTick, Route, Routes, Series
from analysis.settings import Settings
from collectors.session.reader import SessionFile
from collectors.session.sources import open_sources
from tests.tui.pty_run import PtyRun, python
from tests.tui.screen_text import text
from tests.tui.test_dashboard import settle
from tui.__main__ import main
from tui.app import LongpipeApp
from tui.commands.demo import SKIP_S, SPEED
from tui.live import TOOL
from tui.replay import ReplayFeed

DEMO = Path(str(files("collectors").joinpath("data/demo.lps")))


@pytest.fixture
def feed() -> ReplayFeed:
    feed = ReplayFeed(open_sources([DEMO], TOOL), Settings())
    feed.settle()
    return feed


def test_it_is_small_enough_to_ship() -> None:
    assert DEMO.stat().st_size <= 2 << 20


def test_it_names_only_hosts_and_networks_set_aside_for_documentation() -> None:
    series = [sample for sample in SessionFile(DEMO).samples() if isinstance(sample, Series)]
    targets = {one.target for one in series if one.role == "target"}
    assert len(targets) >= 5
    assert all(name.endswith((".example.net", ".example.org")) for name in targets)
    assert all(one.address.startswith(("192.0.2.", "198.51.100.", "203.0.113.", "198.18.")) for one in series)


def test_it_holds_what_a_bad_day_holds(feed: ReplayFeed) -> None:
    kinds = [event.kind for event in feed.events()]
    assert {"outage", "route", "best", "objective"} <= set(kinds)
    assert kinds.count("mark") == 2
    samples = list(SessionFile(DEMO).samples())
    ways: list[Route] = [route for sample in samples if isinstance(sample, Routes) for route in sample.routes]
    assert len({route.gateway for route in ways if route.interface == "wan1"}) == 2
    ticks = [sample for sample in samples if isinstance(sample, RoceTick)]
    troubles = [flow.trouble for tick in ticks for flow in tick.flows if flow.trouble]
    assert sum(trouble.rewinds for trouble in troubles) > 10
    assert sum(trouble.naks for trouble in troubles) > 10
    assert sum(trouble.ce for trouble in troubles) > 10


@pytest.mark.parametrize("size", [(120, 36), (80, 24)])
async def test_its_first_frame_has_something_in_every_pane(feed: ReplayFeed, size: tuple[int, int]) -> None:
    feed.player.seek(feed.player.timeline.at_ns + int(SKIP_S * 1e9))
    async with LongpipeApp(lambda: feed, Settings(), "unicode").run_test(size=size) as pilot:
        await settle(pilot)
        seen = text(pilot.app)
    for what in ("gpu-07", "REPLAY", "console", "wan0", "wan1", ".1→.2:0x0000", "Use BBR for this path"):
        assert what in seen, what


def test_without_a_terminal_it_tells_how_it_ended_and_leaves_nothing_behind(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_arguments: Any, **_options: Any) -> None:
        raise AssertionError("the demo opened a socket")

    before = sorted(DEMO.parent.iterdir())
    monkeypatch.setattr(socket, "socket", refuse)
    assert main(["demo", "--plain"]) == 0
    assert "console.example.net over wan0" in capsys.readouterr().out
    assert sorted(DEMO.parent.iterdir()) == before


def test_it_plays_by_itself_from_where_there_is_something_to_see() -> None:
    with PtyRun(python("-m", "tui", "demo"), 120, 36, env={"LONGPIPE_LANGUAGE": "en"}) as run:
        run.wait_for_text("gpu-07")
        run.wait_for_text(f"×{SPEED:g}")
        first = run.rows()[0]
        run.wait_for(lambda: run.rows()[0] != first)
        run.send("q")
        assert run.exit_code() == 0
