"""Comparing two stretches of time on the screen: asked for in words, read from any store, drawn on one scale."""

from pathlib import Path

import pytest
from msgspec.structs import replace
from syrupy.assertion import SnapshotAssertion
from textual.pilot import Pilot
from textual.widgets import Input

from analysis.compare import compare
from analysis.samples import Mark, Sample
from analysis.settings import ScoreSettings, Settings
from collectors.store import ListStore
from tests.collectors.session.samples import a_header, write_session
from tests.samples import at, definitions, second
from tests.tui.pty_run import PtyRun, python
from tests.tui.screen_text import rows, text
from tests.tui.test_dashboard import app_over, settle
from tui.__main__ import main
from tui.compare import USUAL_NS, Compared, Side, compared, usual_spans
from tui.compare_app import CompareApp
from tui.moments import NotATime, moment, stretch, words_for
from tui.panes.compare import both_graphs, compared_rows
from tui.widgets.runs import row_text

MINUTE = 60 * 10**9


def changed(seconds: int = 600) -> list[Sample]:
    """A session marked in its middle; from then on the path over eth0 is slower and loses a tenth."""
    samples: list[Sample] = definitions()
    half = seconds // 2
    for n in range(1, seconds + 1):
        after = n > half
        far = None if after and n % 10 == 3 else 20_000 + n * 7919 % 500 + 15_000 * after
        samples.append(second(n, 300, far, 40_000 + n * 7919 % 3000))
        if n == half:
            samples.append(Mark(at(n) + 1, "new cable"))
    return samples


async def halves() -> Compared:
    store = ListStore(changed())
    before, after = (at(0), at(300)), (at(300), at(600))
    return await compared(("before", store, before), ("after", store, after), ScoreSettings())


async def read(pilot: Pilot[int]) -> None:
    """Wait until both sides have been read and drawn."""
    await pilot.app.workers.wait_for_complete()
    await settle(pilot)


@pytest.mark.parametrize("size", [(120, 36), (80, 24), (60, 16)])
async def test_before_and_after_a_mark(size: tuple[int, int], snapshot: SnapshotAssertion) -> None:
    async with app_over(changed()).run_test(size=size) as pilot:
        await settle(pilot)
        await pilot.press("c")
        await settle(pilot)
        assert [entry.value for entry in pilot.app.screen.query(Input)] == [
            "14:13:20..14:18:20",
            "14:18:20..14:23:20",
        ]
        await pilot.press("enter")
        await read(pilot)
        assert text(pilot.app) == snapshot
        await pilot.press("escape")
        await settle(pilot)
        assert "LIVE" in rows(pilot.app)[0]


async def test_the_path_under_the_cursor_is_told_in_full() -> None:
    async with app_over(changed()).run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        await pilot.press("c", "enter")
        await read(pilot)
        assert "far.example (eth0): loses more, 10% after 0%." in text(pilot.app)
        await pilot.press("down")
        await settle(pilot)
        assert "far.example (eth1): no difference that means anything." in text(pilot.app)


async def test_what_is_proposed_for_a_session_of_two_seconds_can_be_compared() -> None:
    async with app_over(changed(2)).run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        await pilot.press("c", "enter")
        await read(pilot)
        assert "too few probes to tell" in text(pilot.app)


async def test_spans_that_cannot_be_read_are_said_and_the_question_stays() -> None:
    async with app_over(changed(60)).run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await pilot.press("c")
        await settle(pilot)
        for words, said in (
            ("soon", "is no span of time"),
            ("-1s..-9s", "ends before it begins"),
            ("x..y", "not a time"),
        ):
            pilot.app.screen.query_one("#span-b", Input).value = words
            await pilot.press("enter")
            await settle(pilot)
            assert said in " ".join(text(pilot.app).split())


async def test_names_from_a_session_are_text_on_the_page() -> None:
    hostile = "[red]x[/red]\x1b[31m"
    named = replace(await halves(), a=Side(hostile, (at(0), at(300)), {}))

    async def ready() -> Compared:
        return named

    async with CompareApp(ready, Settings()).run_test(size=(120, 36)) as pilot:
        await pilot.app.workers.wait_for_complete()
        await pilot.pause()
        await pilot.pause()
        shown = text(pilot.app)
        assert "[red]x[/red]" in shown
        assert "\x1b" not in shown


async def test_both_graphs_have_one_scale_and_one_length() -> None:
    both = await halves()
    drawn = [row_text(row) for row in both_graphs(both, both.result.paths[0].path, 80, 16, "unicode")]
    assert len(drawn) == 16
    assert drawn[0][:5] == drawn[8][:5] == "  40┤"
    assert [row[5:].split()[0] for row in (drawn[7], drawn[15])] == ["A", "B"]
    assert not both_graphs(both, both.result.paths[0].path, 80, 5, "unicode")


async def test_in_ascii_every_cell_is_ascii() -> None:
    both = await halves()
    cells = [cell for row in compared_rows(both, "ascii") for cell, _role in row.cells]
    graphs = [row_text(row) for row in both_graphs(both, both.result.paths[0].path, 80, 16, "ascii")]
    assert "".join([*cells, *graphs]).isascii()


async def test_what_only_one_side_has_is_said() -> None:
    whole = await halves()
    result = compare(whole.a.paths, {})
    said = [
        " ".join(cell for cell, _ in row.cells) for row in compared_rows(Compared(whole.a, whole.b, result), "ascii")
    ]
    assert said == [f"far.example (eth{n}) icmp v4 only in A" for n in (0, 1)]


def test_what_is_compared_where_nobody_says() -> None:
    hour = (at(0), at(3600))
    assert usual_spans(hour, at(1800), (), at_end=False) == ((at(1200), at(1800)), (at(1800), at(2400)))
    assert usual_spans(hour, at(3600), (at(100), at(3000)), at_end=True) == (
        (at(2400), at(3000)),
        (at(3000), at(3600)),
    )
    assert usual_spans(hour, at(3600), (), at_end=True) == ((at(2400), at(3000)), (at(3000), at(3600)))
    short = (at(0), at(100))
    assert usual_spans(short, at(100), (), at_end=True) == ((at(0), at(50)), (at(50), at(100)))
    for cursor in (at(0), at(3600)):
        (first, pivot), (same, last) = usual_spans(hour, cursor, (), at_end=False)
        assert first < pivot == same < last
        assert last - pivot <= USUAL_NS


def test_spans_are_proposed_in_words_that_are_read_back() -> None:
    last = at(3600)
    for at_ns in (at(5), at(3600), at(-100_000)):
        assert moment(words_for(at_ns, last), 0, at(-200_000), last) == at_ns

    def words(text: str) -> int:
        return moment(text, last, at(0), last)

    assert stretch("-2m..-1m", at(0), last, words) == (last - 2 * MINUTE, last - MINUTE)
    assert stretch("..", at(0), last, words) == (at(0), last)
    with pytest.raises(NotATime):
        stretch("-1m..-2m", at(0), last, words)


@pytest.fixture
def session(tmp_path: Path) -> Path:
    return write_session(tmp_path / "a.lps", changed(), a_header("gpu-07"))


def test_diff_on_the_screen(session: Path) -> None:
    argv = python("-m", "tui", "diff", str(session), "--at", "+300s", "--screen")
    with PtyRun(argv, columns=120, rows=36, env={"TZ": "UTC"}) as run:
        run.wait_for_text("loses more, 10% after 0%")
        assert any("gpu-07 2026-09-21 14:13:20 – 14:18:20" in row for row in run.rows())
        run.send("q")
        assert run.exit_code() == 3


def test_the_screen_needs_a_terminal(session: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["diff", str(session), str(session), "--screen"]) == 2
    assert "needs a terminal" in capsys.readouterr().err
