"""The table: what it shows, and that its cursor stays with its row."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from textual import events
from textual.app import App, ComposeResult

from tests.tui.screen_text import rows
from tui.widgets.clean import clean
from tui.widgets.columns import GAP, Column, TableRow, body_row, head_row, place
from tui.widgets.runs import fit, fit_name, row_text
from tui.widgets.table import Table

COLUMNS = (
    Column("route", 6, flex=1),
    Column("score", 5, align="right"),
    Column("rtt", 4, align="right"),
    Column("note", 6, flex=1, priority=2),
    Column("n", 3, align="right", priority=1),
)


def row(key: str, name: str = "eth0", rtt: str = "152") -> TableRow:
    return TableRow(key, ((name, "plain"), ("0.71", "ok"), (rtt, "bad"), ("CN2", "dim"), ("600", "dim")))


def test_columns_share_the_room_and_numbers_stand_right() -> None:
    placed = place(COLUMNS, 40)
    assert row_text(head_row(COLUMNS, placed)) == "route       score   rtt  note          n"
    assert row_text(body_row(COLUMNS, placed, row("a"))) == "eth0         0.71   152  CN2         600"


def test_narrow_tables_hide_what_matters_least() -> None:
    def titles(width: int) -> list[str]:
        return [COLUMNS[item.index].title for item in place(COLUMNS, width)]

    assert titles(32) == ["route", "score", "rtt", "note", "n"]
    assert titles(31) == ["route", "score", "rtt", "n"]
    assert titles(23) == ["route", "score", "rtt"]
    assert titles(5) == ["route", "score", "rtt"]


@given(st.integers(19, 200), st.text(max_size=30), st.text(max_size=30))
def test_every_row_is_exactly_as_wide_as_its_columns(width: int, name: str, rtt: str) -> None:
    placed = place(COLUMNS, width)
    total = sum(item.width for item in placed) + GAP * (len(placed) - 1)
    assert total <= width
    assert cell_len(row_text(body_row(COLUMNS, placed, row("a", name, rtt)))) == total


@given(st.text(max_size=40), st.integers(1, 30))
def test_text_is_cut_to_cells_not_characters(text: str, width: int) -> None:
    assert cell_len(fit(text, width)) == width


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("api.example.net", "api.example.n…"),
        ("far.example", "far.example   "),
        ("console.example.net wan0", "console.… wan0"),
        ("console.example.net wan1 v6", "conso… wan1 v6"),
        ("console.example.net transit-a", "con… transit-a"),
        ("console.example.net transit-ab", "console.examp…"),
    ],
)
def test_of_a_name_too_long_what_sets_it_apart_stays(text: str, shown: str) -> None:
    assert fit_name(text, 14) == shown


def test_wide_glyphs_are_not_halved() -> None:
    assert fit("中国电信", 6) == "中国 …"
    assert fit("中国电信", 8) == "中国电信"
    assert fit("12345", 4, glyphs="ascii") == "123~"


@given(st.text())
def test_what_is_shown_holds_no_controls(text: str) -> None:
    assert clean(text).isascii() or not set(clean(text)) & set("\x1b\x9b\u202e\u2066\u200f\n\r")
    assert not any(ord(char) < 32 or 127 <= ord(char) < 160 for char in clean(text))
    assert clean(clean(text)) == clean(text)


def test_hostile_names_are_shown_as_text() -> None:
    assert clean("eth0\x1b[2J\nx\u202eevil") == "eth0?[2J x?evil"
    assert clean("[bold]fe80::1%eth0[/]") == "[bold]fe80::1%eth0[/]"


class Shown(App[None]):
    def __init__(self) -> None:
        super().__init__()
        self.told: list[tuple[str, str]] = []

    def compose(self) -> ComposeResult:
        yield Table(COLUMNS, empty="nothing yet")

    def on_table_row_selected(self, message: Table.RowSelected) -> None:
        self.told.append(("selected", message.key))

    def on_table_row_highlighted(self, message: Table.RowHighlighted) -> None:
        self.told.append(("highlighted", message.key))


async def test_keys_move_the_cursor_and_enter_tells_the_row() -> None:
    app = Shown()
    async with app.run_test(size=(40, 6)) as pilot:
        app.query_one(Table).show_rows([row(f"k{n}", f"eth{n}") for n in range(12)])
        await pilot.press("j", "down", "enter", "ctrl+end", "k", "ctrl+home", "pagedown", "enter")
        assert app.told == [
            ("highlighted", "k1"),
            ("highlighted", "k2"),
            ("selected", "k2"),
            ("highlighted", "k11"),
            ("highlighted", "k10"),
            ("highlighted", "k0"),
            ("highlighted", "k4"),
            ("selected", "k4"),
        ]


async def test_the_wheel_moves_the_cursor() -> None:
    app = Shown()
    async with app.run_test(size=(40, 6)) as pilot:
        table = app.query_one(Table)
        table.show_rows([row(f"k{n}", f"eth{n}") for n in range(12)])
        for turn in (events.MouseScrollDown, events.MouseScrollDown, events.MouseScrollUp):
            app.post_message(turn(table, 3, 3, 0, 0, 0, shift=False, meta=False, ctrl=False))
        await pilot.pause()
        assert app.told == [("highlighted", "k1"), ("highlighted", "k2"), ("highlighted", "k1")]


async def test_the_table_scrolls_with_its_cursor() -> None:
    app = Shown()
    async with app.run_test(size=(40, 4)) as pilot:
        app.query_one(Table).show_rows([row(f"k{n}", f"eth{n}") for n in range(6)])
        await pilot.press("ctrl+end")
        await pilot.pause()
        assert [line.split()[0] for line in rows(app)] == ["route", "eth3", "eth4", "eth5"]


async def test_more_rows_than_room_are_counted_in_the_title() -> None:
    app = Shown()
    async with app.run_test(size=(60, 4)) as pilot:
        app.query_one(Table).show_rows([row(f"k{n}", f"eth{n}") for n in range(6)])
        await pilot.press("down", "down", "down")
        await pilot.pause()
        assert rows(app)[0].startswith("route 2-4/6 ")


def test_a_sentence_takes_the_room_that_a_short_name_leaves() -> None:
    said = TableRow("a", (("gateway", "plain"), ("Probes cannot be sent: EIO.", "warn")), spread=True)
    columns = (Column("target", 24), *COLUMNS[1:3])
    assert row_text(body_row(columns, place(columns, 38), said)).rstrip() == "gateway  Probes cannot be sent: EIO."
    short = TableRow("b", (("gateway", "plain"), ("down", "warn")), spread=True)
    assert row_text(body_row(columns, place(columns, 38), short)).index("down") == 26


async def test_the_cursor_stays_with_its_row_when_rows_come_and_go() -> None:
    app = Shown()
    async with app.run_test(size=(40, 8)) as pilot:
        table = app.query_one(Table)
        table.show_rows([row("a"), row("b"), row("c")])
        await pilot.press("down")
        table.show_rows([row("x"), row("a"), row("y"), row("b")])
        assert table.cursor_key == "b"
        table.show_rows([row("a"), row("c")])
        assert table.cursor_key == "c"
        table.show_rows([])
        assert table.cursor_key is None
        await pilot.press("enter", "down")
        await pilot.pause()
        assert rows(app)[1] == "nothing yet"


async def test_only_changed_rows_are_drawn_again(monkeypatch) -> None:
    app = Shown()
    async with app.run_test(size=(40, 8)) as pilot:
        table = app.query_one(Table)
        table.show_rows([row("a"), row("b"), row("c")])
        await pilot.pause()
        dirty: list[int] = []
        monkeypatch.setattr(table, "refresh", lambda *regions, **_: dirty.extend(region.y for region in regions))
        table.show_rows([row("a"), row("b", rtt="153"), row("c")])
        assert dirty == [2]
        table.show_rows([row("a"), row("b", rtt="153"), row("c")])
        assert dirty == [2]
