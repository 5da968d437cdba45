"""Pictures of the screen: whole by themselves, the same every time, and only text where text was."""

import os
import stat
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from rich.style import Style

from tests.samples import session
from tests.tui.test_dashboard import app_over, settle
from tui.cli import CommandError
from tui.picture.capture import headless_svg, screen_svg
from tui.picture.png import png
from tui.picture.save import file_part, write_new
from tui.picture.shapes import CELL_H, CELL_W
from tui.picture.svg import picture

SVG = "{http://www.w3.org/2000/svg}"


def saved(directory: Path) -> list[Path]:
    return sorted(directory.iterdir())


def closed(directory: Path) -> Path:
    directory.rmdir()
    return directory


def texts(svg: str) -> list[str]:
    return [node.text or "" for node in ET.fromstring(svg).iter(f"{SVG}text")]


async def test_a_picture_holds_the_words_of_the_screen_and_nothing_from_the_network() -> None:
    async with app_over(session(120, lossy=20)).run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        svg = screen_svg(pilot.app, "longpipe · gpu-07")
    words = texts(svg)
    assert {"longpipe", "gpu-07", "Routes", "Advice", "gateway"} <= set(words)
    assert "http" not in svg.replace('xmlns="http://www.w3.org/2000/svg"', "")
    assert "@font-face" not in svg
    assert "url(" not in svg


async def test_the_same_screen_gives_the_same_bytes_also_without_a_terminal() -> None:
    pictures = [await headless_svg(app_over(session(60)), "box", settle, (80, 24)) for _ in range(2)]
    assert pictures[0] == pictures[1]
    assert ET.fromstring(pictures[0]).get("width") == f"{80 * CELL_W + 24:g}"


def test_markup_and_controls_in_a_title_or_a_cell_stay_text() -> None:
    hostile = "</text><script>alert(1)</script>&"
    root = ET.fromstring(picture([[(hostile, None)]], 60, hostile))
    assert not list(root.iter(f"{SVG}script"))
    assert root.findtext(f"{SVG}title") == hostile


def test_words_stand_in_their_own_columns_wide_characters_take_two() -> None:
    root = ET.fromstring(picture([[("ab 延迟 c", None)]], 20, ""))
    placed = {node.text: float(node.get("x", "0")) for node in root.iter(f"{SVG}text") if node.text}
    assert placed == {"ab": 0, "延迟": pytest.approx(3 * CELL_W), "c": pytest.approx(8 * CELL_W)}


def test_graphs_and_frames_are_shapes_that_meet_at_the_edges_of_their_cells() -> None:
    root = ET.fromstring(picture([[("╭─⣿█", Style(color="red"))]], 4, ""))
    assert not [node for node in root.iter(f"{SVG}text") if node.text]
    lines = next(node.get("d", "") for node in root.iter(f"{SVG}path") if node.get("stroke"))
    assert lines.startswith(f"M4.2 {CELL_H:g}v-")
    assert f"M{1.5 * CELL_W:g} 9h-4.2" in lines
    fills = next(node.get("d", "") for node in root.iter(f"{SVG}path") if node.get("fill"))
    assert fills.count("z") == 8 + 1
    assert fills.endswith(f"M{3 * CELL_W:g} 0h{CELL_W:g}v{CELL_H:g}h-{CELL_W:g}z")


def test_reverse_text_has_its_own_background() -> None:
    root = ET.fromstring(picture([[("x", Style(reverse=True))]], 1, ""))
    rectangles = list(root.iter(f"{SVG}rect"))
    assert [node.get("width") for node in rectangles] == ["100%", f"{CELL_W:g}"]


async def test_s_saves_the_screen_for_its_owner_only_and_says_where(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    async with app_over(session(60)).run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        await pilot.press("S", "S")
        await settle(pilot)
        told = {toast.message for toast in pilot.app._notifications}
    files = saved(tmp_path)
    assert [file.name for file in files] == [
        "longpipe-gpu-07-20260921-141420-2.svg",
        "longpipe-gpu-07-20260921-141420.svg",
    ]
    assert all(stat.S_IMODE(file.stat().st_mode) == 0o600 for file in files)
    assert told == {f"Saved: {file}" for file in files}


async def test_a_full_or_closed_directory_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    async with app_over(session(20)).run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        gone = closed(tmp_path)
        monkeypatch.setattr(Path, "cwd", lambda: gone)
        monkeypatch.setattr(Path, "home", lambda: gone)
        await pilot.press("S")
        await settle(pilot)
        assert {toast.message for toast in pilot.app._notifications} == {
            "The screen was not saved: No such file or directory."
        }


@pytest.mark.parametrize("name", ["../../etc/passwd", "..", "", "a/b\n", "[red]x"])
def test_a_box_with_a_hostile_name_does_not_choose_the_directory(name: str, tmp_path: Path) -> None:
    part = file_part(name)
    assert "/" not in part
    assert not part.startswith(".")
    assert write_new(tmp_path, f"longpipe-{part}", ".svg", b"").parent == tmp_path


def test_a_link_planted_in_the_way_is_not_written_through(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    (tmp_path / "x.svg").symlink_to(victim)
    assert write_new(tmp_path, "x", ".svg", b"data").name == "x-2.svg"
    assert not victim.exists()


def test_png_without_a_converter_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(CommandError, match="librsvg2-bin"):
        png("<svg/>")


def test_png_is_what_the_converter_makes_and_its_complaint_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "rsvg-convert"
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    program.write_text("#!/bin/sh\nexec cat\n")
    program.chmod(0o755)
    assert png("<svg/>") == b"<svg/>"
    program.write_text("#!/bin/sh\necho no fonts >&2; exit 1\n")
    with pytest.raises(CommandError, match="no fonts"):
        png("<svg/>")
