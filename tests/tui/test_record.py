"""`longpipe record` writes a session until it is told to stop."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from analysis.samples import Mark, Probes, Series
from collectors.session.reader import Ending, SessionFile
from tui.recording import unit
from tui.values import duration, size


def start(*words: str, **environment: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "tui", "record", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=os.environ | environment,
    )


def until_written(folder: Path) -> Path:
    """Wait until a session in `folder` holds a probe."""
    deadline = time.monotonic() + 90
    while time.monotonic() < deadline:
        for path in folder.glob("*.lps"):
            if path.stat().st_size and any(isinstance(sample, Probes) for sample in SessionFile(path).samples()):
                return path
        time.sleep(0.05)
    raise AssertionError("nothing was recorded")


def test_marks_and_a_clean_end_on_a_signal(tmp_path: Path) -> None:
    process = start("127.0.0.1", XDG_STATE_HOME=str(tmp_path))
    try:
        path = until_written(tmp_path / "longpipe")
        process.send_signal(signal.SIGUSR1)
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=90)
    finally:
        process.kill()
    assert (process.returncode, out.decode().split(), err) == (0, [str(path)], b"")
    file = SessionFile(path)
    samples = list(file.samples())
    assert file.ending() is Ending.CLOSED
    assert [sample.text for sample in samples if isinstance(sample, Mark)] == ["SIGUSR1"]
    assert "127.0.0.1" in {sample.target for sample in samples if isinstance(sample, Series)}
    assert file.header.config["targets"] == [{"host": "127.0.0.1"}, {"host": "gateway"}]
    assert path.parent.stat().st_mode & 0o777 == 0o700


def test_it_stops_by_itself_and_never_overwrites(tmp_path: Path) -> None:
    path = tmp_path / "one.lps"
    process = start("-o", str(path), "--for", "1s", "127.0.0.1")
    process.communicate(timeout=90)
    assert process.returncode == 0
    before = path.read_bytes()
    assert list(SessionFile(path).samples())
    again = start("-o", str(path), "--for", "1s", "127.0.0.1")
    _, err = again.communicate(timeout=90)
    assert again.returncode == 1
    assert b"never overwritten" in err
    assert path.read_bytes() == before


def test_a_directory_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    process = start("-o", str(tmp_path / "none" / "one.lps"), "--for", "1s", "127.0.0.1")
    _, err = process.communicate(timeout=90)
    assert process.returncode == 2
    assert f"There is no directory {tmp_path / 'none'}." in err.decode()
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize(("text", "seconds"), [("90s", 90), ("15m", 900), ("1.5h", 5400), ("2d", 172_800), ("7", 7)])
def test_lengths_of_time(text: str, seconds: float) -> None:
    assert duration(text) == seconds


@pytest.mark.parametrize(("text", "count"), [("500k", 512_000), ("1.5M", 1_572_864), ("1GiB", 1 << 30), ("9", 9)])
def test_sizes(text: str, count: int) -> None:
    assert size(text) == count


def test_the_unit_grants_no_more_than_probing_needs() -> None:
    lines = unit().splitlines()
    assert "@" not in next(line for line in lines if line.startswith("ExecStart="))
    assert "DynamicUser=yes" in lines
    assert "CapabilityBoundingSet=CAP_NET_RAW" in lines
    assert "NoNewPrivileges=yes" in lines
