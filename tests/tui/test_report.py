"""One test, one page, an exit code: what `longpipe report` says to people and to programs."""

import json
from pathlib import Path

import msgspec
import pytest
from syrupy.assertion import SnapshotAssertion

from analysis.samples import Health, Mark, Outcome, Prober, Probes, Routes, Sample, Series
from analysis.text import Sentence
from scripts.schemas import DIRECTORY, schemas
from tests.collectors.session.samples import a_header, write_session
from tests.samples import ETH0, at, definitions, rdma_session, second, session
from tests.tui.reports import healthy, lossy, lossy_roce, seen_of
from tui.__main__ import main
from tui.details import verdict_detail
from tui.report.build import report
from tui.report.schema import Report
from tui.report.text import escaped, markdown, text
from tui.widgets.runs import row_text


def test_the_text_of_a_lossy_box(snapshot: SnapshotAssertion) -> None:
    assert text(report(lossy())) == snapshot


def test_the_data_of_a_lossy_box(snapshot: SnapshotAssertion) -> None:
    assert json.dumps(msgspec.to_builtins(report(lossy())), indent=1) == snapshot


def test_the_markdown_has_a_table_of_targets_with_numbers_to_the_right() -> None:
    rows = markdown(report(lossy())).splitlines()
    head = rows.index("## Targets") + 2
    assert rows[head].startswith("| target | route | probe | sent |")
    assert rows[head + 1] == "|---|---|---|--:|--:|--:|--:|--:|--:|--:|"
    assert rows[head + 3] == (
        "| far.example | eth0 | icmp 192.0.2.1 | 300 | 15 | 5.0% | 20.0 | 20.0 | 20.0 | 0.001 |"
    )


@pytest.mark.parametrize("hostile", ["a|b", "[x](http://evil)", "<img src=x>", "`rm`", "# head", "*b*"])
def test_markdown_shows_hostile_names_as_they_are(hostile: str) -> None:
    samples = [Series(at(0), 1, hostile, "192.0.2.1"), second(1, 300, series=(1,))]
    row = next(row for row in markdown(report(seen_of(samples, 0, 2))).splitlines() if "192.0.2.1" in row)
    assert escaped(hostile) in row
    assert row.replace("\\|", "").count("|") == 11


def test_controls_in_names_do_not_reach_the_terminal() -> None:
    samples = [Series(at(0), 1, "x\x1b[31m\u202e\n", "192.0.2.1"), second(1, 300, series=(1,))]
    shown = text(report(seen_of(samples, 0, 2, host="box\x1b]0;x\x07")))
    assert "\x1b" not in shown
    assert "\u202e" not in shown


def test_a_healthy_box_is_0_and_a_lossy_one_3() -> None:
    assert report(healthy()).exit_code == 0
    assert report(lossy()).exit_code == 3


def outage(first: int, after: int, seconds: int) -> list[Sample]:
    lost = range(first, after)
    return [*definitions(), *(second(n, 300, None if n in lost else 20_000, 40_000) for n in range(1, seconds + 1))]


def test_an_outage_that_is_over_still_counts_and_is_listed() -> None:
    found = report(seen_of(outage(20, 25, 1000), 0, 1000))
    assert found.verdict.severity == "ok"
    assert [(o.target, o.lost, o.duration_s, o.end is None) for o in found.outages] == [
        ("far.example", 5, 5.0, False)
    ]
    assert found.exit_code == 3


def test_an_outage_that_goes_on_has_no_end() -> None:
    found = report(seen_of(outage(50, 100, 60), 0, 60))
    assert found.outages[-1].end is None
    assert "still going on" in text(found)


def test_a_gateway_that_was_silent_for_a_while_does_not_make_a_report_degraded() -> None:
    samples = [*definitions(), *(second(n, None if 20 <= n < 25 else 300, 20_000, 40_000) for n in range(1, 1001))]
    found = report(seen_of(samples, 0, 1000))
    assert [outage.role for outage in found.outages] == ["gateway"]
    assert found.exit_code == 0


def test_nothing_measured_is_never_healthy() -> None:
    assert report(seen_of([Routes(at(0), (ETH0,))], 0, 60)).exit_code == 3


def test_nothing_measured_for_want_of_a_privilege_is_4_and_says_which() -> None:
    missing = Sentence("Raw sockets need CAP_NET_RAW.")
    samples = [Prober(at(0), 4, "none", "user", missing), Health(at(0), "paths", "missing", missing)]
    found = report(seen_of(samples, 0, 60))
    assert found.exit_code == 4
    assert "Raw sockets need CAP_NET_RAW." in text(found)


def test_statistics_are_those_of_the_span_alone() -> None:
    samples = session(200, lossy=2)
    clean_end = [second(n, 300, 20_000, 40_000) for n in range(201, 301)]
    target = report(seen_of([*samples, *clean_end], 250, 300)).targets[1]
    assert (target.sent, target.lost, target.since) == (50, 0, "2026-09-21T14:17:30Z")


def test_a_new_address_begins_the_numbers_anew_and_says_when() -> None:
    samples = session(100, lossy=2)
    ended = msgspec.structs.replace(samples[3], ended=True)
    assert isinstance(ended, Series)
    moved = msgspec.structs.replace(ended, id=9, t=at(100), address="192.0.2.9", ended=False)
    later = [second(n, 20_000, series=(9,)) for n in range(102, 161)]
    found = report(seen_of([*samples, ended, moved, *later], 0, 160))
    target = next(target for target in found.targets if target.address == "192.0.2.9")
    assert (target.lost, target.sent) == (0, 59)
    assert "the numbers begin at 14:15:00" in text(found)


def test_marks_are_told_with_their_time() -> None:
    assert "14:13:30  · NOTE  Mark: cable pulled" in text(
        report(seen_of([*session(20), Mark(at(10), "cable pulled")], 0, 20))
    )


def test_a_probe_that_could_not_be_sent_is_told() -> None:
    from analysis.samples import ProbeNote

    failed = Probes(at(2), (2,), (0,), (Outcome.FAILED,), (None,), (ProbeNote(0, "ENETUNREACH"),))
    assert "far.example: Probes cannot be sent: ENETUNREACH." in text(report(seen_of([*session(1), failed], 0, 3)))


def test_captured_roce_is_judged_with_the_flows_in_trouble_first() -> None:
    found = report(lossy_roce())
    part = found.roce[0]
    assert (part.interface, part.code) == ("eth1", "loss")
    assert part.flows[0].rewinds
    assert found.exit_code == 3
    shown = text(found).split("ROCE")[1].split("ADVICE")[0]
    assert part.text in shown
    assert part.flows[0].src in shown


def test_a_box_whose_card_counts_losses_is_reported_as_degraded_though_no_capture_shows_them() -> None:
    found = report(seen_of(rdma_session(), 0, 60))
    assert found.exit_code == 3
    assert "mlx5_0/1 (ens1): packets are lost or overtaken on the way to the peer" in text(found).splitlines()[2]


def test_what_a_capture_cannot_show_is_told_as_that_and_not_as_evidence() -> None:
    """'Corruption of n packets that were not captured whole' among the evidence reads as corruption."""
    seen = lossy_roce()
    found = report(seen)
    unseen = found.roce[0].not_observable
    assert any("not captured whole" in sentence for sentence in unseen)
    assert not set(unseen) & set(found.verdict.evidence)
    _, told = text(found).split("ROCE")[1].split("Not to be seen in this capture:")
    why = "\n".join(map(row_text, verdict_detail(seen.view, (), "unicode", 200).rows))
    evidence, hidden = why.split("What cannot be seen here")
    for sentence in unseen:
        assert sentence in told
        assert sentence in hidden
        assert sentence not in evidence


def test_the_data_is_what_its_schema_describes() -> None:
    found = report(lossy())
    assert msgspec.json.decode(msgspec.json.encode(found), type=Report) == found


@pytest.mark.parametrize("name", sorted(schemas()))
def test_the_published_schema_is_up_to_date(name: str) -> None:
    assert (DIRECTORY / name).read_bytes() == schemas()[name], "run make schemas"


@pytest.fixture
def recording(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    return str(write_session(tmp_path / "a.lps", session(60, lossy=3), a_header("gpu-07")))


def test_a_recorded_session_can_be_reported_on_in_part(recording: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", "--session", recording, "--from", "+30s", "--json"]) == 3
    data = json.loads(capsys.readouterr().out)
    assert data["schema"] == "longpipe.report/1"
    assert data["host"] == "gpu-07"
    assert data["duration_s"] == 30
    assert [target["sent"] for target in data["targets"]] == [30, 30, 30]


def test_a_report_goes_to_a_new_file_for_its_owner_only(recording: str, tmp_path: Path) -> None:
    out = tmp_path / "report.html"
    assert main(["report", "--session", recording, "--html", "-o", str(out)]) == 3
    assert out.stat().st_mode & 0o777 == 0o600
    assert out.read_text().startswith("<!doctype html>")
    assert main(["report", "--session", recording, "-o", str(out)]) == 1


@pytest.mark.parametrize(
    ("words", "code"), [(["--from", "-5m"], 2), (["--json", "--html"], 2), (["--session", "nowhere.lps"], 1)]
)
def test_what_cannot_be_is_refused(words: list[str], code: int, recording: str) -> None:
    assert main(["report", *words]) == code


def test_a_test_of_this_box(recording: str, capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["report", "127.0.0.1", "--for", "1.5s", "--json"])
    target = json.loads(capsys.readouterr().out)["targets"][0]
    assert target["target"] == "127.0.0.1"
    assert target["sent"] >= 1
    assert code in (0, 3)


def test_a_test_cut_short_reports_what_it_has(
    recording: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from tui.report import live

    def interrupt(_seconds: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(live.time, "sleep", interrupt)
    assert main(["report", "127.0.0.1"]) == 130
    assert "HOW IT WAS MEASURED" in capsys.readouterr().out
