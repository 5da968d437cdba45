"""What was recorded is what is read, however the file ended and whoever wrote it."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
import zstandard
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from analysis.samples import AnySample, Dropped, Fact, Facts, Mark, Probes, Sample, Series
from analysis.text import Sentence
from collectors.session.decode import Decoder
from collectors.session.frames import zstd_frames
from collectors.session.header import MAJOR, Unreadable
from collectors.session.index import index_path
from collectors.session.lines import LINE_LIMIT
from collectors.session.reader import Ending, SessionFile
from collectors.session.writer import SessionWriter
from tests.collectors.session.samples import SECOND, T0, TOOL, a_header, a_second, a_session, write_session

FEW = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def read(path: Path) -> list[Sample]:
    file = SessionFile(path, TOOL)
    try:
        return list(file.samples())
    finally:
        file.close()


def test_what_was_recorded_is_read_back(tmp_path: Path) -> None:
    samples = a_session(200)
    file = SessionFile(write_session(tmp_path / "a.lps", samples), TOOL)
    assert list(file.samples()) == samples
    assert not file.counts.any()
    assert file.ending() is Ending.CLOSED
    assert (file.start_ns, file.end_ns) == (T0, samples[-1].t)


def test_any_text_survives_as_data(tmp_path: Path) -> None:
    @FEW
    @given(st.text(st.characters(exclude_categories=["Cs"])), st.integers(0, 10))
    def check(text: str, number: int) -> None:
        nasty = [
            Mark(T0, f"\x1b[2J[bold]{text}\x00\u202e\n"),
            Series(T0, 1, text, "::1", route=text),
            Facts(T0, {text: Fact(text, text, Sentence(text, {text: text}))}),
            Dropped(T0, number, text),
        ]
        path = tmp_path / "a.lps"
        path.unlink(missing_ok=True)
        assert read(write_session(path, nasty)) == nasty

    check()


def test_a_file_is_private_and_never_replaces_another(tmp_path: Path) -> None:
    path = write_session(tmp_path / "a.lps", a_session(2))
    assert path.stat().st_mode & 0o777 == 0o600
    assert index_path(path).stat().st_mode & 0o777 == 0o600
    with pytest.raises(FileExistsError):
        SessionWriter(path, a_header())


@pytest.mark.skipif(shutil.which("zstdcat") is None, reason="zstdcat is not installed")
def test_other_tools_can_read_it(tmp_path: Path) -> None:
    samples = a_session(70)
    path = write_session(tmp_path / "a.lps", samples)
    text = subprocess.run(["zstdcat", path], capture_output=True, check=True).stdout
    lines = [json.loads(line) for line in text.splitlines()]
    assert lines[0]["longpipe"] == MAJOR
    assert [line for line in lines[1:] if line["k"] not in ("again", "end")] == json.loads(
        msgspec.json.encode(samples)
    )
    plain = tmp_path / "a.jsonl"
    plain.write_bytes(text)
    assert read(plain) == samples


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, list[Sample], list[int]]:
    """A file of some frames, its samples, and how long it was after the flush of each sample."""
    path = tmp_path_factory.mktemp("recorded") / "a.lps"
    samples = a_session(150)
    writer = SessionWriter(path, a_header())
    sizes = []
    for sample in samples:
        writer.write(sample)
        writer.flush()
        sizes.append(writer.size)
    writer.close()
    return path.read_bytes(), samples, sizes


def test_a_recorder_killed_at_any_byte_loses_only_what_was_not_flushed(
    tmp_path: Path, recorded: tuple[bytes, list[Sample], list[int]]
) -> None:
    data, samples, sizes = recorded

    @settings(FEW, max_examples=150)
    @given(st.integers(0, len(data) - 1))
    def check(length: int) -> None:
        path = tmp_path / "torn.lps"
        path.write_bytes(data[:length])
        try:
            file = SessionFile(path, TOOL)
        except Unreadable:
            assert length < sizes[0]
            return
        survived = list(file.samples())
        assert survived == samples[: len(survived)]
        assert len(survived) >= sum(size <= length for size in sizes)
        assert file.ending() is Ending.TORN
        assert not file.counts.any()
        file.close()

    check()


def test_a_plain_file_cut_anywhere_is_read_up_to_the_cut(tmp_path: Path) -> None:
    samples = a_session(5)
    lines = [msgspec.json.encode(a_header())] + [msgspec.json.encode(sample) for sample in samples]
    data = b"\n".join(lines)

    @FEW
    @given(st.integers(len(lines[0]), len(data)))
    def check(length: int) -> None:
        path = tmp_path / "cut.jsonl"
        path.write_bytes(data[:length])
        file = SessionFile(path, TOOL)
        survived = list(file.samples())
        assert survived == samples[: len(survived)]
        whole = data[length:].startswith(b"\n") or length == len(data) or data[:length].endswith(b"\n")
        assert not file.counts.any()
        assert len(survived) == sum(len(b"\n".join(lines[: n + 2])) <= length for n in range(len(samples)))
        assert (file.ending() is Ending.CLOSED) == data[:length].endswith(b"\n") or whole
        file.close()

    check()


def test_a_damaged_stretch_costs_no_more_than_itself(
    tmp_path: Path, recorded: tuple[bytes, list[Sample], list[int]]
) -> None:
    data, samples, _ = recorded
    path = tmp_path / "damaged.lps"
    path.write_bytes(data)
    frames = list(zstd_frames(path))
    assert len(frames) == 3
    middle = frames[1]
    path.write_bytes(data[: middle.offset + 4] + b"\xff" * 40 + data[middle.offset + 44 :])
    file = SessionFile(path, TOOL)
    survived = list(file.samples())
    assert file.counts.damaged_frames >= 1
    assert survived == [sample for sample in samples if sample in survived]
    assert survived[-1] == samples[-1]
    assert survived[:60] == samples[:60]


def test_lines_that_are_no_samples_are_counted_and_passed_over(tmp_path: Path) -> None:
    good = [Mark(T0, "one"), Mark(T0 + 1, "two")]
    bad = [
        b"not json",
        b'{"k":"mark","t":"soon"}',
        b'{"k":"mark","t":1e300}',
        b'{"k":"mark","t":-1}',
        b'{"k":"mark","t":%d}' % 10**40,
        b'{"k":"mark","t":1,"text":"\xff\xfe"}',
        b'{"k":"mark","t":1,"text":"\\ud800"}',
        b'{"k":"mark","t":1,"deep":' + b"[" * 100_000,
        b'{"k":"probes","t":1,"series":[1,2],"age_us":[1],"outcome":[0,0],"rtt_us":[1,2]}',
        b'{"k":"probes","t":1,"series":[1],"age_us":[1],"outcome":[77],"rtt_us":[1]}',
        b"[]",
        b'{"k":"health","t":1,"collector":"x","state":"failed","problem":'
        + b'{"text":"a","args":{"b":' * 200
        + b'{"text":"c"}'
        + b"}}" * 200
        + b"}",
        (
            b'{"k":"hops","t":1,"paths":[7],"path":[1],"ttl":[1],"flow":[0],"age_us":[1],"outcome":[1],'
            b'"rtt_us":[null],"answer":[null]}'
        ),
    ]
    unknown = [b'{"k":"telepathy","t":5,"thoughts":[1,2]}', b'{"t":5,"k":"again?"}']
    lines = [
        msgspec.json.encode(a_header()),
        msgspec.json.encode(good[0]),
        *bad,
        *unknown,
        msgspec.json.encode(good[1]),
    ]
    path = tmp_path / "a.jsonl"
    path.write_bytes(b"\n".join(lines) + b"\n")
    file = SessionFile(path, TOOL)
    assert list(file.samples()) == good
    assert (file.counts.bad_lines, file.counts.unknown_kinds) == (len(bad), len(unknown))


def test_a_line_of_100_mb_is_never_held(tmp_path: Path) -> None:
    path = tmp_path / "long.jsonl"
    with path.open("wb") as file:
        file.write(msgspec.json.encode(a_header()) + b"\n")
        for _ in range(100):
            file.write(b"x" * 2**20)
        file.write(b"\n" + msgspec.json.encode(Mark(T0, "after")) + b"\n")
    code = (
        "import resource, sys, pathlib\n"
        "from collectors.session.reader import SessionFile\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "file = SessionFile(pathlib.Path(sys.argv[1]))\n"
        "texts = [sample.text for sample in file.samples()]\n"
        "grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before\n"
        "print(texts, file.counts.long_lines, grown < 40_000)\n"
    )
    done = subprocess.run([sys.executable, "-c", code, path], capture_output=True, text=True, check=True)
    assert done.stdout == "['after'] 1 True\n"
    assert LINE_LIMIT < 100 << 20


def test_a_header_from_the_future_is_refused_with_a_sentence(tmp_path: Path) -> None:
    path = tmp_path / "future.jsonl"
    path.write_bytes(b'{"longpipe":%d,"whole":"new"}\n' % (MAJOR + 1))
    with pytest.raises(Unreadable, match="Install a newer longpipe"):
        SessionFile(path)


@pytest.mark.parametrize("content", [b"", b"hello\n", b"{}\n", b'{"longpipe":1}\n', b"\x28\xb5\x2f\xfd", b"\0" * 100])
def test_what_is_no_session_is_refused_with_a_sentence(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "no.lps"
    path.write_bytes(content)
    with pytest.raises(Unreadable) as refused:
        SessionFile(path)
    assert refused.value.problem.text


def test_a_pipe_or_a_directory_is_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    for path in (tmp_path, tmp_path / "fifo"):
        with pytest.raises(Unreadable, match="not a regular file"):
            SessionFile(path)


def test_fields_of_a_newer_version_are_counted_and_renamed_ones_are_read() -> None:
    decoder = Decoder(foreign=True, renamed_kinds={"flag": "mark"}, renamed_fields={"mark": {"label": "text"}})
    assert decoder.decode(b'{"k":"flag","t":1,"label":"x","colour":"red"}') == Mark(1, "x")
    assert (decoder.counts.unknown_fields, decoder.counts.bad_lines) == (1, 0)


def test_a_file_is_read_while_it_grows(tmp_path: Path) -> None:
    samples = a_session(200)
    path = tmp_path / "a.lps"
    writer = SessionWriter(path, a_header())
    file = SessionFile(path, TOOL)
    for count, sample in enumerate(samples, 1):
        writer.write(sample)
        if count % 50 == 0 or sample is samples[-1]:
            writer.flush()
            assert file.refresh()
            assert list(file.samples()) == samples[:count]
            assert (file.ending(), file.end_ns) == (Ending.GROWING, max(s.t for s in samples[:count]))
    writer.close()
    assert file.refresh()
    assert file.ending() is Ending.CLOSED


def test_the_index_is_a_cache(tmp_path: Path) -> None:
    samples = a_session(400)
    path = write_session(tmp_path / "a.lps", samples)
    indexed = SessionFile(path, TOOL)
    told = indexed.outline
    assert told is not None
    index_path(path).unlink()
    scanned = SessionFile(path, TOOL)
    assert scanned.outline is None
    assert list(scanned.scan().rollups) == list(told.rollups)
    assert scanned.scan().notes == told.notes
    assert (scanned.start_ns, scanned.end_ns) == (indexed.start_ns, indexed.end_ns)
    everything = range(T0, T0 + 400 * SECOND, 7 * SECOND)
    assert [scanned.frames(t, t) for t in everything] == [indexed.frames(t, t) for t in everything]
    assert not index_path(path).exists()


def test_an_index_that_does_not_fit_is_not_believed(tmp_path: Path) -> None:
    path = write_session(tmp_path / "a.lps", a_session(100))
    other = write_session(tmp_path / "b.lps", a_session(100))
    own = index_path(path).read_bytes()
    flipped = bytearray(own)
    flipped[-1] ^= 1
    for index in (index_path(other).read_bytes(), own[:-4], own[:50], b"", bytes(flipped), b"\xff" * 100):
        index_path(path).write_bytes(index)
        assert SessionFile(path, TOOL).outline is None
        assert read(path) == a_session(100)
    index_path(path).write_bytes(own)
    assert SessionFile(path, TOOL).outline is not None
    with path.open("ab") as file:
        file.write(b"more")
    assert SessionFile(path, TOOL).outline is None


def test_what_cannot_be_written_as_a_line_is_left_out(tmp_path: Path) -> None:
    writer = SessionWriter(tmp_path / "a.lps", a_header())
    writer.write(Mark(T0, "\ud800"))
    writer.write(Mark(T0 + 1, "fine"))
    writer.close()
    assert writer.unwritable == 1
    assert read(writer.path) == [Mark(T0 + 1, "fine")]


def test_a_zstd_frame_that_asks_for_much_memory_is_not_unpacked(tmp_path: Path) -> None:
    path = tmp_path / "bomb.lps"
    parameters = zstandard.ZstdCompressionParameters(compression_level=1, window_log=27)
    packed = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
    head = packed.compress(msgspec.json.encode(a_header()) + b"\n")
    path.write_bytes(head + packed.compress(b"y" * (16 << 20)) + packed.flush())
    with pytest.raises(Unreadable):
        SessionFile(path)


def test_every_kind_of_sample_can_stand_in_a_file() -> None:
    assert isinstance(msgspec.json.decode(msgspec.json.encode(a_second(1)), type=AnySample), Probes)
