"""Replaying touches nothing but the terminal, and copes with files as they are found: growing, torn, unreadable."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from msgspec.structs import replace

from analysis.samples import Mark, Sample
from analysis.settings import Settings
from analysis.view import Lens
from collectors.clock import Clock
from collectors.session.joined import JoinedStore
from collectors.session.recorder import Recorder
from collectors.session.retention import Limits
from collectors.session.sources import Folder, open_sources
from collectors.session.writer import SessionWriter
from collectors.store import LiveStore
from collectors.timeline import LiveTimeline
from tests.collectors.session.samples import a_header, write_session
from tests.samples import SECOND_NS, at, second, session
from tests.tui.feeds import CannedFeed
from tests.tui.pty_run import ROOT, PtyRun, python
from tests.tui.screen_text import rows, text
from tests.tui.test_dashboard import settle
from tui.__main__ import main
from tui.app import LongpipeApp
from tui.live import TOOL
from tui.replay import REREAD_S, ReplayFeed

CAPTURE = ROOT / "tests/fixtures/captures/atomic_lat_faa.pcap"
END = "\x1b[F"
_TERMINAL = re.compile(r"/dev/(tty|null|pts/\d+)$")
_FAMILY = re.compile(r"\bsocket(?:pair)?\((\w+)")
_WRITING = re.compile(r'\bopen(?:at2?)?\((?:AT_FDCWD, )?"([^"]*)".*O_(?:WRONLY|RDWR|CREAT|TRUNC|APPEND)')
_CHANGING = re.compile(r"\b(?:creat|mkdir|rmdir|unlink|rename|link|symlink|truncate|ftruncate|chmod|mknod)\w*\(")
_WATCHED = "trace=%network,%file,ftruncate,fchmod"


@pytest.fixture
def small(tmp_path: Path) -> Path:
    return write_session(tmp_path / "a.lps", session(60, lossy=10), a_header("gpu-07"))


def replay(*words: object) -> list[str]:
    return python("-m", "tui", "replay", *map(str, words))


def watched(log: Path, argv: Sequence[str]) -> list[str]:
    """Return a command line under strace. Skips where nothing may be traced."""
    strace = shutil.which("strace")
    if strace is None or subprocess.run([strace, "true"], capture_output=True, check=False).returncode:
        pytest.skip("needs strace and the right to trace")
    return [strace, "-f", "-qq", "-o", str(log), "-e", _WATCHED, *argv]


def touched(log: Path) -> Iterator[str]:
    """Yield every system call that reaches the network or changes a file."""
    calls = [line.partition(" ")[2].strip() for line in log.read_text(errors="replace").splitlines()]
    assert any("a.lps" in call for call in calls), "the session was not even opened"
    assert sum(call.startswith("execve(") for call in calls) == 1
    for call in calls:
        family, opened = _FAMILY.search(call), _WRITING.search(call)
        if (
            (family and family[1] != "AF_UNIX")
            or call.startswith(("connect(", "bind("))
            or (opened and not _TERMINAL.match(opened[1]))
            or _CHANGING.match(call)
        ):
            yield call


def surroundings(home: Path) -> dict[str, str]:
    return {"PYTHONDONTWRITEBYTECODE": "1", "HOME": str(home), "XDG_STATE_HOME": str(home), "TZ": "UTC"}


def test_replay_without_a_terminal_reaches_no_network_and_writes_nothing(small: Path, tmp_path: Path) -> None:
    log = tmp_path / "calls"
    env = {"PATH": os.environ["PATH"], **surroundings(tmp_path)}
    done = subprocess.run(
        watched(log, replay(small, CAPTURE, "--plain")),
        env=env,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "far.example over eth0" in done.stdout, done.stderr
    assert list(touched(log)) == []


def test_the_dashboard_on_a_session_reaches_no_network_and_writes_nothing(small: Path, tmp_path: Path) -> None:
    log = tmp_path / "calls"
    with PtyRun(watched(log, replay(small)), columns=120, rows=36, env=surroundings(tmp_path)) as run:
        run.wait_for_text("REPLAY")
        for keys, seen in (
            (END, "END OF RECORDING"),
            ("v", "Events"),
            ("\x1b", "END OF"),
            ("c", "Compare two spans"),
        ):
            run.send(keys)
            run.wait_for_text(seen)
        run.send("\r")
        run.wait_for_text("path  ")
        run.send("q")
        run.wait_for_text("END OF RECORDING")
        run.send("q")
        assert run.exit_code() == 0
    assert list(touched(log)) == []


def test_a_file_that_grows_while_it_is_replayed(tmp_path: Path) -> None:
    samples = session(60)
    half = next(n for n, sample in enumerate(samples) if sample.t > at(30))
    writer = SessionWriter(tmp_path / "a.lps", a_header("gpu-07"))
    write(writer, samples[:half])
    with PtyRun(replay(writer.path, "--at", "end"), columns=120, rows=36, env=surroundings(tmp_path)) as run:
        run.wait_for_text("REPLAY PAUSED 14:13:50")
        run.send(END)
        run.wait_for_text("END OF RECORDING 14:13:50")
        write(writer, samples[half:])
        run.wait_for_text("REPLAY PAUSED 14:13:50")
        run.send(END)
        run.wait_for_text("END OF RECORDING 14:14:20")
        run.send("q")
        assert run.exit_code() == 0
    writer.close()


def test_parts_and_sessions_that_appear_in_a_directory_while_it_is_replayed(tmp_path: Path) -> None:
    samples = session(60)
    half = next(n for n, sample in enumerate(samples) if sample.t > at(30))
    first = SessionWriter(tmp_path / "1.lps", replace(a_header("gpu-07"), session="s"))
    write(first, samples[:half])
    sources = open_sources([tmp_path], TOOL)
    feed = ReplayFeed(sources, Settings(), Folder([tmp_path], sources, TOOL))
    feed.player.end()
    assert feed.player.timeline.at_ns == samples[half - 1].t
    (tmp_path / "2.lps").touch()  # as a part looks in its first moment
    SessionWriter(tmp_path / "other.lps", replace(a_header("gpu-08"), session="o")).close()
    feed.poll(1.0)
    assert feed.player.mode == "end"
    (tmp_path / "2.lps").unlink()
    first.close(continued=True)
    second = SessionWriter(tmp_path / "2.lps", replace(first.header, part=1), first.definitions)
    write(second, samples[half:])
    assert feed.poll(1.0)
    assert feed.player.mode == "pause"
    feed.player.end()
    assert feed.player.timeline.at_ns == samples[-1].t
    second.close()
    again = SessionWriter(tmp_path / "3.lps", replace(a_header("gpu-07"), session="t"))
    write(again, [replace(sample, t=sample.t + at(100) - at(0)) for sample in samples])
    assert feed.poll(1.0)
    feed.player.end()
    assert feed.player.timeline.at_ns == samples[-1].t + at(100) - at(0)
    feed.settle()
    again.close()


def write(writer: SessionWriter, samples: Sequence[Sample]) -> None:
    """Write samples so that a reader sees them."""
    for sample in samples:
        writer.write(sample)
    writer.flush()


def test_what_a_file_gained_is_in_the_list_of_events_and_counted_from_the_start(tmp_path: Path) -> None:
    writer = SessionWriter(tmp_path / "a.lps", a_header("gpu-07"))
    write(writer, session(30))
    feed = ReplayFeed(open_sources([writer.path], TOOL), Settings())
    feed.settle()
    feed.player.end()
    late = replace(second(30, 300, 20_000, 40_000), t=at(29.5))
    write(writer, [late, Mark(at(31), "later")])
    assert feed.poll(REREAD_S)
    feed.settle()
    assert [str(event.text) for event in feed.events()] == ["Mark: later"]
    assert sum(bucket.sent for bucket in feed.overview(at(0), at(31), SECOND_NS)) == 2 * 31
    feed.player.end()
    view = feed.player.timeline.view(Lens())
    assert [row.window.settled for row in view.paths] == [31, 31, 31]
    writer.close()


def test_two_boxes_in_one_directory_are_switched_between(tmp_path: Path) -> None:
    for host in ("alpha", "beta"):
        write_session(tmp_path / f"{host}.lps", session(30), a_header(host, session=host))
    with PtyRun(replay(tmp_path), columns=100, rows=30, env=surroundings(tmp_path)) as run:
        for host in ("alpha", "beta", "alpha"):
            run.wait_for(lambda wanted=host: f"longpipe  {wanted}" in run.rows()[0])  # type: ignore[misc]
            run.send("b")
        run.send("q")
        assert run.exit_code() == 0


def torn(tmp_path: Path) -> Path:
    writer = SessionWriter(tmp_path / "torn.lps", a_header("gpu-07"))
    write(writer, session(30))
    writer.abandon()
    return writer.path


def test_a_torn_file_is_shown_and_said_to_be_torn(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["replay", str(torn(tmp_path)), "--plain"]) == 3
    printed = capsys.readouterr()
    assert "far.example over eth0: sent 30" in printed.out
    assert "torn.lps: the recording ended abruptly" in printed.err


def test_the_dashboard_says_that_a_file_is_torn(tmp_path: Path) -> None:
    with PtyRun(replay(torn(tmp_path)), columns=120, rows=36, env=surroundings(tmp_path)) as run:
        run.wait_for(lambda: "file damaged: e says how" in run.rows()[0])
        run.send("e")
        run.wait_for_text("at most its last second is missing")


@pytest.mark.parametrize("words", [["--plain"], []])
def test_a_session_from_the_future_is_refused_with_what_to_do(
    words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "next.jsonl"
    path.write_text('{"longpipe":99,"shape":"of things to come"}\n')
    assert main(["replay", str(path), *words]) == 1
    said = capsys.readouterr().err
    assert "next.jsonl" in said
    assert "format 99" in said
    assert "Install a newer longpipe" in said


def test_a_session_that_may_not_be_read_is_a_sentence(small: Path, tmp_path: Path) -> None:
    small.chmod(0)
    argv, without = replay(small, "--plain"), "-dac_override,-dac_read_search"
    if os.geteuid() == 0:
        if shutil.which("setpriv") is None:
            pytest.skip("root needs setpriv(1) to have no right to every file")
        argv = ["setpriv", f"--bounding-set={without}", f"--inh-caps={without}", *argv]
    env = {"PATH": os.environ["PATH"], **surroundings(tmp_path)}
    done = subprocess.run(argv, env=env, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"longpipe: {small}: Permission denied\n"


async def test_a_live_view_is_rewound_further_than_memory_reaches(tmp_path: Path) -> None:
    samples = session(1300, lossy=100)
    recorder = Recorder(tmp_path, a_header(), Clock(), Limits(None, None, file_ns=400 * SECOND_NS, file_bytes=None))
    for sample in samples:
        recorder.put(sample)
    recorder.start()
    recorder.stop()
    live = LiveStore()
    store = JoinedStore(live, lambda: recorder.state().parts, a_header().tool)
    feed = CannedFeed(samples, timeline=LiveTimeline(live, Settings(), store))
    app = LongpipeApp(lambda: feed, Settings(), "unicode")
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        kept = live.span()
        assert kept is not None
        assert kept[0] > at(300)
        await pilot.press("g", *"14:15:20", "enter")
        await settle(pilot)
        assert "NOT LIVE: 14:15:20, 19m40s ago" in rows(app)[0]
        assert "far.example eth0" in text(app)
        view = feed.player.timeline.view(Lens())
        assert [(row.window.settled, row.window.lost) for row in view.paths] == [(120, 0), (120, 1), (120, 0)]
        await pilot.press("home")
        await settle(pilot)
        assert "NOT LIVE: 14:13:20" in rows(app)[0]
        await pilot.press("end")
        await settle(pilot)
        assert "LIVE 14:35:00" in rows(app)[0]
