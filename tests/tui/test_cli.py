"""The command line answers at once, understands what was meant, and ends with the exit code that it promises."""

import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from rich.cells import cell_len

from tui.__main__ import main
from tui.commands import COMMANDS
from tui.text import language, use_language


@pytest.fixture(autouse=True)
def _english(monkeypatch: pytest.MonkeyPatch, tmp_path) -> Iterator[None]:
    for name in [*os.environ]:
        if name.startswith(("LC_", "LONGPIPE_", "LANG", "SUDO_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("LANGUAGE", "en")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    yield
    use_language("en")


def test_help_loads_next_to_nothing() -> None:
    code = "import sys\nfrom tui.__main__ import main\nmain(['--help'])\nprint(*sys.modules, file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = {name.partition(".")[0] for name in done.stderr.split()}
    assert not loaded & {
        "msgspec",
        "textual",
        "rich",
        "asyncio",
        "analysis",
        "collectors",
        "tuning",
        "numpy",
        "tomllib",
    }
    for command in COMMANDS:
        assert command.name in done.stdout


@pytest.mark.parametrize("command", ["", *(command.name for command in COMMANDS)])
def test_every_command_explains_itself(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*command.split(), "--help"]) == 0
    assert f"usage: longpipe {command}".strip() in capsys.readouterr().out


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    declared = tomllib.loads(Path("pyproject.toml").read_text())["project"]["version"]
    assert capsys.readouterr().out == f"longpipe {declared}\n"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["doctro"], "no command doctro; did you mean doctor?"),
        (["--lang", "en", "confg", "--show"], "no command confg; did you mean config?"),
        (["--intervall", "2", "host.example"], "no option --intervall; did you mean --interval?"),
        (["config", "--templat"], "no option --templat; did you mean --template?"),
        (["completions"], "required: shell"),
        (["completions", "tcsh"], "invalid choice: 'tcsh'"),
        (["--every", "0"], "must be seconds"),
        (["--count=-1"], "must be a whole number"),
        (["--lang", "fr"], "invalid choice: 'fr'"),
        (["-4", "-6"], "not allowed with argument"),
        (["--plain", "-i", "0"], "--interval: interval_s must be a number from 0.001 to 3600, not 0.0"),
        (["config", "--config", "/nonexistent/x.toml"], "/nonexistent/x.toml cannot be read: No such file"),
    ],
)
def test_a_mistake_is_a_usage_error_that_helps(
    words: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words) == 2
    printed = capsys.readouterr()
    assert told in printed.err
    assert not printed.out


@pytest.mark.parametrize(("words", "told"), [([], "longpipe replay"), (["report"], "longpipe report --session")])
def test_a_recording_is_not_probed_as_if_it_were_a_host(words: list[str], told: str, capsys, tmp_path) -> None:
    file = tmp_path / "of tonight.lps"
    file.write_bytes(b"")
    assert main([*words, str(file)]) == 2
    assert f"To see it: {told} '{file}'" in capsys.readouterr().err


def test_the_dashboard_refuses_to_start_with_a_typo_in_the_configuration(tmp_path, capsys) -> None:
    (tmp_path / "longpipe").mkdir()
    (tmp_path / "longpipe/config.toml").write_text("[[targets]]\nhost = 'a'\nintervall = 1\n")
    assert main([]) == 2
    assert (
        'config.toml:3: unknown key "intervall" in [[targets]]; did you mean "interval_s"?' in capsys.readouterr().err
    )


def test_options_and_targets_may_come_in_any_order() -> None:
    from tui.cli import Parser
    from tui.commands.dashboard import add_arguments, options_of

    parser = Parser("longpipe")
    add_arguments(parser)
    args = parser.read(["a", "-4", "b", "-i", "0.2", "--tcp", "c", "-P", "443", "--no-mouse", "--slow"])
    assert {(option.path, str(option.value)) for option in options_of(args)} == {
        (("targets",), "[{'host': 'a'}, {'host': 'b'}, {'host': 'c'}, {'host': 'gateway'}]"),
        (("targets", "family"), "4"),
        (("targets", "interval_s"), "0.2"),
        (("targets", "protocol"), "tcp"),
        (("targets", "port"), "443"),
        (("mouse",), "off"),
        (("slow",), "True"),
    }


@pytest.mark.parametrize("host", ["docker", "vast.ai", "doctor.example", "gateway", "192.0.2.1", "web-1"])
def test_a_host_is_not_taken_for_a_misspelt_command(host: str, capsys) -> None:
    assert main([host, "--plain", "-i", "0"]) == 2
    assert "no command" not in capsys.readouterr().err


def test_config_shows_where_values_come_from(tmp_path, capsys, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "x.toml"
    file.write_text("\ngpus = 8\n")
    monkeypatch.setenv("LONGPIPE_SLOW", "1")
    assert main(["config", "--config", str(file)]) == 0
    shown = capsys.readouterr().out
    assert f"gpus = 8  # {file}:2\n" in shown
    assert "slow = true  # LONGPIPE_SLOW\n" in shown
    assert 'mouse = "auto"  # default\n' in shown
    tomllib.loads(shown)
    assert main(["config", "--check", "--config", str(file)]) == 0
    assert str(file) in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "variables", "chosen"),
    [
        (["--lang", "zh_CN"], {}, "zh_CN"),
        (["--lang=zh_CN"], {}, "zh_CN"),
        ([], {"LANG": "zh_CN.UTF-8"}, "zh_CN"),
        ([], {"LANG": "zh_SG"}, "zh_CN"),
        ([], {"LANG": "zh_TW.UTF-8"}, "en"),
        ([], {"LANG": "zh_CN.UTF-8", "LC_ALL": "C"}, "en"),
        ([], {"LANG": "zh_CN.UTF-8", "LC_MESSAGES": "en_GB.UTF-8"}, "en"),
        (["--lang", "en"], {"LC_ALL": "zh_CN.UTF-8"}, "en"),
        ([], {"LONGPIPE_LANGUAGE": "zh_CN"}, "zh_CN"),
        ([], {"LANG": "de_DE.UTF-8"}, "en"),
    ],
)
def test_the_language_follows_option_then_variable_then_locale(
    words: list[str], variables: dict[str, str], chosen: str, monkeypatch: pytest.MonkeyPatch, capsys
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert main([*words, "config", "--check"]) == 0
    assert language() == chosen


def test_help_is_in_chinese_for_a_chinese_locale(monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    monkeypatch.setenv("LANG", "zh_CN.UTF-8")
    assert main(["--help"]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith("用法")
    assert "显示此帮助信息并退出" in printed
    explained = [
        re.split(r"(?<=\S)  +", row)[0:2] for row in printed.splitlines() if re.match(r" {2}\S.*\S  +\S", row)
    ]
    starts = {
        cell_len(row[: row.index(text)]) for row in printed.splitlines() for _name, text in explained if text in row
    }
    assert starts == {24, 15}, "explanations stand under each other: of options, of commands"


def test_a_reader_that_leaves_early_is_no_error() -> None:
    done = subprocess.run(
        ["bash", "-c", f"set -o pipefail; {sys.executable} -m tui config --template | true; echo ${{PIPESTATUS[0]}}"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert (done.stdout, done.stderr) == ("0\n", "")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completions_know_every_command_and_option(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["completions", shell]) == 0
    script = capsys.readouterr().out
    for word in (*(command.name for command in COMMANDS), "interval", "template"):
        assert word in script


def test_bash_completes(capsys: pytest.CaptureFixture[str]) -> None:
    main(["completions", "bash"])
    ask = "COMP_WORDS=(longpipe config --te); COMP_CWORD=2; _longpipe; echo ${COMPREPLY[@]}"
    done = subprocess.run(
        ["bash", "-c", f"{capsys.readouterr().out}\n{ask}"], capture_output=True, text=True, check=True
    )
    assert done.stdout == "--template\n"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
def test_output_onto_a_full_disk_is_said_and_not_a_traceback() -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "tui", "config"], stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert done.returncode == 1
    assert done.stderr.startswith("longpipe: The output could not be written: No space left on device.")
    assert "Traceback" not in done.stderr
