"""`longpipe export` and `longpipe diff` on files."""

import csv
import io
import json
from pathlib import Path

import pytest

from analysis.samples import Probes, Sample, Series
from collectors.session.reader import SessionFile
from collectors.session.writer import SessionWriter
from tests.collectors.session.samples import SECOND, T0, a_header, a_session, write_session
from tui.__main__ import main
from tui.cli import CommandError
from tui.sessions import instant, period


@pytest.fixture
def session(tmp_path: Path) -> Path:
    return write_session(tmp_path / "a.lps", a_session(300))


def test_an_excerpt_of_one_target(session: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.lps"
    words = ["--from", "+100s", "--to", "-100s", "-t", "target2.example", "-o", str(out)]
    assert main(["export", str(session), *words]) == 0
    samples = list(SessionFile(out).samples())
    assert {s.target for s in samples if isinstance(s, Series)} == {"target2.example"}
    assert sum(len(s.series) for s in samples if isinstance(s, Probes)) == 100
    assert out.stat().st_mode & 0o777 == 0o600


def test_tables_go_to_standard_output(session: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["export", str(session)]) == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert len(rows) == 900
    assert {row["target"] for row in rows} == {f"target{n}.example" for n in (1, 2, 3)}


@pytest.mark.parametrize("name", ["out.lps", "out.jsonl", "out.csv", "out.prom"])
def test_every_format_can_be_redacted(session: Path, tmp_path: Path, name: str) -> None:
    out = tmp_path / name
    assert main(["export", str(session), "--redact", "-o", str(out)]) == 0
    assert out.stat().st_mode & 0o777 == 0o600
    text = out.read_bytes() if name != "out.lps" else repr(list(SessionFile(out).samples())).encode()
    assert text
    for secret in (b"192.0.2.", b"target1.example", b"eth0"):
        assert secret not in text


def test_nothing_is_overwritten_and_refusals_say_why(
    session: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = session.read_bytes()
    assert main(["export", str(session), "-o", str(session)]) == 1
    assert "never overwritten" in capsys.readouterr().err
    assert session.read_bytes() == before
    assert main(["export", str(tmp_path / "none.lps")]) == 1
    (tmp_path / "text").write_text("hello")
    assert main(["export", str(tmp_path / "text")]) == 1
    assert "not a longpipe session" in capsys.readouterr().err
    assert main(["export", str(session), "--format", "lps"]) == 2
    assert main(["export", str(session), "--from", "noon-ish"]) == 2


def test_a_torn_session_is_exported_up_to_the_tear_and_said_to_be_torn(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    writer = SessionWriter(tmp_path / "torn.lps", a_header())
    for sample in a_session(30):
        writer.write(sample)
    writer.flush()
    writer.abandon()
    assert main(["export", str(writer.path)]) == 3
    printed = capsys.readouterr()
    assert len(printed.out.splitlines()) == 91
    assert "ended abruptly" in printed.err


def slower(seconds: int, start: int) -> list[Sample]:
    samples: list[Sample] = []
    for sample in a_session(seconds, start=start):
        if isinstance(sample, Probes):
            rtts = (rtt and rtt + 20_000 for rtt in sample.rtt_us)
            sample = Probes(sample.t, sample.series, sample.age_us, sample.outcome, tuple(rtts))
        samples.append(sample)
    return samples


def test_two_sessions_are_compared(session: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    after = write_session(tmp_path / "b.lps", slower(300, T0 + 1000 * SECOND))
    assert main(["diff", str(session), str(after)]) == 3
    printed = capsys.readouterr().out
    assert "Of 3 paths 3 became worse in something and 0 better." in printed
    assert "target2.example (wan): slower" in printed
    assert "20.5 ms → 40.5 ms" in printed.replace("    ", " ").replace("  ", " ")
    assert main(["diff", str(session), str(after), "--json"]) == 3
    data = json.loads(capsys.readouterr().out)
    assert data["schema"] == "longpipe.diff/1"
    assert [path["measures"][0]["meaning"] for path in data["paths"]] == ["worse"] * 3
    assert main(["diff", str(session), str(session)]) == 0
    assert "Nothing differs" in capsys.readouterr().out


def test_before_and_after_a_moment_of_one_session(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    both = [*a_session(200), *slower(200, T0 + 201 * SECOND)]
    path = write_session(tmp_path / "a.lps", both)
    assert main(["diff", str(path), "--at", "+201s"]) == 3
    assert "slower" in capsys.readouterr().out
    assert main(["diff", str(path), "--a", "..+100s", "--b", "+100s..+200s"]) == 0
    assert main(["diff", str(path)]) == 2


def test_spans_in_words() -> None:
    span = (T0, T0 + 3600 * SECOND)
    assert instant("+5m", span) == T0 + 300 * SECOND
    assert instant("-5m", span) == T0 + 3300 * SECOND
    assert period("..-1m", span) == (T0, T0 + 3540 * SECOND)
    assert period("+1m..", span) == (T0 + 60 * SECOND, T0 + 3600 * SECOND)
    for nonsense in ("25:00", "soon", "-5 parsecs"):
        with pytest.raises(CommandError):
            instant(nonsense, span)
    with pytest.raises(CommandError):
        period("14:02", span)
