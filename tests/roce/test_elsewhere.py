"""Work done in another process comes back as if it were done here, and its death is told."""

import os
import signal
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import psutil
import pytest

from analysis.roce.fold import Fold
from analysis.roce.report import report
from analysis.roce.schema import Report
from collectors.pcapfile import elsewhere as module
from collectors.pcapfile import summary
from collectors.pcapfile.elsewhere import GoneError, elsewhere
from collectors.pcapfile.reader import Reader
from collectors.pcapfile.source import Source, open_source
from collectors.pcapfile.summary import fold_all, readers, told
from tests.roce.captures import pcap, roce


@pytest.fixture(autouse=True)
def two_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1})


def arrays(count: int, size: int) -> Iterator[tuple[int, int, np.ndarray]]:
    for i in range(count):
        yield os.getpid(), i, np.full(size, i)


@pytest.mark.parametrize("size", [0, 3, 100_000, 1_100_000], ids=["empty", "small", "large", "larger than its place"])
def test_items_come_in_order_with_their_arrays(size: int) -> None:
    pids = set()
    for n, (pid, i, array) in enumerate(elsewhere(arrays(7, size))):
        assert i == n
        assert array.tolist() == [n] * size if size < 1000 else (len(array) == size and (array == n).all())
        pids.add(pid)
    assert len(pids) == 1
    assert os.getpid() not in pids


def test_without_a_second_core_all_is_done_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0})
    assert {pid for pid, *_ in elsewhere(arrays(5, 1))} == {os.getpid()}


def test_without_a_process_to_be_had_all_is_done_here(monkeypatch: pytest.MonkeyPatch) -> None:
    def fork() -> int:
        raise BlockingIOError(11, "Resource temporarily unavailable")

    monkeypatch.setattr(os, "fork", fork)
    assert [i for _, i, _ in elsewhere(arrays(5, 1))] == list(range(5))


def test_what_goes_wrong_there_is_raised_here() -> None:
    def items() -> Iterator[int]:
        yield 0
        yield 1
        raise ValueError("so it is")

    seen = []
    with pytest.raises(ValueError, match="so it is"):
        seen.extend(elsewhere(items()))


def test_a_process_that_is_killed_is_told() -> None:
    def items() -> Iterator[int]:
        yield 0
        yield 1
        os.kill(os.getpid(), signal.SIGKILL)

    with pytest.raises(GoneError, match="SIGKILL"):
        list(elsewhere(items()))


def test_nobody_is_left_behind_when_the_caller_never_begins() -> None:
    us = psutil.Process()
    before = us.children()
    items = elsewhere(iter(range(9)))
    assert len(us.children()) == len(before) + 1
    del items
    assert us.children() == before


def test_nobody_is_left_behind_when_the_caller_loses_interest() -> None:
    def items() -> Iterator[int]:
        yield 0
        yield os.getpid()
        signal.pause()

    found = elsewhere(items())
    next(found)
    other = next(found)
    found.close()  # type: ignore[attr-defined]
    with pytest.raises(ProcessLookupError):
        os.kill(other, 0)


def long_capture() -> bytes:
    """Several flows with loss and new hosts all along, and a cut at the end."""
    frames = []
    for i in range(4000):
        psn, source = 1 + i // 7 - (i % 211 == 0), bytes((10, 0, i // 500, 1))
        frames.append(roce(0x04, 0x11 + i % 7, psn, bytes(8), ack_req=i % 3 == 0, source=source))
    return pcap(frames)[:-5]


def fold_of(path: Path, *, files: int) -> Report:
    fold = Fold()
    with ExitStack() as stack:
        some = readers([stack.enter_context(open_source(str(path))) for _ in range(files)], 1 << 14)
        return report(fold, told(*fold_all(some, fold)))


@pytest.mark.parametrize("files", [1, 2])
def test_a_long_capture_is_told_the_same_from_another_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, files: int
) -> None:
    path = tmp_path / "long.pcap"
    path.write_bytes(long_capture())
    monkeypatch.setattr(summary, "_LEAST_CHUNK", 1 << 14)
    here = fold_of(path, files=files)
    monkeypatch.setattr(summary, "_SHORT", 1 << 15)
    forks = []
    fork = os.fork
    monkeypatch.setattr(module.os, "fork", lambda: forks.append(1) or fork())
    assert fold_of(path, files=files) == here
    assert forks == [1]
    assert here.capture.truncated


def test_a_capture_from_a_pipe_is_read_in_another_process_however_short(monkeypatch: pytest.MonkeyPatch) -> None:
    forks = []
    fork = os.fork
    monkeypatch.setattr(module.os, "fork", lambda: forks.append(1) or fork())
    there, here = os.pipe()
    os.write(here, pcap([roce(0x04, 0x11, psn) for psn in range(100)]))
    os.close(here)
    fold = Fold()
    with Source(os.fdopen(there, "rb", buffering=0)) as source:
        whole = report(fold, told(*fold_all([Reader(source)], fold)))
    assert whole.roce_packets == 100
    assert forks == [1]


def test_a_reader_that_is_killed_leaves_what_was_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "long.pcap"
    path.write_bytes(long_capture())
    monkeypatch.setattr(summary, "_SHORT", 1 << 15)
    parent = os.getpid()
    finish = Reader.finish

    def killed(self: Reader) -> object:
        if os.getpid() != parent:
            os.kill(os.getpid(), signal.SIGKILL)
        return finish(self)

    monkeypatch.setattr(Reader, "finish", killed)
    fold = Fold()
    with open_source(str(path)) as source:
        whole = report(fold, told(*fold_all([Reader(source, 1 << 14)], fold)))
    assert whole.roce_packets == 3999
    assert whole.capture.truncated
    assert whole.capture.format == "pcap"
    assert "SIGKILL" in str(whole.capture.problems[0].args)
