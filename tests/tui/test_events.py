"""The list of what happened: walked, gone to, copied, exported."""

import base64
import csv
import io
import json
from pathlib import Path

import pytest
from syrupy.assertion import SnapshotAssertion

from analysis.samples import Mark, Routes, Sample
from tests.collectors.session.samples import a_header, write_session
from tests.samples import ETH0, ETH1, at, definitions, second
from tests.tui.pty_run import PtyRun, python
from tests.tui.screen_text import rows, text
from tests.tui.test_dashboard import app_over, settle
from tui.__main__ import main


def eventful() -> list[Sample]:
    """An outage of ten seconds, a mark, a route gone and back, and an outage that goes on at the end."""
    samples: list[Sample] = definitions()
    for n in range(1, 91):
        far = None if 20 <= n < 30 or n >= 85 else 20_000
        samples.append(second(n, 300, far, 40_000))
    samples += [Mark(at(40), "=new cable"), Routes(at(50), (ETH0,)), Routes(at(55), (ETH0, ETH1))]
    return sorted(samples, key=lambda sample: sample.t)


@pytest.mark.parametrize("size", [(120, 36), (80, 24), (60, 16)])
async def test_when_how_long_and_who(size: tuple[int, int], snapshot: SnapshotAssertion) -> None:
    async with app_over(eventful()).run_test(size=size) as pilot:
        await settle(pilot)
        await pilot.press("v")
        await settle(pilot)
        assert text(pilot.app) == snapshot


async def test_enter_goes_to_the_moment_and_closes_the_list() -> None:
    async with app_over(eventful()).run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        await pilot.press("v", "ctrl+end", "enter")
        await settle(pilot)
        assert "NOT LIVE: 14:13:39" in rows(pilot.app)[0]


async def test_what_happens_while_the_list_is_open_appears_in_it() -> None:
    app = app_over(eventful())
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await pilot.press("v")
        await settle(pilot)
        assert app.feed is not None
        app.feed.mark("look here")
        await settle(pilot)
        assert "Mark: look here" in text(app)


async def test_an_empty_list_says_so() -> None:
    async with app_over(definitions()).run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await pilot.press("v", "enter")
        await settle(pilot)
        assert "Nothing has happened yet." in text(pilot.app)


@pytest.fixture
def session(tmp_path: Path) -> Path:
    return write_session(tmp_path / "a.lps", eventful(), a_header("gpu-07"))


def test_y_gives_the_list_to_the_clipboard_of_the_terminal(session: Path) -> None:
    argv = python("-m", "tui", "replay", str(session), "--at", "-10s")
    with PtyRun(argv, columns=120, rows=36, env={"TZ": "UTC"}) as run:
        run.wait_for_text("REPLAY PAUSED")
        run.wait_for_text("marks: 1")
        run.send("v")
        run.wait_for_text("no answer to 10 probes")
        run.send("y")
        run.wait_for_text("Copied")
        _head, _osc, rest = run.received.rpartition(b"\x1b]52;c;")
        copied = base64.b64decode(rest.partition(b"\a")[0]).decode()
        run.send("q")
        run.send("q")
        assert run.exit_code() == 0
    lines = [line.split("\t") for line in copied.splitlines()]
    assert lines[0] == ["2026-09-21 14:13:39", "10 s", "far.example (eth0)", "no answer to 10 probes"]
    assert ["2026-09-21 14:14:00", "", "", "Mark: =new cable"] in lines


def test_events_as_csv(session: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["export", str(session), "--format", "events"]) == 0
    found = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    outages = [row for row in found if row["kind"] == "outage"]
    assert [(row["who"], row["lost"], row["length_s"]) for row in outages] == [
        ("far.example (eth0)", "10", "10.000"),
        ("far.example (eth0)", "6", "5.500"),
    ]
    assert [row["text"] for row in found if row["kind"] == "mark"] == ["Mark: =new cable"]
    assert [row["who"] for row in found if row["kind"] == "route"] == ["eth1", "eth1"]


def test_events_as_json_lines_say_what_goes_on(session: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["export", str(session), "--format", "events-jsonl"]) == 0
    found = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    first, last = (event for event in found if event["kind"] == "outage")
    assert (first["length_s"], first["lost"], first["t"]) == (10.0, 10, at(19.5))
    assert (last["length_s"], last["so_far_s"]) == (None, 5.5)


def test_events_of_a_span_of_one_target_and_without_names(session: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["export", str(session), "--format", "events-jsonl", "--from", "+35s", "--to", "+45s"]) == 0
    assert [json.loads(line)["kind"] for line in capsys.readouterr().out.splitlines()] == ["mark"]
    assert main(["export", str(session), "--format", "events", "--redact"]) == 0
    printed = capsys.readouterr().out
    assert "outage" in printed
    for secret in ("far.example", "eth0", "cable"):
        assert secret not in printed
