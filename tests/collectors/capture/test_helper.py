"""The process that captures: what it tells, what it gives up, and when it ends."""

import asyncio
import contextlib
import os
import select
import signal
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.roce.merge import merge
from analysis.roce.tick_report import report_of
from analysis.samples import AnySample, Health, RoceTick, Sample
from collectors.base import Unavailable
from collectors.capture.options import Options
from collectors.capture.save import Saver
from collectors.capture.start import Capture, helper_argv
from collectors.clock import Clock
from collectors.pcapfile.reader import Reader
from collectors.pcapfile.source import open_source
from tests.collectors.capture.cable import Cable, rows
from tests.lab.bed import ROOT, Bed, inside
from tests.lab.roce_frames import NAK, Conversation, answer, cnp, frames_of, pfc, tagged, write
from tests.roce.test_live import check_same, whole_report

NOBODY = 65534


class Helper:
    """A helper on the far end of a cable."""

    def __init__(self, cable: Cable, **options: Any) -> None:
        argv = helper_argv(Options("far", **options), allowed=True, sudo=None)
        assert argv is not None
        with inside(cable.there):
            self.process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.lines = self.process.stdout
        self.samples: list[Sample] = []

    def next(self) -> Sample | None:
        """Return the next sample, None at the end."""
        assert self.lines is not None
        line = self.lines.readline()
        if not line:
            return None
        sample: Sample = msgspec.json.decode(line, type=AnySample)
        self.samples.append(sample)
        return sample

    def until_captured(self, wanted: int) -> None:
        while sum(tick.captured for tick in self.ticks) < wanted:
            assert self.next() is not None

    @property
    def ticks(self) -> list[RoceTick]:
        return [sample for sample in self.samples if isinstance(sample, RoceTick)]

    def end(self) -> int:
        """Close its stdin and return its exit code."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        while self.next() is not None:
            pass
        return self.process.wait(90)


@contextlib.contextmanager
def helping(cable: Cable, **options: Any) -> Iterator[Helper]:
    helper = Helper(cable, **options)
    try:
        first = helper.next()
        assert isinstance(first, Health)
        assert (first.state, first.problem) == ("running", None)
        yield helper
    finally:
        helper.process.kill()
        helper.process.wait()
        for pipe in (helper.process.stdin, helper.process.stdout):
            if pipe is not None:
                pipe.close()


def traffic() -> list[bytes]:
    frames = []
    for psn in [*range(0xFFFFF0, 0xFFFFFF), *range(20), *range(12, 30)]:
        frames.append(write(0x11, psn, 300, ack_req=True, tos=107 if psn % 8 == 0 else 106))
        if psn % 4 == 3:
            frames.append(answer(0x22, psn))
    frames += [answer(0x22, 12, NAK), cnp(0x22), pfc(3, 500), tagged(write(0x33, 1), 0x6005)]
    return [*frames, *(write(0x44, i, 10, src="10.0.0.2", dst="10.0.0.1") for i in range(5))]


def test_what_it_tells_is_what_was_sent(bed: Bed) -> None:
    cable = Cable(bed)
    sent = traffic()
    with cable.ring() as ring, helping(cable) as helper:
        cable.send(sent)
        select.select([ring], [], [], 10)
        helper.until_captured(len(sent))
        frames = ring.read()
        assert frames is not None
        assert len(frames) == len(sent)
        assert helper.end() == 0
        told = report_of(merge(helper.ticks))
        check_same(told, whole_report(frames))
        assert told.capture.dropped_by_kernel == 0
        assert told.vlan_pcp == {"3": 1}


def test_after_its_ring_is_made_it_may_do_nothing_more(bed: Bed) -> None:
    with helping(Cable(bed)) as helper:
        status = dict(
            line.split(":\t", 1) for line in Path(f"/proc/{helper.process.pid}/status").read_text().splitlines()
        )
        assert status["Uid"].split() == [str(NOBODY)] * 4
        assert [int(status[name], 16) for name in ("CapEff", "CapPrm", "CapInh", "CapAmb")] == [0, 0, 0, 0]
        assert (status["NoNewPrivs"], status["Groups"].strip()) == ("1", "")


LATE = """
import sys
from collectors.capture import helper
drop, held = helper.drop, set()
def note():
    held.update(sys.modules)
    drop()
helper.drop = note
helper.main(sys.argv[1])
print("late:", *set(sys.modules) - held)
"""


def test_it_has_everything_loaded_before_it_becomes_somebody_who_may_not_read_it(bed: Bed) -> None:
    cable = Cable(bed)
    argv = [sys.executable, "-c", LATE, '{"interface":"far"}']
    with (
        inside(cable.there),
        subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process,
    ):
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdout.readline()
        cable.send(traffic())
        bed.ip(cable.there, "link set far down")
        while '"captured"' not in process.stdout.readline():
            assert process.poll() is None
        process.stdin.close()
        assert process.stdout.readlines()[-1] == "late:\n"


def test_it_ends_when_the_process_that_started_it_is_killed(bed: Bed) -> None:
    cable = Cable(bed)
    argv = helper_argv(Options("far"), allowed=True, sudo=None)
    script = (
        "import subprocess, sys, time\n"
        f"helper = subprocess.Popen({argv!r}, stdin=subprocess.PIPE, stdout=subprocess.PIPE)\n"
        "helper.stdout.readline()\n"
        "print(helper.pid, flush=True)\n"
        "time.sleep(60)\n"
    )
    with inside(cable.there), subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        helper = os.pidfd_open(int(parent.stdout.readline()))
        parent.kill()
    try:
        assert select.select([helper], [], [], 10)[0], "the helper outlives its parent"
    finally:
        os.close(helper)


def test_ctrl_c_is_left_to_the_process_in_front(bed: Bed) -> None:
    cable = Cable(bed)
    with helping(cable) as helper:
        helper.process.send_signal(signal.SIGINT)
        cable.send([write(0x11, 1)])
        helper.until_captured(1)
        assert helper.end() == 0


def test_an_interface_that_goes_down_up_and_away_is_told(bed: Bed) -> None:
    cable = Cable(bed)
    with helping(cable) as helper:
        bed.ip(cable.there, "link set far down")
        assert str(health(helper).problem) == "Interface far is down."
        bed.ip(cable.there, "link set far up")
        assert health(helper).problem is None
        cable.send([write(0x11, 1)])
        helper.until_captured(1)
        bed.ip(cable.there, "link del far")
        gone = health(helper)
        assert (gone.state, str(gone.problem)) == ("missing", "Interface far is gone.")
        assert helper.next() is None
        assert helper.process.wait(90) == 3


def health(helper: Helper) -> Health:
    while True:
        sample = helper.next()
        assert sample is not None
        if isinstance(sample, Health):
            return sample


def test_packets_are_kept_on_request_in_a_private_file(bed: Bed, tmp_path: Path) -> None:
    cable, file = Cable(bed), tmp_path / "kept.pcap"
    sent = traffic()
    with helping(cable, save=str(file), snap=90) as helper:
        cable.send(sent)
        helper.until_captured(len(sent))
        assert helper.end() == 0
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    kept = frames_in(file)
    assert [length for _, length in kept] == [len(frame) for frame in sent]
    assert all(data in (frame[:90], frame[:94]) for (data, _), frame in zip(kept, sent, strict=True))


@settings(max_examples=30, deadline=None)
@given(lots=st.lists(st.integers(1, 12), min_size=1, max_size=30), room=st.integers(4000, 9000))
def test_the_newest_packets_are_kept_within_the_room_given(lots: list[int], room: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "kept.pcap"
        saver = Saver(str(file), 128, room)
        sent: list[tuple[bytes, int]] = []
        for number, lot in enumerate(lots):
            frames = frames_of((Conversation(psns=tuple(range(lot)), t_offset_ns=number * 10**10),))
            sent += rows(frames)
            saver.add(frames)
        saver.close()
        files = [file, Path(f"{file}.1")]
        assert sum(one.stat().st_size for one in files) <= room
        kept = [row for one in files if one.stat().st_size for row in frames_in(one)]
        assert sorted(kept) == sorted(sent[len(sent) - len(kept) :])
        assert len(kept) == len(sent) or sum(len(data) + 16 for data, _ in kept) > room // 2 - 13 * 144


def frames_in(file: Path) -> list[tuple[bytes, int]]:
    with open_source(str(file)) as source:
        reader = Reader(source, 1 << 18)
        found = [row for frames in reader for row in rows(frames)]
        assert not reader.finish().problems
    return found


def test_nothing_is_overwritten(bed: Bed, tmp_path: Path) -> None:
    file = tmp_path / "mine.pcap"
    file.write_text("precious")
    helper = Helper(Cable(bed), save=str(file))
    told = helper.next()
    assert isinstance(told, Health)
    assert str(told.problem) == f"{file} is there already; nothing is overwritten."
    assert helper.end() == 5
    assert helper.lines is not None
    helper.lines.close()
    assert file.read_text() == "precious"


async def said(argv: Sequence[str]) -> list[Sample]:
    capture = await Capture.start(Options("lo"), Clock(), argv)
    try:
        return [sample async for sample in capture.samples()]
    finally:
        await capture.stop()


async def test_without_privilege_there_is_a_sentence_with_the_command() -> None:
    if os.geteuid() != 0:
        pytest.skip("becoming nobody needs root")
    argv = helper_argv(Options("lo"), allowed=True, sudo=None)
    assert argv is not None
    become = ["setpriv", "--reuid", str(NOBODY), "--clear-groups", "--bounding-set=-net_raw", *argv]
    with pytest.raises(Unavailable) as caught:
        await asyncio.wait_for(said(become), 90)
    assert caught.value.permanent
    assert "Capturing packets" in str(caught.value)


async def test_a_helper_that_breaks_is_told_with_its_last_words() -> None:
    with pytest.raises(Unavailable) as caught:
        await said([sys.executable, "-c", "raise SystemExit('the disk is made of cheese')"])
    assert "cheese" in str(caught.value) or "CAP_NET_RAW" in str(caught.value) or "not allowed" in str(caught.value)


def test_sudo_is_asked_only_where_it_is_needed_and_there() -> None:
    direct = helper_argv(Options("lo"), allowed=True, sudo="/usr/bin/sudo")
    assert direct is not None
    assert direct[:2] == [sys.executable, "-I"]
    assert helper_argv(Options("lo"), allowed=False, sudo="/usr/bin/sudo") == ["/usr/bin/sudo", "-n", "--", *direct]
    assert helper_argv(Options("lo"), allowed=False, sudo=None) is None
