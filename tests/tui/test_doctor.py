"""The doctor tells what this box allows, what would allow the rest, and ends with a code that says which."""

import json
import re

import pytest

from collectors.base import Need
from collectors.privilege import Privilege, missing
from tui.__main__ import main
from tui.commands.doctor import text
from tui.doctor import Check, abilities, cell_diff, configuration, report, terminal

NOTHING = Privilege(False, False, False, False, False, "none", False)
EVERYTHING = Privilege(True, True, True, True, True, "none", False)


@pytest.fixture(autouse=True)
def _no_configuration(monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setenv("LANGUAGE", "en")


def test_a_person_without_privileges_gets_a_command_for_each_thing_that_is_missing() -> None:
    found = report(abilities(NOTHING, missing(NOTHING)))
    lacking = [check for check in found.checks if check.state == "missing"]
    assert len(lacking) == 3
    assert all(check.command and check.command.startswith("sudo ") for check in lacking)
    assert found.exit_code == 4
    assert "$ sudo" in text(found)


def test_with_every_privilege_all_is_well() -> None:
    found = report(abilities(EVERYTHING, missing(EVERYTHING)))
    assert {check.state for check in found.checks} == {"ok"}
    assert found.exit_code == 0


@pytest.mark.parametrize(
    ("states", "code"), [([], 0), (["ok", "notice"], 0), (["ok", "degraded"], 3), (["degraded", "missing"], 4)]
)
def test_the_exit_code_is_that_of_the_gravest_finding(states, code: int) -> None:
    assert report(Check("x", state, "…") for state in states).exit_code == code


def test_need_without_a_remedy_shows_no_command() -> None:
    from analysis.text import say

    found = report(abilities(EVERYTHING, [Need(say("No such hardware."))]))
    assert "$" not in text(found)


def test_a_broken_configuration_is_a_finding_not_the_end(tmp_path) -> None:
    file = tmp_path / "x.toml"
    file.write_text("\nslwo = true\n")
    (check,) = configuration(str(file))
    assert check.state == "degraded"
    assert f'{file}:2: unknown key "slwo"' in check.text


@pytest.mark.parametrize(
    ("encoding", "term", "state"),
    [
        ("utf-8", "xterm-256color", "ok"),
        ("ascii", "xterm", "notice"),
        ("utf-8", "linux", "notice"),
        ("gbk", "xterm", "notice"),
    ],
)
def test_a_terminal_without_braille_is_told(encoding: str, term: str, state: str) -> None:
    assert terminal(encoding, term, ssh=False).state == state


def test_the_terminal_is_not_obeyed() -> None:
    assert "\x1b" not in text(report([terminal("utf-8", "\x1b[2J", ssh=True)]))


def test_another_textual_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    assert cell_diff().state == "ok"
    monkeypatch.setattr("tui.output.celldiff.PINNED", "0.0.1")
    assert (cell_diff().state, cell_diff().command) == ("degraded", "pip install textual==0.0.1")


def test_json_is_a_versioned_document_and_the_text_says_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["doctor", "--json"])
    data = json.loads(capsys.readouterr().out)
    assert data["schema"] == "longpipe.doctor/1"
    assert data["exit_code"] == code
    assert {"versions", "configuration", "terminal", "cell_diff", "rdma"} <= {check["id"] for check in data["checks"]}
    assert main(["doctor"]) == code
    shown = re.sub(r"\s+", " ", capsys.readouterr().out)
    for check in data["checks"]:
        assert re.sub(r"\s+", " ", check["text"]) in shown
