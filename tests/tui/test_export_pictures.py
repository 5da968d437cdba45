"""`longpipe export` to a page and to pictures of the dashboard."""

import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from tests.collectors.session.samples import a_header, write_session
from tests.samples import session
from tui.__main__ import main
from tui.picture.shapes import CELL_W


@pytest.fixture
def recording(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    return str(write_session(tmp_path / "a.lps", session(60, lossy=3), a_header("gpu-07")))


def test_a_picture_at_a_time_and_in_a_size(recording: str, tmp_path: Path) -> None:
    out = tmp_path / "out.svg"
    assert main(["export", recording, "-o", str(out), "--at", "+30s", "--size", "80x24"]) == 0
    root = ET.parse(out).getroot()
    words = "".join(node.text or "" for node in root.iter("{http://www.w3.org/2000/svg}text"))
    assert root.get("width") == f"{80 * CELL_W + 24:g}"
    assert "REPLAYPAUSED14:13:50" in words
    assert out.stat().st_mode & 0o777 == 0o600


def test_a_redacted_page_holds_no_name_and_no_address(recording: str, tmp_path: Path) -> None:
    out = tmp_path / "out.html"
    assert main(["export", recording, "-o", str(out), "--redact"]) == 0
    html = out.read_text()
    assert "Latency" in html or "Targets" in html
    for secret in ("far.example", "192.0.2.1", "10.0.0.1", "10.1.0.1", "gpu-07", "eth0", "eth1"):
        assert secret not in html


@pytest.mark.parametrize(
    "words", [["--redact", "-o", "x.svg"], ["--format", "png"], ["--size", "big", "-o", "x.svg"]]
)
def test_what_cannot_be_a_picture_is_refused_and_nothing_is_left(
    words: list[str], recording: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["export", recording, *words]) == 2
    assert not (tmp_path / "x.svg").exists()


def test_a_picture_that_cannot_be_made_leaves_no_file(
    recording: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    out = tmp_path / "out.png"
    assert main(["export", recording, "-o", str(out)]) == 1
    assert not out.exists()
