"""`longpipe roce -i`: from the wire to the same report as from a file."""

import contextlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from collectors.capture import start
from collectors.privilege import Privilege
from tests.collectors.capture.cable import Cable
from tests.lab.bed import ROOT, Bed, inside
from tests.lab.roce_frames import Conversation
from tui.__main__ import main

TUI = [sys.executable, "-m", "tui", "roce"]
ENGLISH = {**os.environ, "LONGPIPE_LANGUAGE": "en", "PYTHONPATH": str(ROOT)}


def longpipe(*words: str, before: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*before, *TUI, *words], capture_output=True, text=True, env=ENGLISH, check=False)


def test_what_was_captured_and_kept_gives_the_same_report_again(bed: Bed, tmp_path: Path) -> None:
    cable, file = Cable(bed), tmp_path / "kept.pcap"
    argv = [*TUI, "-i", "far", "--for", "1s", "--json", "--save", str(file)]
    frames = [frame for _, frame in Conversation(psns=(1, 2, 3, 2, 3, 4), acked=True).frames()]
    with inside(cable.there):
        process = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=ENGLISH)
    with cable.sender() as raw:
        while process.poll() is None:
            for frame in frames:
                raw.send(frame)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(0.05)
    out, err = process.communicate()
    assert err == ""
    live: dict[str, Any] = json.loads(out)
    again: dict[str, Any] = json.loads(longpipe("--json", str(file)).stdout)
    assert live["schema"] == "longpipe.roce/1"
    assert live["file"] == "far"
    assert live["roce_packets"] > 0
    assert live["capture"]["dropped_by_kernel"] == 0
    for part in ("packets", "opcodes", "psn_totals", "aeth", "ecn", "icrc"):
        assert live[part] == again[part], part
    assert not Path(f"{file}.1").exists()


def test_without_privilege_it_says_so_and_exits_with_4() -> None:
    if os.geteuid() != 0:
        pytest.skip("becoming nobody needs root")
    done = longpipe("-i", "lo", before=("setpriv", "--reuid", "65534", "--clear-groups"))
    assert done.returncode == 4
    assert "Capturing packets" in done.stderr


def test_the_command_for_root_is_the_one_that_was_asked_for(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    argv = ["/opt/bin/longpipe", "roce", "-i", "eth0", "--for", "1s", "--save", "my packets"]
    ordinary = Privilege(
        root=False,
        raw_icmp=False,
        datagram_icmp=True,
        capture=False,
        net_admin=False,
        container="none",
        user_namespace=False,
    )
    monkeypatch.setattr(sys, "argv", argv)
    monkeypatch.setattr(start, "look", lambda: ordinary)
    monkeypatch.setattr(shutil, "which", lambda _: None)
    assert main(argv[1:]) == 4
    command = "sudo /opt/bin/longpipe roce -i eth0 --for 1s --save 'my packets'"
    assert f"needs CAP_NET_RAW. Run: {command}\n" in capsys.readouterr().err


def test_an_interface_that_does_not_exist_is_said(bed: Bed) -> None:
    with inside(bed.namespace()):
        done = longpipe("-i", "eth7")
    assert (done.returncode, done.stderr) == (1, "longpipe: There is no interface eth7.\n")


@pytest.mark.parametrize("words", [(), ("-i", "lo", "some.pcap"), ("-i", "lo", "--csv")])
def test_what_does_not_go_together_is_refused(words: tuple[str, ...]) -> None:
    assert longpipe(*words).returncode == 2
