"""A recorded tree may come from a stranger: nothing outside of it is read."""

from pathlib import Path

import pytest

from collectors.root import LIMIT, Root
from tests.collectors.planted import plant


def test_files_are_read_without_the_white_space_around_them(tmp_path: Path) -> None:
    assert plant(tmp_path, {"proc/x": " 1\t2 \n"}).read_text("proc/x") == "1\t2"


@pytest.mark.parametrize("path", ["out", "folder/passwd", "../secret", "/etc/passwd"])
def test_nothing_outside_a_recorded_tree_is_read(tmp_path: Path, path: str) -> None:
    (tmp_path / "secret").write_text("secret")
    root = plant(tmp_path / "tree", {}, {"out": "../secret", "folder": "/etc"})
    with pytest.raises(OSError, match="leads out"):
        root.read_text(path)


def test_a_huge_recorded_file_is_refused(tmp_path: Path) -> None:
    root = plant(tmp_path, {"big": ""})
    with (tmp_path / "big").open("wb") as file:
        file.truncate(LIMIT + 1)
    with pytest.raises(OSError, match="too large"):
        root.read_text("big")


def test_the_live_box_is_read_as_it_is() -> None:
    assert Root().live
    assert "cpu" in Root().read_text("proc/stat")
