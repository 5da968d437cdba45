"""`longpipe tune plan` on recorded boxes, and what the command refuses before it touches anything."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from analysis.advice.registry import RULES
from tests.lab.bed import Bed, can_make_namespaces, inside
from tui.__main__ import main
from tui.cli import Exit
from tuning.session import connection, peer_of

BOXES = Path(__file__).parents[1] / "fixtures/boxes"
LISTS = ("recommendations", "kept", "not_applicable", "unknown")


def plan(capsys: pytest.CaptureFixture[str], box: str, *words: str) -> dict[str, list[dict[str, str]]]:
    assert main(["tune", "plan", "--json", "--lang=en", f"--facts={BOXES / box}", *words]) == Exit.OK
    found: dict[str, list[dict[str, str]]] = json.loads(capsys.readouterr().out)
    return found


@pytest.mark.parametrize("box", ["default.tar.gz", "tuned.tar.gz"])
def test_every_rule_ends_in_one_list(capsys: pytest.CaptureFixture[str], box: str) -> None:
    found = plan(capsys, box, "--goal=long-path", "--bandwidth=1000")
    assert found["schema"] == "longpipe.plan/1"
    told = [verdict["id"] for name in LISTS for verdict in found[name]]
    assert sorted(told) == sorted(rule.id for rule in RULES)


def test_a_goal_is_what_asks_for_buffers(capsys: pytest.CaptureFixture[str]) -> None:
    def asked(*words: str) -> set[str]:
        return {advised["id"] for advised in plan(capsys, "default.tar.gz", *words)["recommendations"]}

    assert {"T1", "T2"} <= asked("--goal=long-path", "--bandwidth=1000")
    assert not {"T1", "T2"} & asked()


def test_text_tells_each_change_and_the_way_back(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["tune", "--goal=long-path", "--bandwidth=1000", "--lang=en", f"--facts={BOXES / 'default.tar.gz'}"]
    assert main([*words, "--all"]) == Exit.OK
    out = capsys.readouterr().out
    assert "    - 4096 16384 4194304\n    + 4096 16384 " in out
    assert "by hand back: sysctl -w net.ipv4.tcp_wmem='4096 16384 4194304'" in out
    assert all(rule.id in out for rule in RULES)


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["plan", "--facts=/nonexistent"], Exit.ERROR),
        (["apply", "--facts=/nonexistent"], Exit.USAGE),
        (["apply", "--set=nonsense"], Exit.USAGE),
        (["apply", "--set=mtu:no/such=9000"], Exit.ERROR),
        (["undo"], Exit.USAGE),
        (["plan", "--goal=world-peace"], Exit.USAGE),
    ],
)
def test_what_cannot_be_done(capsys: pytest.CaptureFixture[str], words: list[str], code: Exit) -> None:
    assert main(["tune", "--lang=en", *words]) == code
    assert capsys.readouterr().err


def test_the_session_is_found_behind_sudo(tmp_path: Path) -> None:
    """sudo starts us with a clean environment, but is itself a child of the shell of the session."""
    code = "from tuning.session import connection; print(connection({}))"
    ssh = "192.0.2.9 50022 192.0.2.1 22"
    outer = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {code!r}], env={{}}, check=True)"
    argv = [sys.executable, "-c", outer]
    root = Path(__file__).parents[2]
    done = subprocess.run(argv, env={"SSH_CONNECTION": ssh}, capture_output=True, text=True, check=True, cwd=root)
    assert done.stdout.strip() == ssh
    assert peer_of(ssh) == "192.0.2.9"
    assert peer_of("--help x") is None
    assert connection({"SSH_CONNECTION": ssh}, tmp_path) == ssh


@pytest.mark.netns
@pytest.mark.skipif(not can_make_namespaces(), reason="network namespaces need root and ip(8)")
def test_advice_waits_for_the_facts_however_short_the_look(capsys: pytest.CaptureFixture[str], bed: Bed) -> None:
    """In a namespace of its own, so that nothing is sent to anybody."""
    with inside(bed.namespace()):
        assert main(["tune", "plan", "--json", "--lang=en", "--quiet", "--for=0.1s"]) == Exit.OK
    found = json.loads(capsys.readouterr().out)
    assert not [verdict for verdict in found["unknown"] if "was not read on this box" in verdict["why"]]
