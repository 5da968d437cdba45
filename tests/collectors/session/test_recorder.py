"""The recorder keeps within its bounds, and its failures stay its own."""

import os
import resource
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from analysis.samples import Dropped, Health, Mark, Sample
from collectors.clock import Clock
from collectors.session.header import new_header
from collectors.session.reader import Ending, SessionFile
from collectors.session.recorder import NOT_TO_OWN_PLACE, Recorder, RecorderState, state_directory
from collectors.session.retention import Limits, prune, recordings
from collectors.session.sources import open_sources
from tests.collectors.session.samples import SECOND, T0, TOOL, a_header, a_session, write_session

NO_LIMITS = Limits(keep_ns=None, keep_bytes=None, file_ns=None, file_bytes=None)


def record(folder: Path, samples: list[Sample], limits: Limits = NO_LIMITS, **more: object) -> RecorderState:
    """Record samples from start to stop."""
    recorder = Recorder(folder, a_header(), Clock(), limits, **more)  # type: ignore[arg-type]
    for sample in samples:
        recorder.put(sample)
    recorder.start()
    recorder.stop()
    return recorder.state()


def until(condition: Callable[[], bool]) -> None:
    """Wait for something that another thread does."""
    pause = threading.Event()
    for _ in range(9000):
        if condition():
            return
        pause.wait(0.01)
    raise AssertionError("it did not happen")


def test_a_session_goes_into_parts_that_are_one_timeline(tmp_path: Path) -> None:
    samples = a_session(400)
    state = record(tmp_path / "state", samples, Limits(None, None, file_ns=100 * SECOND))
    assert state.problem is None
    assert len(state.parts) == 5
    assert (tmp_path / "state").stat().st_mode & 0o777 == 0o700
    (source,) = open_sources([tmp_path / "state"], TOOL)
    assert list(source.store.between(0, 1 << 62)) == sorted(samples, key=lambda sample: sample.t)
    assert state.bytes == sum(path.stat().st_size for path in state.parts)
    assert all(file.ending() is Ending.CLOSED for file in source.store.files)


def test_a_second_is_on_disk_while_the_recorder_runs(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path, a_header(), Clock(), NO_LIMITS)
    recorder.put(Mark(T0, "now"))
    recorder.start()
    until(lambda: recorder.state().bytes > 0)
    state = recorder.state()
    assert state.path is not None
    file = SessionFile(state.path, TOOL)
    assert list(file.samples()) == [Mark(T0, "now")]
    assert file.ending() is Ending.GROWING
    recorder.stop()


def test_a_killed_recorder_leaves_a_readable_file(tmp_path: Path) -> None:
    code = (
        "import sys, time, threading, pathlib\n"
        "from analysis.samples import Mark\n"
        "from collectors.clock import Clock\n"
        "from collectors.session.header import new_header\n"
        "from collectors.session.recorder import Recorder\n"
        "clock = Clock()\n"
        "recorder = Recorder(pathlib.Path(sys.argv[1]), new_header(clock, 't', {}, ()), clock)\n"
        "recorder.put(Mark(1, 'kept'))\n"
        "recorder.start()\n"
        "while not recorder.state().bytes: time.sleep(0.01)\n"
        "print('written', flush=True)\n"
        "threading.Event().wait()\n"
    )
    process = subprocess.Popen([sys.executable, "-c", code, tmp_path], stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline() == b"written\n"
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    (path,) = recordings(tmp_path)
    file = SessionFile(path)
    assert list(file.samples()) == [Mark(1, "kept")]
    assert file.ending() is Ending.TORN


def failing(tmp_path: Path, recorder: Recorder, told: list[Sample]) -> RecorderState:
    recorder.start()
    until(lambda: recorder.state().problem is not None)
    recorder.stop()
    state = recorder.state()
    assert [sample.state for sample in told if isinstance(sample, Health)] == ["failed"]
    return state


def test_a_full_disk_stops_only_the_recording(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", disk], stderr=subprocess.PIPE, check=False
    )
    if mounted.returncode:
        pytest.skip("no permission to mount a small disk")
    try:
        told: list[Sample] = []
        recorder = Recorder(disk, a_header(), Clock(), NO_LIMITS, told.append)
        noise = [Mark(T0 + n, os.urandom(500).hex()) for n in range(1000)]
        for sample in noise:
            recorder.put(sample)
        state = failing(tmp_path, recorder, told)
        assert "disk is full" in str(state.problem)
        (path,) = recordings(disk)
        file = SessionFile(path, TOOL)
        survived = list(file.samples())
        assert survived == noise[: len(survived)]
        assert file.ending() is Ending.TORN
        file.close()
        recorder.put(Mark(T0, "the dashboard goes on"))
    finally:
        subprocess.run(["umount", disk], check=True)


def test_a_file_size_limit_stops_only_the_recording(tmp_path: Path) -> None:
    told: list[Sample] = []
    recorder = Recorder(tmp_path, a_header(), Clock(), NO_LIMITS, told.append)
    for n in range(500):
        recorder.put(Mark(T0 + n, os.urandom(500).hex()))
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, hard))
    try:
        state = failing(tmp_path, recorder, told)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, before)
    assert state.problem is not None
    assert [path.stat().st_size for path in recordings(tmp_path)] == [20_000]


def test_a_place_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    told: list[Sample] = []
    recorder = Recorder(tmp_path / "file" / "below", a_header(), Clock(), NO_LIMITS, told.append)
    recorder.put(Mark(T0))
    state = failing(tmp_path, recorder, told)
    assert "cannot be written" in str(state.problem)
    assert "-o" in str(state.problem)


def test_who_did_not_choose_the_place_is_told_how_to_choose_one(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    told: list[Sample] = []
    recorder = Recorder(
        tmp_path / "file" / "x", a_header(), Clock(), NO_LIMITS, told.append, forbidden=NOT_TO_OWN_PLACE
    )
    recorder.put(Mark(T0))
    said = str(failing(tmp_path, recorder, told).problem)
    assert "XDG_STATE_HOME" in said
    assert "--no-record" in said


def test_two_recorders_at_once_do_not_meet(tmp_path: Path) -> None:
    old = tmp_path / "longpipe-old.lps"
    old.write_bytes(b"x" * 100_000)
    clock = Clock()
    recorders = [
        Recorder(tmp_path, new_header(clock, TOOL, {}, ()), clock, Limits(keep_bytes=90_000, file_bytes=2000))
        for _ in range(2)
    ]
    for recorder in recorders:
        recorder.start()
    for n in range(50):
        for recorder in recorders:
            recorder.put(Mark(T0 + n, os.urandom(200).hex()))
    until(lambda: all(recorder.state().bytes > 0 for recorder in recorders))
    for recorder in recorders:
        recorder.put(Mark(T0 + 100, "last"))
        recorder.stop()
        assert recorder.state().problem is None
    lasting = [SessionFile(recorder.state().parts[-1], TOOL) for recorder in recorders]
    assert all(Mark(T0 + 100, "last") in list(file.samples()) for file in lasting)
    assert not old.exists()


def test_the_oldest_recordings_go_first_and_only_the_recorders_own(tmp_path: Path) -> None:
    mine = tmp_path / "my-session.lps"
    write_session(mine, a_session(5))
    for n in range(5):
        path = write_session(tmp_path / f"longpipe-{n}.lps", a_session(20))
        for file in (path, path.with_name(path.name + ".idx")):
            os.utime(file, ns=(T0 + n * SECOND, T0 + n * SECOND))
    size = sum(path.stat().st_size for path in tmp_path.glob("longpipe-0*"))
    prune(tmp_path, Limits(keep_ns=None, keep_bytes=3 * size + size // 2, file_bytes=0), T0)
    assert [path.name for path in recordings(tmp_path)] == [f"longpipe-{n}.lps" for n in (2, 3, 4)]
    prune(tmp_path, Limits(keep_ns=10 * SECOND, keep_bytes=None), T0 + 13 * SECOND)
    assert [path.name for path in recordings(tmp_path)] == [f"longpipe-{n}.lps" for n in (3, 4)]
    assert sorted(path.name for path in tmp_path.glob("*.idx")) == [
        "longpipe-3.lps.idx",
        "longpipe-4.lps.idx",
        "my-session.lps.idx",
    ]
    assert mine.exists()


def test_a_stepped_wall_clock_bends_neither_times_nor_retention(tmp_path: Path) -> None:
    wall, mono = [T0], [0]
    clock = Clock(lambda: wall[0], lambda: mono[0])
    old = write_session(tmp_path / "longpipe-old.lps", a_session(5))
    os.utime(old, ns=(T0 - 3600 * SECOND, T0 - 3600 * SECOND))
    recorder = Recorder(tmp_path, new_header(clock, TOOL, {}, ()), clock)
    samples = []
    for step in (0, 3600, -7200, 365 * 86400):
        wall[0] += step * SECOND
        mono[0] += SECOND
        samples.append(Mark(clock.now_ns(), "tick"))
        recorder.put(samples[-1])
    recorder.start()
    recorder.stop()
    (part,) = recorder.state().parts
    assert list(SessionFile(part, TOOL).samples()) == samples
    assert [sample.t for sample in samples] == [T0 + n * SECOND for n in range(1, 5)]
    assert old.exists()


def test_what_comes_too_fast_is_counted(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path, a_header(), Clock(), NO_LIMITS)
    for n in range(20_010):
        recorder.put(Mark(T0 + n))
    recorder.start()
    recorder.stop()
    assert recorder.state().dropped == 10
    (part,) = recorder.state().parts
    samples = list(SessionFile(part, TOOL).samples())
    assert len(samples) == 20_001
    assert isinstance(samples[-1], Dropped)


def test_stopping_a_recorder_that_never_started_is_harmless(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "never", a_header(), Clock(), NO_LIMITS)
    recorder.stop()
    recorder.stop()
    assert not (tmp_path / "never").exists()


def test_the_place_follows_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", "/somewhere")
    assert state_directory() == Path("/somewhere/longpipe")
    monkeypatch.setenv("XDG_STATE_HOME", "relative")
    monkeypatch.setenv("HOME", "/home/me")
    assert state_directory() == Path("/home/me/.local/state/longpipe")
