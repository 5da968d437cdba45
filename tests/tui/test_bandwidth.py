"""`longpipe bandwidth` asks before it moves anything, tells what it measured, and the dashboard knows of it."""

import os
import pty
import re
import signal
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from analysis.model import Model
from analysis.samples import BandwidthRun, DatagramCounts, FecRun, RttQuantiles, SenderAccount
from analysis.settings import Settings
from analysis.transfer.document import Document
from analysis.view import Lens
from collectors.results import NAME
from collectors.session.filestore import FileStore
from collectors.session.reader import SessionFile
from collectors.timeline import Timeline
from tests.collectors.session.samples import write_session
from tests.lab.bed import ROOT, Bed, inside
from tests.samples import ETH0, at, session
from tui.__main__ import main
from tui.bandwidth_rows import result_rows
from tui.commands.bandwidth import code, rate
from tui.details import route_detail
from tui.widgets.runs import row_text

PORT = 5209


@pytest.fixture
def end(bed: Bed) -> str:
    """A namespace in which a server waits on the loopback."""
    namespace = bed.namespace()
    bed.start(namespace, "tests.lab.bandwidth_end", str(PORT))
    return namespace


def run(namespace: str, *words: str, state: Path, **options: object) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, "-m", "tui", "bandwidth", *words]
    environment = os.environ | {"XDG_STATE_HOME": str(state), "COLUMNS": "100"}
    with inside(namespace):
        return subprocess.run(
            argv, capture_output=True, text=True, check=False, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL
        )


def test_nothing_is_moved_where_nobody_can_agree(end: str, tmp_path: Path) -> None:
    done = run(end, "127.0.0.1", "--cap", "20M", "--seconds", "2", state=tmp_path)
    assert done.returncode == 2
    assert "up to 20.0 MiB between here and 127.0.0.1 in up to 5.5 s" in done.stderr
    assert "longpipe" in done.stderr
    assert done.stderr.rstrip().endswith("--yes")
    assert not done.stdout
    assert not (tmp_path / "longpipe").exists()


@pytest.mark.parametrize(("answer", "code", "said"), [("n\n", 1, "Nothing was moved."), ("y\n", 0, "up    ")])
def test_on_a_terminal_it_asks_and_does_as_told(end: str, tmp_path: Path, answer: str, code: int, said: str) -> None:
    words = ["127.0.0.1", "--udp", "1M", "--seconds", "0.2", "--direction", "up"]
    environment = os.environ | {"XDG_STATE_HOME": str(tmp_path)}
    master, slave = pty.openpty()
    with inside(end):
        argv = [sys.executable, "-m", "tui", "bandwidth", *words]
        process = subprocess.Popen(argv, stdin=slave, stdout=slave, stderr=slave, cwd=ROOT, env=environment)
    os.close(slave)
    try:
        text = until(master, "Go on? [y/N] ")
        assert "This moves up to 24.4 KiB between here and 127.0.0.1 in up to 1.7 s, at 1.00 Mb/s." in text
        os.write(master, answer.encode())
        assert said in until(master, None)
        assert process.wait(timeout=60) == code
    finally:
        process.kill()
        process.wait()
        os.close(master)


def until(terminal: int, wanted: str | None) -> str:
    """Read a terminal until a text has come, or for None until its end."""
    text = ""
    while wanted is None or wanted not in text:
        try:
            text += os.read(terminal, 4096).decode()
        except OSError:  # the other side is closed
            break
    return text


def test_an_interrupted_test_tells_what_it_has(end: str, tmp_path: Path) -> None:
    argv = [sys.executable, "-m", "tui", "bandwidth", "127.0.0.1", "--yes", "--udp", "1M", "--seconds", "9"]
    master, slave = pty.openpty()
    with inside(end):
        environment = os.environ | {"XDG_STATE_HOME": str(tmp_path)}
        process = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=slave, cwd=ROOT, env=environment)
    os.close(slave)
    try:
        until(master, "up: ")
        process.send_signal(signal.SIGINT)
        assert "interrupted: nothing was measured yet" in until(master, None)
        assert process.wait(timeout=60) == 130
    finally:
        process.kill()
        process.communicate()
        os.close(master)


def test_a_test_is_told_as_text_and_data_recorded_and_handed_to_the_dashboard(end: str, tmp_path: Path) -> None:
    words = ("127.0.0.1", "--yes", "--seconds", "0.3", "--cap", "4G")
    recording = tmp_path / "test.lps"
    done = run(end, *words, "--together", "--record", str(recording), state=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert re.search(r"^up    .*b/s  TCP, 4 flows: .* both directions at once", done.stdout, re.MULTILINE)
    assert re.search(r"^down  .*b/s", done.stdout, re.MULTILINE)
    assert "round trip: " in done.stdout
    kept = (tmp_path / "longpipe" / NAME).read_bytes().splitlines()
    assert len(kept) == 2
    recorded = [sample for sample in SessionFile(recording).samples() if isinstance(sample, BandwidthRun)]
    assert [msgspec.json.encode(sample) for sample in recorded] == kept
    done = run(
        end, "127.0.0.1", "--yes", "--seconds", "0.3", "--udp", "2M", "--direction", "up", "--json", state=tmp_path
    )
    told = msgspec.json.decode(done.stdout, type=Document)
    assert (done.returncode, told.schema, told.target) == (0, "longpipe.bandwidth/1", "127.0.0.1")
    assert told.runs[0].datagrams is not None
    assert told.runs[0].datagrams.sent == 62


def test_serve_tells_who_comes_and_ends_after_one_test(bed: Bed, tmp_path: Path) -> None:
    namespace = bed.namespace()
    argv = [sys.executable, "-m", "tui", "bandwidth", "serve", "--once", "--bind", "127.0.0.1", "--max-bytes", "1M"]
    with inside(namespace):
        server = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT)
    try:
        assert server.stdout is not None
        assert (
            "127.0.0.1, TCP and UDP port 5209: up to 4 at a time, 1.00 MiB and 1m00s each" in server.stdout.readline()
        )
        too_much = run(namespace, "127.0.0.1", "--yes", "--seconds", "0.2", "--cap", "8M", state=tmp_path)
        assert too_much.returncode == 1
        assert "This server moves up to 1.00 MiB in one test" in too_much.stderr
        few = ("--yes", "--seconds", "0.2", "--cap", "100k", "--direction", "down")
        assert run(namespace, "127.0.0.1", *few, state=tmp_path).returncode == 0
        _, told = server.communicate(timeout=60)
    finally:
        server.kill()
        server.communicate()
    assert server.returncode == 0
    assert "longpipe: 127.0.0.1: This server moves up to 1.00 MiB" in told
    assert "127.0.0.1: TCP sending, 200 ms" in told


def test_an_interrupted_server_ends_without_complaint(bed: Bed) -> None:
    with inside(bed.namespace()):
        argv = [sys.executable, "-m", "tui", "bandwidth", "serve", "--port", "6000"]
        server = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT)
    try:
        assert server.stdout is not None
        assert "port 6000" in server.stdout.readline()
        server.send_signal(signal.SIGINT)
        _, told = server.communicate(timeout=60)
    finally:
        server.kill()
        server.communicate()
    assert (server.returncode, told) == (0, "")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("host", "--once"), "--once is for serve only"),
        (("serve", "--udp", "1M"), "--udp is not for serve"),
        (("host", "--together", "--udp", "1M"), "--together is for TCP"),
        (("host", "--redundancy", "10+2"), "--redundancy is for --fec"),
        (("host", "--udp", "1M", "--flows", "2"), "one flow"),
        (("host", "--iperf3", "--fec"), "iperf3 has no error correction"),
        (("127.0.0.1", "--fec", "--cap", "20k"), "less than one block of error correction"),
        (("host", "--udp", "fast"), "must be a rate"),
        (("host", "--redundancy", "0+1"), "must be such as 10+2"),
        (("host", "--flows", "65"), "from 1 to 64"),
        (("host", "--route", "a", "--interface", "b"), "give --route, or the others"),
    ],
)
def test_contradictions_are_usage_errors(
    words: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["bandwidth", *words]) == 2
    assert said in capsys.readouterr().err


def test_rates_and_codes_are_read_as_people_write_them() -> None:
    assert [rate(text) for text in ("500k", "20M", "1.5G", "4000")] == [500_000, 20_000_000, 1_500_000_000, 4000]
    assert [code(text) for text in ("10+2", "20%", "5%", "20+6")] == [(10, 12), (10, 12), (10, 11), (20, 26)]


def a_run(**fields: object) -> BandwidthRun:
    account = SenderAccount(
        "cubic",
        1448,
        400,
        bytes_sent=70_000_000,
        bytes_retrans=70_000,
        busy_us=9,
        rwnd_limited_us=0,
        sndbuf_limited_us=0,
    )
    rtts = RttQuantiles(100, 1, 10_000, 12_000, 15_000, 20_000), RttQuantiles(160, 2, 11_000, 62_000, 90_000, 99_000)
    plain = {
        "t": at(100), "ended_ns": at(40), "target": "far.example", "address": "192.0.2.1", "port": 5209,
        "protocol": "tcp", "direction": "down", "flows": 2, "span_us": 8_000_000, "skipped_us": 2_000_000,
        "bytes": 60_000_000, "moved_bytes": 70_000_000, "flow_bytes": (20_000_000, 40_000_000), "route": ETH0.id,
        "sender": account,
        "idle": rtts[0], "loaded": rtts[1],
    }  # fmt: skip
    return BandwidthRun(**plain | fields)  # type: ignore[arg-type]


def test_the_detail_of_a_route_shows_its_last_tests_and_their_age() -> None:
    model = Model(Settings())
    for sample in (*session(120), a_run()):
        model.fold(sample)
    view = model.view(at(120), Lens())
    row = next(row for row in view.routes if row.name == "eth0")
    assert (row.bandwidth_mbps, row.bandwidth_at_least) == (60.0, False)
    assert next(part for part in row.score.parts if part.name == "bandwidth").got is not None
    text = "\n".join(row_text(row) for row in route_detail(view, row.id, "unicode", 96).rows)
    assert "a test to far.example 1m20s ago measured 60.0 Mb/s" in text
    assert "down  60.0 Mb/s  TCP, 2 flows: 57.2 MiB in 8.0 s, the first 2.0 s left out" in text
    assert "by flow: 20.0 Mb/s, 40.0 Mb/s" in text
    assert "round trip: 12.0 ms idle, 62.0 ms under load (p95 15.0, 90.0; 2 of 160 lost)" in text
    assert "bufferbloat B (n 99)" in text
    assert "The path held the rate: its narrowest link was full, and its queue added 50.0 ms." in text
    assert "to far.example, 1m20s ago" in text
    assert "longpipe bandwidth HOST --route eth0" in text


def test_a_test_that_its_cap_held_says_no_more_than_at_least() -> None:
    model = Model(Settings())
    for sample in (*session(120), a_run(tool="iperf3", capped=True)):
        model.fold(sample)
    row = next(row for row in model.view(at(120), Lens()).routes if row.name == "eth0")
    assert (row.bandwidth_mbps, row.bandwidth_at_least) == (60.0, True)
    assert "held there by its data cap" in str(row.bandwidth_source)


@pytest.mark.parametrize("width", [58, 78, 96])
def test_no_row_of_a_test_is_wider_than_its_place(width: int) -> None:
    rows = list(map(row_text, result_rows([a_run()], width, at(100))))
    assert max(map(len, rows)) <= width
    text = " ".join(" ".join(rows).split())
    assert "in 8.0 s, the first 2.0 s left out" in text
    assert "2 of 160 lost) bufferbloat B (n 99)" in text


def test_what_the_sender_does_not_know_is_left_out() -> None:
    account = SenderAccount("bbr", 1448, 0)
    assert "window" not in " ".join(map(row_text, result_rows([a_run(sender=account)], 80, at(100))))


def test_a_replayed_session_shows_its_tests_wherever_the_cursor_stands(tmp_path: Path) -> None:
    samples = sorted([*session(1500), a_run()], key=lambda sample: sample.t)
    store = FileStore([SessionFile(write_session(tmp_path / "one.lps", samples), "longpipe test")])
    timeline = Timeline(store, Settings())
    seen = {}
    for second in (90, 1450, 110, 800):
        timeline.seek(at(second))
        row = next(row for row in timeline.view(Lens()).routes if row.name == "eth0")
        seen[second] = [test.ended_ns for test in row.tests], row.bandwidth_mbps
    store.close()
    told = [at(40)], 60.0
    assert seen == {90: ([], None), 1450: told, 110: told, 800: told}


def test_text_from_the_other_end_moves_no_cursor() -> None:
    account = SenderAccount("\x1b[2J", 1448, 1)
    rows = list(result_rows([a_run(sender=account, target="\x1b]0;x\x07")], 80, at(100)))
    assert "\x1b" not in "".join(map(row_text, rows))


def test_error_correction_is_told_with_what_others_would_do() -> None:
    plain, coded = DatagramCounts(1000, 980, bursts=((1, 12), (4, 2))), DatagramCounts(1200, 1180, bursts=((1, 20),))
    run = FecRun(
        at(1), at(1), "far", "a", 1, "up", 10, 12, 5_000_000, 1200, 2_000_000, plain, coded, 1000, 983, 15,
        wait_p50_us=9000, wait_max_us=21_000, decode_p50_us=40, pattern=(400, 4, 100, 4, 300, 12, 180),
    )  # fmt: skip
    text = " ".join(" ".join(map(row_text, result_rows([run], 120))).split())
    assert "20% more bytes turn 2.0% loss into 0.20% (n 1000), at up to 21.0 ms more delay" in text
    assert "Up to 4 datagrams in a row are lost" in text
    assert "measured: 17 of 1000 datagrams of data lost, 15 restored; decoding took 0.040 ms" in text
    assert "10+4: 40% more bytes leave" in text
