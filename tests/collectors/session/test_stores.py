"""A timeline over files shows at every instant what a timeline in memory would."""

from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from analysis.definitions import definition_key
from analysis.history import SeriesHistory
from analysis.samples import Mark, Outcome, Probes, Route, Routes, Sample, Series
from analysis.settings import Settings
from analysis.view import Lens
from collectors.player import Player
from collectors.session.digest import Digest
from collectors.session.filestore import OBSERVATIONS, FileStore
from collectors.session.index import index_path
from collectors.session.joined import JoinedStore
from collectors.session.reader import SessionFile
from collectors.session.rollup import MINUTE_NS
from collectors.session.sources import earlier_files, open_sources
from collectors.session.writer import SessionWriter
from collectors.store import ListStore, LiveStore
from collectors.timeline import LiveTimeline, Timeline
from tests.collectors.session.samples import SECOND, T0, TOOL, a_header, a_second, a_session, write_session
from tests.samples import streams

FEW = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
LENGTH = 400
INSTANTS = st.integers(T0 - 2 * SECOND, T0 + (LENGTH + 2) * SECOND)


def disordered(samples: list[Sample]) -> list[Sample]:
    """Return samples as several collectors hand them over: some a few seconds late."""
    return sorted(samples, key=lambda sample: sample.t + (3 * SECOND if sample.t // SECOND % 7 == 0 else 0))


def same(left: object, right: object) -> bool:
    return sorted(map(repr, left)) == sorted(map(repr, right))  # type: ignore[call-overload]


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory) -> dict[str, FileStore]:
    """One session as one file, as parts, without its index, and as plain lines."""
    folder = tmp_path_factory.mktemp("stores")
    samples = disordered(a_session(LENGTH))
    whole = write_session(folder / "whole.lps", samples)
    bare = write_session(folder / "bare.lps", samples)
    index_path(bare).unlink()
    plain = folder / "plain.jsonl"
    plain.write_bytes(b"".join(msgspec.json.encode(line) + b"\n" for line in (a_header(), *samples)))
    parts, before = [], None
    for part, chunk in enumerate((samples[:130], samples[130:137], samples[137:])):
        writer = SessionWriter(folder / f"part{part}.lps", a_header(session="s", part=part), before)
        for sample in chunk:
            writer.write(sample)
        writer.close(continued=part < 2)
        before = writer.definitions
        parts.append(writer.path)
    return {
        "whole": FileStore([SessionFile(whole, TOOL)]),
        "without index": FileStore([SessionFile(bare, TOOL)]),
        "plain": FileStore([SessionFile(plain, TOOL)]),
        "parts": FileStore([SessionFile(path, TOOL) for path in parts]),
    }


@pytest.mark.parametrize("name", ["whole", "without index", "plain", "parts"])
def test_any_stretch_is_what_memory_would_hold(stores: dict[str, FileStore], name: str) -> None:
    memory, store = ListStore(disordered(a_session(LENGTH))), stores[name]
    assert store.span() == memory.span()

    @FEW
    @given(INSTANTS, INSTANTS)
    def check(start: int, end: int) -> None:
        assert list(store.between(start, end)) == memory.between(start, end)
        assert same(store.definitions(start), memory.definitions(start))

    check()


def test_statistics_from_the_file_equal_the_live_ones(stores: dict[str, FileStore]) -> None:
    def history(samples: list[Sample]) -> SeriesHistory:
        folded = SeriesHistory()
        for sample in samples:
            if isinstance(sample, Probes):
                for series, age, outcome, rtt in zip(
                    sample.series, sample.age_us, sample.outcome, sample.rtt_us, strict=True
                ):
                    if series == 1:
                        folded.record(sample.t - age * 1000, Outcome(outcome), rtt)
        return folded

    live, replayed = history(a_session(LENGTH)), history(list(stores["parts"].between(0, 1 << 62)))
    start, end = T0, T0 + LENGTH * SECOND
    assert live.window(start, end) == replayed.window(start, end)
    assert live.buckets(start, end, 10 * SECOND) == replayed.buckets(start, end, 10 * SECOND)


def test_the_screen_shows_the_same_live_and_from_any_kind_of_file(tmp_path: Path) -> None:
    @settings(FEW, max_examples=12)
    @given(streams())
    def check(samples: list[Sample]) -> None:
        live = LiveTimeline(LiveStore(), Settings())
        live.take(samples)
        for leftover in tmp_path.iterdir():
            leftover.unlink()
        cut = len(samples) // 2
        first = SessionWriter(tmp_path / "1.lps", a_header(session="s"))
        for sample in samples[:cut]:
            first.write(sample)
        first.close(continued=True)
        second = SessionWriter(tmp_path / "2.lps", a_header(session="s", part=1), first.definitions)
        for sample in samples[cut:]:
            second.write(sample)
        second.close()
        (source,) = open_sources([tmp_path], TOOL)
        replayed = Timeline(source.store, Settings())
        replayed.seek(live.end_ns)
        assert replayed.view(Lens()) == live.view(Lens())
        source.store.close()

    check()


def test_a_part_alone_knows_what_was_in_force_before_it(tmp_path: Path) -> None:
    samples = a_session(100)
    first = SessionWriter(tmp_path / "1.lps", a_header(session="s"))
    for sample in samples[:50]:
        first.write(sample)
    second = SessionWriter(tmp_path / "2.lps", a_header(session="s", part=1), first.definitions)
    for sample in samples[50:]:
        second.write(sample)
    second.close()
    first.abandon()
    store = FileStore([SessionFile(second.path, TOOL)])
    everything = list(store.between(0, 1 << 62))
    assert [sample.id for sample in everything if isinstance(sample, Series)] == [1, 2, 3]
    assert [sample for sample in everything if isinstance(sample, Probes)] == [
        sample for sample in samples[50:] if isinstance(sample, Probes)
    ]
    span = store.span()
    assert span is not None
    assert span[0] == samples[50].t
    assert same(store.definitions(span[0] - 1), ListStore(samples).definitions(span[0] - 1))
    columns = Digest(store, Settings()).columns(*span, 60 * SECOND)
    assert sum(column.answered for column in columns) > 0


def test_roll_ups_say_what_the_probes_say(stores: dict[str, FileStore]) -> None:
    for store in stores.values():
        store.scan()
    start, end = T0 // MINUTE_NS * MINUTE_NS, T0 + (LENGTH + 60) * SECOND
    by_minute = stores["whole"].columns(start, end, MINUTE_NS)
    assert by_minute.keys() == {1, 2, 3}
    for name, store in stores.items():
        if name != "parts":
            assert store.columns(start, end, MINUTE_NS) == by_minute
    late = sum(column.late for column in by_minute[1])
    assert late == sum(second % 10 == 4 for second in range(1, LENGTH + 1))
    assert sum(column.answered for column in by_minute[2]) == LENGTH
    first = by_minute[2][1]
    rtts = sorted(
        rtt
        for sample in a_session(LENGTH)
        if isinstance(sample, Probes)
        for series, age, rtt in zip(sample.series, sample.age_us, sample.rtt_us, strict=True)
        if series == 2 and rtt is not None and (sample.t - age * 1000) // MINUTE_NS == first.start_ns // MINUTE_NS
    )
    assert (first.min_us, first.p50_us, first.max_us) == (rtts[0], rtts[(len(rtts) + 1) // 2 - 1], rtts[-1])
    day = stores["parts"].columns(T0 - 86400 * SECOND, T0 + 86400 * SECOND, 86400 * SECOND)
    assert sum(column.answered for column in day[3]) == LENGTH


def test_marks_and_routes_of_the_whole_session_are_known_without_reading_it(stores: dict[str, FileStore]) -> None:
    notes = stores["whole"].notes()
    assert [note.text for note in notes if isinstance(note, Mark)] == ["here"]
    assert sum(isinstance(note, Routes) for note in notes) == 2
    assert sum(isinstance(note, Series) for note in notes) == 3


def test_no_definition_is_taken_for_an_observation() -> None:
    for sample in a_session(4):
        if definition_key(sample) is not None:
            assert str(type(sample).__struct_config__.tag).encode() not in OBSERVATIONS


def test_a_session_after_a_restart_goes_on_with_the_same_series(tmp_path: Path) -> None:
    first = [Series(T0, 1, "a.example", "192.0.2.1"), Series(T0, 2, "b.example", "192.0.2.2")]
    again = [
        Series(T0 + 100 * SECOND, 1, "b.example", "192.0.2.2"),
        Series(T0 + 100 * SECOND, 2, "c.example", "192.0.2.3"),
    ]
    write_session(tmp_path / "1.lps", [*first, a_second(5, 2)])
    write_session(tmp_path / "2.lps", [*again, a_second(105, 2)])
    (source,) = open_sources([tmp_path], TOOL)
    samples = list(source.store.between(0, 1 << 62))
    numbers = {sample.target: sample.id for sample in samples if isinstance(sample, Series)}
    assert (numbers["b.example"], numbers["c.example"]) == (1, 2)
    assert numbers["a.example"] not in (1, 2)
    old, new = (sample for sample in samples if isinstance(sample, Probes))
    assert (old.series, new.series) == ((numbers["a.example"], 1), (1, 2))
    assert source.store.columns(T0, T0 + 200 * SECOND, MINUTE_NS).keys() == {numbers["a.example"], 1, 2}


def test_boxes_are_sources_and_so_are_sessions_at_the_same_time(tmp_path: Path) -> None:
    write_session(tmp_path / "a1.lps", a_session(20), a_header("alpha"))
    write_session(tmp_path / "a2.lps", a_session(20, start=T0 + 30 * SECOND), a_header("alpha"))
    write_session(tmp_path / "a3.lps", a_session(20, start=T0 + 35 * SECOND), a_header("alpha"))
    write_session(tmp_path / "b.lps", a_session(20), a_header("beta"))
    sources = open_sources([tmp_path, tmp_path / "b.lps"], TOOL)
    assert sorted(len(source.store.files) for source in sources) == [1, 1, 2]
    assert sum(source.name.startswith("alpha") for source in sources) == 2
    assert [source.name for source in sources].count("beta") == 1


def test_a_live_view_is_rewound_beyond_memory(tmp_path: Path) -> None:
    earlier = a_session(50, start=T0 - 1000 * SECOND)
    write_session(tmp_path / "longpipe-earlier.lps", earlier, a_header())
    samples = a_session(300)
    live = LiveStore(keep_ns=60 * SECOND)
    writer = SessionWriter(tmp_path / "longpipe-now.lps", a_header(session="now"))
    store = JoinedStore(live, lambda: [writer.path], TOOL, lambda: earlier_files(tmp_path, "box", T0, TOOL))
    timeline = LiveTimeline(live, Settings(), store)
    player = Player(timeline)
    for sample in samples:
        timeline.take([sample])
        writer.write(sample)
    writer.flush()
    everything = ListStore([*earlier, *samples])
    player.start()
    assert store.span() == timeline.stretch() == ListStore(samples).span()
    player.seek(T0 - 960 * SECOND)
    assert timeline.at_ns == T0 - 960 * SECOND
    assert store.span() == timeline.stretch() == everything.span()
    assert timeline.view(Lens()).paths[0].window.answered
    player.end()
    assert timeline.stretch() == ListStore(samples).span()
    for back in (0, 30, 90, 200, 299):
        instant = T0 + (300 - back) * SECOND
        assert list(store.between(instant - 40 * SECOND, instant)) == ListStore(samples).between(
            instant - 40 * SECOND, instant
        )
        assert same(store.definitions(instant), ListStore(samples).definitions(instant))
    assert len(list(store.between(T0 - 1001 * SECOND, T0 - 1))) == len(earlier)
    writer.path.unlink()
    assert store.span() == everything.span()


def test_what_the_recorder_has_not_begun_does_not_hinder_the_live_view(tmp_path: Path) -> None:
    live = LiveStore()
    live.append(Mark(T0, "x"))
    store = JoinedStore(live, lambda: [tmp_path / "not-yet.lps"], TOOL)
    assert store.span() == (T0, T0)
    assert list(store.between(0, T0)) == [Mark(T0, "x")]
    assert store.definitions(T0) == []


def test_a_route_in_force_before_a_jump_is_known_after_it(stores: dict[str, FileStore]) -> None:
    (routes,) = (s for s in stores["whole"].definitions(T0 + 350 * SECOND) if isinstance(s, Routes))
    assert routes.routes == (Route("r1", "wan", 4, "eth0", up=False),)
