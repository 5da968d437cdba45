"""The time graph, as a person reads it: rows of text."""

from hypothesis import given, settings
from hypothesis import strategies as st
from textual.app import App, ComposeResult

from analysis.buckets import Bucket
from tests.tui.screen_text import rows
from tui.widgets.graph import GraphData, TimeGraph, graph_rows, loss_sign, peak
from tui.widgets.runs import row_text
from tui.widgets.scale import ceiling_above, steady_ceiling
from tui.widgets.scrubber import ScrubberData, scrubber_row
from tui.widgets.timeline import spread, timeline

SECOND = 1_000_000_000
MILLI = 1_000


def answered(second: int, ms: float, spread_ms: float = 0) -> Bucket:
    low, middle, high = (round((ms + d) * MILLI) for d in (-spread_ms, 0, spread_ms))
    return Bucket(second * SECOND, SECOND, 1, 1, min_us=low, p50_us=middle, p99_us=high, max_us=high)


def lost(second: int, sent: int = 1, count: int = 1) -> Bucket:
    return Bucket(second * SECOND, SECOND, sent, sent - count, lost=count)


def drawn(data: GraphData, width: int, height: int, glyphs: str = "unicode") -> list[str]:
    return [row_text(row).rstrip() for row in graph_rows(data, width, height, glyphs)]


def window(*buckets: Bucket, seconds: int = 16, **options: object) -> GraphData:
    return GraphData(buckets, 0, seconds * SECOND - 1, **options)


def test_a_steady_path_is_a_level_line_over_an_axis_from_zero() -> None:
    data = window(*(answered(t, 50) for t in range(16)), ceiling=100)
    assert drawn(data, 13, 6) == [
        " 100┤",
        "    │",
        "  50┤⠒⠒⠒⠒⠒⠒⠒⠒",
        "    │",
        "   0┤",
        "loss│",
    ]


def test_a_gap_stays_a_gap_and_loss_stands_where_it_happened() -> None:
    data = window(*(answered(t, 50) for t in range(16) if t not in (4, 5, 10, 11)), lost(10), lost(11), ceiling=100)
    assert drawn(data, 13, 4) == [
        " 100┤",
        "    │⠒⠒ ⠒⠒ ⠒⠒",
        "   0┤",
        "loss│     █",
    ]


def test_ascii_says_the_same() -> None:
    data = window(*(answered(t, 50) for t in range(16) if t not in (4, 5, 10, 11)), lost(10), lost(11), ceiling=100)
    assert drawn(data, 13, 4, "ascii") == [
        " 100+",
        "    |.. .. ..",
        "   0+",
        "loss|     #",
    ]


def test_marks_epochs_what_is_cut_off_and_the_ends_are_labelled() -> None:
    data = window(
        *(answered(t, 900 if t == 15 else 20) for t in range(16)),
        ceiling=100,
        marks=((2 * SECOND, "▾"),),
        epochs=(9 * SECOND,),
        start_label="14:00",
        end_label="now",
    )
    assert drawn(data, 13, 5) == [
        " 100┤ ▾  ┊  ↑",
        "    │    ┊  ⢸",
        "   0┤⠒⠒⠒⠒⠒⠒⠒⠊",
        "loss│",
        "     14:00now",
    ]


def test_probes_that_never_left_are_not_loss() -> None:
    data = window(Bucket(0, SECOND, failed=3), lost(4), ceiling=100)
    assert drawn(data, 13, 3)[-1] == "loss│× █"


@given(st.integers(1, 200), st.integers(1, 200))
def test_any_loss_is_seen_and_only_total_loss_is_a_full_bar(count: int, settled: int) -> None:
    bucket = Bucket(0, SECOND, sent=max(count, settled), answered=max(count, settled) - count, lost=count)
    sign = loss_sign([bucket], "▁▂▃▄▅▆▇█")
    assert sign != " "
    if count * 8 <= bucket.settled * 7:
        assert sign != "█"


@given(st.integers(0, 10**18), st.integers(1, 10**13), st.integers(1, 300))
def test_the_window_ends_in_the_last_column(end: int, length: int, columns: int) -> None:
    line = timeline(end - length, end, columns)
    assert line.column(end) == columns - 1
    assert line.columns == columns
    assert line.start_ns % line.slot_ns == 0
    assert line.slot_ns * columns >= length


@given(st.integers(1000, 5000), st.sampled_from([1, 5, 60]), st.integers(5, 80))
@settings(max_examples=50)
def test_a_bucket_is_in_every_column_it_overlaps_and_in_no_other(now: int, step: int, columns: int) -> None:
    buckets = [Bucket(t * SECOND, step * SECOND, 1) for t in range(now - 300, now, step)]
    line = timeline((now - 300) * SECOND, now * SECOND, columns)
    for column, found in enumerate(spread(buckets, line)):
        start, end = line.time(column), line.time(column + 1)
        assert found == [b for b in buckets if b.start_ns < end and b.start_ns + b.step_ns > start]


@given(st.integers(1000, 5000))
@settings(max_examples=30)
def test_while_no_column_begins_time_passing_moves_only_the_last_one(now: int) -> None:
    def at(second: int) -> list[str]:
        buckets = tuple(answered(t, 40 + t % 7) for t in range(second - 240, second))
        data = GraphData(buckets, (second - 240) * SECOND, second * SECOND, ceiling=100)
        return [row_text(row) for row in graph_rows(data, 45, 6)]

    moved = timeline((now - 240) * SECOND, now * SECOND, 40) != timeline((now - 239) * SECOND, (now + 1) * SECOND, 40)
    if not moved:
        assert [row[6:-1] for row in at(now)] == [row[6:-1] for row in at(now + 1)]


@given(st.floats(0.001, 1e6))
def test_the_ceiling_is_round_and_never_more_than_double(value: float) -> None:
    ceiling = ceiling_above(value)
    assert value <= ceiling <= 2 * value or ceiling <= 1.0


@given(st.lists(st.floats(50, 100), min_size=1, max_size=50))
def test_the_ceiling_stays_while_the_data_fit(peaks: list[float]) -> None:
    ceiling: float | None = 100.0
    for value in peaks:
        ceiling = steady_ceiling(value, ceiling)
    assert ceiling == 100.0
    assert steady_ceiling(101, ceiling) == 150.0
    assert steady_ceiling(10, ceiling) == 10.0


def test_one_late_reply_does_not_flatten_an_hour() -> None:
    data = window(*(answered(t, 50) for t in range(3600)), answered(3600, 51, spread_ms=0), seconds=3601)
    late = Bucket(1800 * SECOND, SECOND, 1, 1, min_us=50_000, p50_us=50_000, p99_us=2_000_000, max_us=2_000_000)
    assert peak(GraphData((*data.buckets[:1800], late, *data.buckets[1801:]), 0, 3601 * SECOND)) == 51.0


@given(st.integers(1, 60), st.integers(1, 20), st.sampled_from(["unicode", "ascii"]), st.sampled_from(["loss", "丢"]))
@settings(max_examples=60)
def test_it_fills_its_place_at_any_size(width: int, height: int, glyphs: str, word: str) -> None:
    data = window(*(answered(t, 50 + t, 3) for t in range(16)), loss_label=word, start_label="-16s", end_label="now")
    assert len(graph_rows(data, width, height, glyphs)) == height


def test_no_data_is_an_empty_field() -> None:
    assert drawn(window(), 13, 4) == ["    │"] * 3 + ["loss│"]
    silent = window(*(lost(t) for t in range(16)), ceiling=100)
    assert drawn(silent, 13, 4) == ["    │"] * 3 + ["loss│████████"], "an axis with numbers would look measured"


class Shown(App[None]):
    def compose(self) -> ComposeResult:
        yield TimeGraph()


async def test_the_widget_sends_only_rows_that_changed_and_keeps_its_scale() -> None:
    app = Shown()
    async with app.run_test(size=(40, 8)) as pilot:
        graph = app.query_one(TimeGraph)
        graph.show_data(window(*(answered(t, 90) for t in range(16))))
        await pilot.pause()
        assert rows(app)[0] == " 100┤" + "⣀" * 35
        graph.show_data(window(*(answered(t, 60) for t in range(16))))
        await pilot.pause()
        assert rows(app)[0] == " 100┤"
        first_cell = graph.size.width - 35
        assert graph.time_at(first_cell) == 0
        assert graph.time_at(0) is None


def test_the_scrubber_shows_a_session_in_a_line() -> None:
    buckets = (
        *(answered(t, 40) for t in range(4)),
        *(answered(t, 400) for t in range(4, 8)),
        *(lost(t) for t in range(8, 10)),
        *(answered(t, 40) for t in range(12, 20)),
    )
    data = ScrubberData(
        buckets, 0, 20 * SECOND - 1, cursor_ns=17 * SECOND, marks=(2 * SECOND,), epochs=(13 * SECOND,)
    )
    assert row_text(scrubber_row(data, 10)) == "─◆~~█ ┊─┃─"
    assert row_text(scrubber_row(data, 10, "ascii")) == "-*~~# !-|-"
