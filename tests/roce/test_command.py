"""`longpipe roce` on the command line."""

import csv
import gzip
import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.roce.captures import pcap, roce

FIXTURES = Path(__file__).parents[1] / "fixtures" / "captures"


def longpipe(*words: str, data: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    env = {**os.environ, "LONGPIPE_LANGUAGE": "en"}
    return subprocess.run([sys.executable, "-m", "tui", "roce", *words], input=data, capture_output=True, env=env)


def test_the_verdict_comes_first() -> None:
    done = longpipe(str(FIXTURES / "read_loss1.pcap"))
    assert done.returncode == 3
    assert done.stderr == b""
    first, *_ = done.stdout.decode().splitlines()
    assert first.startswith("BAD")
    assert "[loss]" in first


def test_why_a_file_cannot_be_read_is_said_once(tmp_path: Path) -> None:
    file = tmp_path / "notes.txt"
    file.write_text("no packets here")
    done = longpipe(str(file))
    assert (done.returncode, (done.stdout + done.stderr).count(b"not a pcap or pcapng file")) == (1, 1)
    done = longpipe("--csv", str(file))
    assert (done.returncode, done.stderr) == (1, b"longpipe: This is not a pcap or pcapng file.\n")


def test_json_has_the_published_shape() -> None:
    done = longpipe("--json", str(FIXTURES / "syn_pfc.pcap"), "--link-speed", "100")
    document = json.loads(done.stdout)
    assert list(document)[:6] == ["schema", "file", "packets", "roce_packets", "wire_bytes", "duration_s"]
    assert document["schema"] == "longpipe.roce/1"
    assert document["pfc"]["by_priority"]["3"]["paused_s"] > 0
    assert document["verdict"]["code"] == "pfc-storm"
    assert isinstance(document["verdict"]["evidence"][0], str)


def test_only_the_wanted_flow() -> None:
    document = json.loads(longpipe("--json", "--flow", "0x0000d5", str(FIXTURES / "rdmacm_write.pcap")).stdout)
    assert [flow["dest_qpn"] for flow in document["flows"]] == ["0x0000d5", "0x000071"]  # and the way back
    assert document["psn_totals"]["packets"] == 292


def test_csv_has_a_row_for_each_flow_and_second() -> None:
    done = longpipe("--csv", str(FIXTURES / "wan25_send_lat.pcap"))
    rows = list(csv.DictReader(io.StringIO(done.stdout.decode())))
    assert sum(int(row["packets"]) for row in rows) == 306
    assert {int(row["second"]) for row in rows} == set(range(5))


def test_a_compressed_capture_from_a_pipe() -> None:
    data = gzip.compress(pcap([roce(psn=i) for i in range(150)]))
    done = longpipe("-", "--json", data=data)
    assert json.loads(done.stdout)["roce_packets"] == 150
    assert done.returncode == 0


@pytest.mark.parametrize(
    ("name", "code"), [("bad_empty", 1), ("bad_not_a_pcap", 1), ("bad_truncated", 3), ("idle_no_roce", 0)]
)
def test_bad_files_end_with_a_sentence_and_a_code(name: str, code: int) -> None:
    done = longpipe(str(FIXTURES / f"{name}.pcap"))
    assert done.returncode == code
    assert done.stdout
    assert b"Traceback" not in done.stderr


def test_a_file_that_is_not_there() -> None:
    done = longpipe("/nowhere/at/all.pcap")
    assert done.returncode == 1
    assert b"/nowhere/at/all.pcap" in done.stderr
