"""What is told of a step that cannot be put back."""

from pathlib import Path

from tuning.host import Host
from tuning.steps import Cell, Run, Step, Write
from tuning.undo import put_back


def step(*undo: Run | Write) -> Step:
    return Step("sysctl", "net.x", Cell(path="/x"), "old", "new", (Write("/x", "new"),), undo)


def box(root: Path, now: str) -> Host:
    (root / "x").write_text(now)
    return Host(str(root))


def test_a_value_that_the_kernel_will_not_take_back_is_told_with_its_reason(tmp_path: Path) -> None:
    state, now, why = put_back(box(tmp_path, "new"), step(Write("/gone/x", "old")))
    assert (state, now) == ("conflict", "new")
    assert "/gone/x" in str(why)
    assert "did not set" not in str(why)


def test_a_value_that_stays_ours_though_nothing_failed_is_told_as_that(tmp_path: Path) -> None:
    (tmp_path / "y").write_text("")
    state, now, why = put_back(box(tmp_path, "new"), step(Write("/y", "old")))
    assert (state, now, str(why)) == ("conflict", "new", "net.x could not be put back.")


def test_what_a_later_act_makes_good_is_no_conflict(tmp_path: Path) -> None:
    assert put_back(box(tmp_path, "new"), step(Write("/gone/x", "old"), Write("/x", "old"))) == (
        "reverted",
        "old",
        None,
    )


def test_what_somebody_else_set_is_left_alone(tmp_path: Path) -> None:
    state, now, why = put_back(box(tmp_path, "theirs"), step(Write("/x", "old")))
    assert (state, now) == ("conflict", "theirs")
    assert "did not set" in str(why)
