"""What becomes of the program when the terminal misbehaves."""

import json
import re
import select
import signal
import sys
import time
from pathlib import Path

import psutil
import pytest

from analysis.samples import Outcome, Probes
from collectors.session.reader import Ending, SessionFile
from tests.lab.bed import Bed, inside
from tests.tui.pty_run import PtyRun, python

DEMO = python("-m", "tests.tui.demo_app")
DEAF_DEMO = [
    sys.executable,
    "-c",
    """
import runpy, signal
signal.signal(signal.SIGHUP, signal.SIG_IGN)
runpy.run_module("tests.tui.demo_app", run_name="__main__", alter_sys=True)
""",
]


def shown(run: PtyRun) -> None:
    run.wait_for_text("demo ready")
    run.wait_for_text("target-9")


def test_q_ends_and_leaves_the_terminal_as_it_was() -> None:
    with PtyRun(DEMO, 100, 40) as run:
        shown(run)
        assert run.settings != run.settings_before
        run.send("q")
        assert run.exit_code() == 0
        assert run.settings == run.settings_before


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_signal_stops_what_runs_and_restores_the_terminal(number: signal.Signals, tmp_path: Path) -> None:
    ending = tmp_path / "ending"
    with PtyRun([*DEMO, "--ending", str(ending)], 100, 40) as run:
        shown(run)
        run.process.send_signal(number)
        assert run.exit_code() == 128 + number
        assert run.settings == run.settings_before
        assert ending.read_text() == "gone"


@pytest.mark.parametrize("command", [DEMO, DEAF_DEMO], ids=["hang-up heard", "hang-up ignored"])
def test_a_closed_terminal_ends_it_without_spinning(command: list[str], tmp_path: Path) -> None:
    ending = tmp_path / "ending"
    with PtyRun([*command, "--ending", str(ending)], 100, 40) as run:
        shown(run)
        run.close_terminal()
        assert run.exit_code() == 128 + signal.SIGHUP
        assert ending.read_text() == "gone"


def test_without_colours_the_terminals_own_are_left_alone() -> None:
    with PtyRun(DEMO, 100, 40, env={"NO_COLOR": "1"}) as run:
        shown(run)
        run.send("q")
        assert run.exit_code() == 0
        codes = {int(code) for found in re.findall(rb"\x1b\[([0-9;]+)m", run.received) for code in found.split(b";")}
        assert not codes & {*range(30, 39), *range(40, 49), *range(90, 98), *range(100, 108)}


def test_ctrl_z_gives_the_terminal_back_and_continuing_draws_it_again() -> None:
    with PtyRun(DEMO, 100, 40) as run:
        shown(run)
        run.send("\x1a")
        run.wait_for(lambda: run.state() == psutil.STATUS_STOPPED)
        assert run.settings == run.settings_before
        run.screen.reset()
        run.process.send_signal(signal.SIGCONT)
        shown(run)
        run.send("q")
        assert run.exit_code() == 0
        assert run.settings == run.settings_before


def test_stopped_from_outside_it_draws_again_and_still_restores_the_terminal() -> None:
    with PtyRun(DEMO, 100, 40) as run:
        shown(run)
        run.process.send_signal(signal.SIGSTOP)
        run.wait_for(lambda: run.state() == psutil.STATUS_STOPPED)
        run.screen.reset()
        run.process.send_signal(signal.SIGCONT)
        shown(run)
        run.send("q")
        assert run.exit_code() == 0
        assert run.settings == run.settings_before


def unread(run: PtyRun) -> None:
    """Wait, reading nothing, until the terminal takes no more: the writer sleeps and the process still works."""
    process = psutil.Process(run.process.pid)
    writing = select.poll()
    writing.register(run.master, select.POLLIN)
    assert writing.poll(90_000)
    voluntary = process.num_ctx_switches().voluntary
    deadline = time.monotonic() + 90
    while process.num_ctx_switches().voluntary - voluntary < 120:
        assert time.monotonic() < deadline
        select.select([], [], [], 0.05)


def test_a_terminal_that_does_not_read_gets_the_newest_frame_when_it_reads_again() -> None:
    with PtyRun([*DEMO, "--hz", "40"], 100, 40) as run:
        shown(run)
        unread(run)
        run.resize(99, 40)
        run.send("q")
        assert run.exit_code() == 0
        stats = json.loads(next(row for row in run.rows() if row.startswith('{"bytes"')))
        assert stats["skipped"] > 10


def test_a_terminal_that_never_reads_cannot_keep_it_alive() -> None:
    with PtyRun([*DEMO, "--hz", "40"], 100, 40) as run:
        shown(run)
        unread(run)
        run.process.send_signal(signal.SIGTERM)
        assert run.process.wait(90) == 128 + signal.SIGTERM


def test_a_resized_terminal_is_drawn_whole() -> None:
    with PtyRun(DEMO, 100, 40) as run:
        shown(run)
        run.resize(80, 24)
        run.screen.reset()
        run.wait_for(lambda: run.rows()[1].endswith("╮") and len(run.rows()[1]) == 80)
        run.wait_for_text("target-8")
        run.wait_for_text("demo ready")
        run.send("q")
        assert run.exit_code() == 0


@pytest.mark.netns
def test_a_terminal_suspended_and_then_closed_loses_nothing_that_was_recorded(bed: Bed, tmp_path: Path) -> None:
    """The whole program, probing and recording."""
    folders = {"XDG_CONFIG_HOME": str(tmp_path), "XDG_STATE_HOME": str(tmp_path)}
    with inside(bed.namespace()), PtyRun(python("-m", "tui", "127.0.0.1"), 120, 36, env=folders) as run:
        run.wait_for_text("no default route")
        run.wait_for(lambda: any(re.search(r"127\.0\.0\.1 +0\.\d+ ", row) for row in run.rows()))
        run.send("\x1a")
        run.wait_for(lambda: run.state() == psutil.STATUS_STOPPED)
        run.screen.reset()
        run.process.send_signal(signal.SIGCONT)
        run.wait_for_text("no default route")
        run.close_terminal()
        assert run.exit_code() == 128 + signal.SIGHUP
    (path,) = tmp_path.glob("longpipe/*.lps")
    session = SessionFile(path)
    assert session.ending() is Ending.CLOSED
    told = [code for sample in session.samples() if isinstance(sample, Probes) for code in sample.outcome]
    assert set(told) == {Outcome.ANSWERED}
