"""Starting the executor: as root, through sudo where that asks nothing, and a sentence where neither works."""

import pytest

from tuning import client
from tuning.client import Execution, may_apply
from tuning.commands import Done
from tuning.reports import Order, Report


def heard(monkeypatch: pytest.MonkeyPatch, *program: str) -> tuple[list[Report], int | None]:
    monkeypatch.setattr(client, "argv", lambda *, sudo: program)
    execution = Execution(Order("rollback"))
    return list(execution), execution.code


def test_where_sudo_says_no_the_person_hears_what_it_said(monkeypatch: pytest.MonkeyPatch) -> None:
    (report,), code = heard(monkeypatch, "sh", "-c", "echo 'sudo: a password is required' >&2; exit 1")
    assert (report.event, report.trouble, code) == ("refused", True, 1)
    assert "did not start: sudo: a password is required" in str(report.text)


def test_an_executor_that_dies_without_a_word_is_told_by_its_exit_code(monkeypatch: pytest.MonkeyPatch) -> None:
    (report,), _ = heard(monkeypatch, "sh", "-c", "exit 7")
    assert "exit code 7" in str(report.text)


def test_what_it_says_beside_its_reports_is_no_report(monkeypatch: pytest.MonkeyPatch) -> None:
    said = """echo 'a warning' >&2; echo '{"event":"nothing"}'; cat > /dev/null"""
    assert heard(monkeypatch, "sh", "-c", said) == ([Report("nothing")], 0)


@pytest.mark.parametrize(("root", "code", "may"), [(True, 1, True), (False, 0, True), (False, 1, False)])
def test_root_may_and_whom_sudo_lets_without_a_password(
    monkeypatch: pytest.MonkeyPatch, root: bool, code: int, may: bool
) -> None:
    asked: list[tuple[str, ...]] = []

    def run(argv: tuple[str, ...]) -> Done:
        asked.append(argv)
        return Done(code)

    monkeypatch.setattr(client, "is_root", lambda: root)
    monkeypatch.setattr(client, "run", run)
    assert may_apply() is may
    assert all(argv[:4] == ("sudo", "-n", "-l", "--") for argv in asked)
    assert bool(asked) is not root
