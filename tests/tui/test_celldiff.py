"""Whatever happens, the terminal shows what a full repaint would show."""

import random

import pytest
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from analysis.buckets import Bucket
from tests.tui.emulated import EmulatedApp, check
from tui.output import celldiff
from tui.widgets.columns import Column, TableRow
from tui.widgets.graph import GraphData, TimeGraph
from tui.widgets.table import Table

SECOND = 1_000_000_000
NAMES = [
    "eth0",
    "网关",
    "电信163骨干网",
    "vast.ai",
    "é́́",
    "a\u0301bc",
    "👩‍👩‍👧 family",
    "🇨🇳 CN2",
    "☁️ cloud",
    "한국어",
    "ｆｕｌｌ",
    "😀",
    "\x1b[2Jevil",
    "[bold]not[/]",
]
# What pyte draws otherwise than it is measured: it knows no graphemes. Compared where a cell is a cell.
PLAIN_NAMES = [
    name
    for name in NAMES
    if "\u200d" not in name and "\ufe0f" not in name and "🇨" not in name and "\u0301" not in name
]


class Note(ModalScreen[None]):
    CSS = """
    Note { align: center middle; background: black 50%; }
    Note Static { width: 23; height: 5; border: round red; }
    """

    def compose(self) -> ComposeResult:
        yield Static("这是一个 modal 窗口 over everything", markup=False)


class Float(Static):
    DEFAULT_CSS = "Float { layer: above; width: 9; height: 3; background: blue; offset: 0 0; }"


class Session(EmulatedApp):
    CSS = """
    Screen { layers: below above; }
    Horizontal { height: 8; }
    #graph { border: round green; }
    #input { height: 3; }
    """

    def compose(self) -> ComposeResult:
        with Horizontal():
            yield TimeGraph(id="graph")
            yield Table(
                [Column("name", 6, flex=2), Column("rtt", 6, align="right"), Column("note", 8, priority=1)],
                id="table",
            )
        yield Static("first", id="line", markup=False)
        entry = Input(id="input")
        entry.cursor_blink = False
        yield entry
        yield Float("浮动窗口", id="float", markup=False)


def tick(app: Session, chance: random.Random, now: int, names: list[str]) -> None:
    buckets = tuple(
        Bucket(
            i * SECOND,
            SECOND,
            sent=1,
            answered=int(i % 7 > 0),
            lost=int(i % 7 == 0),
            **times(40_000 + 900 * (i % 40), i),
        )
        for i in range(now - 60, now)
        if i % 23
    )
    app.query_one(TimeGraph).show_data(
        GraphData(buckets, (now - 60) * SECOND, now * SECOND, epochs=((now - 9) * SECOND,))
    )
    app.query_one(Table).show_rows(
        [
            TableRow(
                str(n),
                (
                    (chance.choice(names), "plain"),
                    (str(chance.randrange(900)), chance.choice(["ok", "bad", "warn"])),
                    (chance.choice(names), "dim"),
                ),
            )
            for n in range(chance.randrange(12))
        ]
    )


def times(us: int, i: int) -> dict[str, int]:
    return {} if i % 7 == 0 else {"min_us": us - 3000, "p50_us": us, "p99_us": us, "max_us": us + 5000}


@pytest.mark.parametrize("seed", range(2))
async def test_the_terminal_shows_what_a_full_repaint_would(seed: int) -> None:
    chance = random.Random(seed)
    app = Session()
    async with app.run_test(size=(70, 20)) as pilot:
        now = 1000
        for _ in range(25):
            match chance.randrange(9):
                case 0:
                    await pilot.press(
                        chance.choice(["tab", "down", "up", "end", "a", "中", "left", "backspace", "enter"])
                    )
                case 1 | 2 | 3:
                    now += chance.choice([1, 1, 1, 5])
                    if len(app.screen_stack) == 1:
                        tick(app, chance, now, PLAIN_NAMES)
                case 4 if len(app.screen_stack) == 1:
                    await app.push_screen(Note())
                case 4 | 5 if len(app.screen_stack) > 1:
                    app.pop_screen()
                case 6 if len(app.screen_stack) == 1:
                    size = chance.randrange(30, 90), chance.randrange(12, 26)
                    app.reshape(*size)
                    await pilot.resize_terminal(*size)
                case 7 if len(app.screen_stack) == 1:
                    app.query_one(Float).styles.offset = (chance.randrange(40), chance.randrange(12))
                    app.query_one("#line", Static).update(chance.choice(PLAIN_NAMES) * chance.randrange(1, 6))
                case 8:
                    await pilot.hover(offset=(chance.randrange(20), chance.randrange(10)))
            await check(app, pilot)
        assert app.output_stats.cell_diff


async def test_what_did_not_change_is_not_sent() -> None:
    app = Session()
    async with app.run_test(size=(70, 20)) as pilot:
        tick(app, random.Random(1), 1000, PLAIN_NAMES)
        await pilot.pause()
        before = app.emulated.bytes_written
        app.screen.refresh()
        await pilot.pause()
        assert app.emulated.bytes_written == before
        app.query_one("#line", Static).update("firsd", layout=False)
        await pilot.pause()
        assert 0 < app.emulated.bytes_written - before < 200


@pytest.mark.parametrize("name", NAMES)
async def test_hard_graphemes_are_sent_whole_and_nothing_controls_the_terminal(name: str) -> None:
    app = Session()
    async with app.run_test(size=(70, 20)) as pilot:
        line = app.query_one("#line", Static)
        for text in ("first", name, f"x{name}y", "last"):
            line.update(text, layout=False)
            await pilot.pause()
        await check(app, pilot)
        assert app.terminal.rows()[8] == "last"


async def test_without_the_pinned_textual_it_draws_as_textual_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(celldiff, "PINNED", "0.0.0")
    app = Session()
    async with app.run_test(size=(70, 20)) as pilot:
        tick(app, random.Random(1), 1000, PLAIN_NAMES)
        await check(app, pilot)
        assert not app.output_stats.cell_diff


async def test_it_can_be_switched_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LONGPIPE_NO_CELLDIFF", "1")
    assert not Session().output_stats.cell_diff
