"""Services and ports on the dashboard, in plain lines, in reports, and by `longpipe check`."""

import asyncio
import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.model import Model
from analysis.samples import Certificate, Check, DnsAnswer, Phases, PortRow, Ports, Sample, Service
from analysis.services.settings import PortSettings, ServiceSettings
from analysis.settings import Expectations, Settings
from analysis.text import Sentence
from analysis.view import Lens, View
from tests.lab.bed import ROOT
from tests.lab.web import page as http_page
from tests.lab.web import says, server
from tests.samples import at, session
from tests.tui.feeds import CannedFeed, settle
from tests.tui.reports import seen_of
from tests.tui.screen_text import rows, text
from tui.__main__ import main
from tui.app import LongpipeApp
from tui.checkrun import check
from tui.cli import CommandError, Exit
from tui.config.expect import expectations_of, read_expectations
from tui.page.page import page
from tui.panes.head import services_up
from tui.plain import lines
from tui.report.build import report
from tui.report.service_schema import Checked
from tui.report.text import markdown
from tui.report.text import text as report_text
from tui.services import services_detail
from tui.text import use_language
from tui.widgets.runs import row_text

SIZES = [(120, 36), (60, 16)]
WHY = Sentence("127.0.0.1 refused the connection")
SHOWN = Certificate("TLSv1.3", at(0) // 10**9 + 61 * 86_400 + 99, ("console.vast.ai",), name_matches=True)


def services(seconds: int = 60, failing: int = 0) -> list[Sample]:
    """A web service whose last so many checks fail, a name that two resolvers tell differently, a host's ports."""
    samples: list[Sample] = [
        Service(at(0), "console", "https", "https://console.vast.ai/health", days_left=14),
        Service(at(0), "dns:console.vast.ai", "dns", "dns:console.vast.ai"),
    ]
    last = seconds // 5
    good = Phases(2_000, 40_000, 80_000, 150_000, 272_000)
    answers = (
        DnsAnswer("192.168.1.1", "A", "NOERROR", ("10.10.34.35",), took_us=900),
        DnsAnswer("8.8.8.8", "A", "NOERROR", ("151.101.1.69",), took_us=48_000),
    )
    for n in range(1, last + 1):
        failed = n > last - failing
        samples.append(
            Check(at(5 * n), "console", "refused", WHY, by="127.0.0.1")
            if failed
            else Check(at(5 * n), "console", address="192.0.2.7", phases=good, status=200, certificate=SHOWN)
        )
        samples.append(Check(at(5 * n), "dns:console.vast.ai", phases=Phases(whole_us=48_000), answers=answers))
    found = (PortRow(22, True, "open", "SSH", took_us=300), PortRow(8265, False, "open", "Ray dashboard, jobs"))
    samples.append(Ports(at(seconds), "head.example", "192.0.2.9", rows=found))
    return samples


def all_of(failing: int = 0) -> list[Sample]:
    return sorted([*session(60), *services(60, failing)], key=lambda sample: sample.t)


def view_of(samples: Sequence[Sample]) -> View:
    model = Model(Settings())
    for sample in samples:
        model.fold(sample)
    return model.view(at(60), Lens())


def app_over(samples: list[Sample]) -> LongpipeApp:
    feed = CannedFeed(samples)
    return LongpipeApp(lambda: feed, Settings(), "unicode")


@pytest.mark.parametrize("size", SIZES)
async def test_a_service_that_is_down_is_the_verdict_an_event_and_a_page(size: tuple[int, int]) -> None:
    async with app_over(all_of(failing=4)).run_test(size=size) as pilot:
        await settle(pilot)
        verdict = " ".join(" ".join(rows(pilot.app)[1:3]).split())
        assert "BAD console has been down for 15 s: 127.0.0.1 refused the" in verdict
        await pilot.press("s")
        await settle(pilot)
        shown = " ".join(text(pilot.app).split())
        assert "console: down, for 15 s" in shown
        assert "127.0.0.1 refused the connection" in shown
        await pilot.press("escape", "v")
        await settle(pilot)
        assert "console is down: 3 checks" in " ".join(text(pilot.app).split())


async def test_the_page_is_kept_up_to_date_while_it_is_read() -> None:
    app = app_over(services(60))
    async with app.run_test(size=(100, 40)) as pilot:
        await settle(pilot)
        await pilot.press("s")
        await settle(pilot)
        assert "console: up, for at least 55 s" in text(app)
        feed = app.feed
        assert isinstance(feed, CannedFeed)
        feed.waiting = [Check(at(60 + 5 * n), "console", "refused", WHY) for n in (1, 2, 3)]
        await settle(pilot)
        assert "console: down, for 10 s" in text(app)


def test_the_first_line_counts_what_is_up_and_nothing_where_nothing_is_checked() -> None:
    assert services_up(view_of(all_of(failing=4))) == ["services up: 1/2", "ports right: 1/2"]
    idle = view_of(session(20))
    assert services_up(idle) == []
    assert row_text(services_detail(idle, "unicode", 80).rows[0]).startswith("Nothing is checked here.")


def test_the_page_says_where_the_time_goes_and_how_sure_it_is() -> None:
    shown = "\n".join(row_text(row) for row in services_detail(view_of(all_of()), "unicode", 120).rows)
    for said in (
        "✓ console: up, for at least 55 s",
        "0 of 12 checks failed; good ones took 272 ms, p99 272 ms",
        "name 2.00 ms · connect 40.0 ms · TLS 80.0 ms · first byte 150 ms · HTTP 200 · TLSv1.3, 61 days · 192.0.2.7",
        "every 5.0 s, 3.0 s at most; down after 3 failures, so within 18 s; up after 3",
        "192.168.1.1 A: 10.10.34.35 (0.900 ms)",
        "192.168.1.1 answers 10.10.34.35, which nobody has on the Internet; 8.8.8.8 answers otherwise: probably",
        "Ports of head.example (192.0.2.9)",
        "✓    22 open (SSH)",
        "✖  8265 open, and it must not be reachable (Ray dashboard, jobs)",
        "Seen from this box only",
    ):
        assert said in " ".join(shown.split()) or said in shown, said


HOSTILE = st.sampled_from(["x", "\x1b[31mred", "[b]bold[/b]", "a\nb", "\u202eabc", "很长的名字" * 9, "{name}"])


@settings(max_examples=20, deadline=None)
@given(HOSTILE, HOSTILE, st.integers(20, 150), st.booleans(), st.sampled_from(["en", "zh_CN"]))
def test_rows_fit_and_hold_no_controls_whatever_a_session_says(name, said, width, ascii_only, language) -> None:
    samples: list[Sample] = [Service(at(0), name, "https", said)]
    certificate = Certificate(said, 1, (said,), problem=said)
    answers = (DnsAnswer(said, "A", said, (said,), (("y",),)), DnsAnswer("b", "A", None, failure="timeout"))
    why = Sentence("{x}", {"x": said})
    samples += [
        Check(at(n), name, "status", why, said, said, status=503, certificate=certificate, answers=answers)
        for n in (1, 2, 3)
    ]
    samples.append(Ports(at(4), said, said, rows=(PortRow(1, True, "closed", said, said, said),), error=None))
    samples.append(Ports(at(4), name + "2", None, error=why))
    use_language(language)
    try:
        view = view_of(samples)
        shown = [row_text(row) for row in services_detail(view, "ascii" if ascii_only else "unicode", width).rows]
        shown += [*lines(view), *report_text(report(seen_of(samples, 0, 9))).splitlines()]
    finally:
        use_language("en")
    assert all(line.isprintable() for line in shown)


def test_what_has_not_been_checked_for_a_while_says_so() -> None:
    model = Model(Settings())
    for sample in services(20):
        model.fold(sample)
    for second, said in ((21, False), (60, True)):
        shown = [row_text(row) for row in services_detail(model.view(at(second), Lens()), "unicode", 80).rows]
        assert ("  not checked for 40 s" in shown) is said


def test_plain_lines_have_a_line_for_each_service_and_each_port_that_is_wrong() -> None:
    shown = [line.partition(" ")[2] for line in lines(view_of(all_of(failing=4)))]
    assert any(line.startswith("BAD console: down; 4 of 12 checks failed; good ones took 272 ms") for line in shown)
    assert "head.example, port 8265: open, and it must not be reachable" in shown
    assert not any("port 22" in line for line in shown)


def test_the_report_tells_of_services_in_every_form_and_fails_for_one_that_was_down() -> None:
    seen = seen_of(all_of(failing=4), 0, 60)
    found = report(seen)
    assert found.exit_code == 3
    assert next((part.name, part.state, part.failed) for part in found.services) == ("console", "down", 4)
    assert [(port.port, port.is_met) for port in found.ports[0].ports] == [(22, True), (8265, False)]
    for shown in (report_text(found), markdown(found), page(seen)):
        assert "console" in shown
        assert "127.0.0.1 refused the connection" in shown
        assert "8265" in shown


def test_a_service_that_was_down_in_between_fails_the_report_though_it_is_up_again() -> None:
    goods = [True] * 3 + [False] * 3 + [True] * 5
    web: list[Sample] = [Service(at(0), "web", "tcp", "tcp://x:1")]
    web += [
        Check(at(5 * n), "web", None if good else "refused", None if good else WHY) for n, good in enumerate(goods, 1)
    ]
    assert view_of(web).services[0].state == "up"
    assert report(seen_of(web, 0, 60)).exit_code == 3
    assert report(seen_of(web[:4], 0, 60)).exit_code == 0


def longpipe(*args: str, home: Path) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, "-m", "tui", "check", *args]
    environ = {"HOME": str(home), "PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT), "LANG": "C.UTF-8"}
    return subprocess.run(argv, capture_output=True, text=True, check=False, cwd=ROOT, timeout=100, env=environ)


async def test_check_prints_one_document_and_its_exit_code_says_whether_all_is_well(tmp_path: Path) -> None:
    async with server(says(http_page("200 OK"))) as good, server(says(http_page("503 Down"))) as bad:
        urls = [f"http://127.0.0.1:{port}/" for port in (good, bad)]
        done = await asyncio.to_thread(longpipe, "--json", *urls, "--timeout", "20", home=tmp_path)
        assert (done.returncode, done.stderr) == (3, "")
        found = msgspec.json.decode(done.stdout, type=Checked)
        assert [(part.url, part.state, part.last.status if part.last else None) for part in found.services] == [
            (urls[0], "up", 200),
            (urls[1], "down", 503),
        ]
        assert json.loads(done.stdout)["schema"] == "longpipe.check/1"
        expected = tmp_path / "expect.toml"
        expected.write_text(
            f"[[services]]\nurl = '{urls[0]}'\ninterval_s = 60\ntimeout_s = 20\n"
            f"[[ports]]\nhosts = ['127.0.0.1']\nreachable = [{good}]\nunreachable = [1]\n"
        )
        done = await asyncio.to_thread(longpipe, "--expect", str(expected), home=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert urls[0] in done.stdout
    assert "Seen from this box itself" in done.stdout


@pytest.mark.parametrize(
    ("args", "said"),
    [
        ((), "neither services nor ports are configured"),
        (("htp://x",), "a service is dns:NAME"),
        (("--host", "x"), "--host and --profile go together"),
        (("--expect", "/nowhere/x.toml"), "cannot be read"),
    ],
)
def test_check_refuses_what_it_does_not_understand(
    args: tuple[str, ...],
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    assert main(["check", *args]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert said in printed.err


def test_an_expectation_file_is_refused_with_line_and_what_was_probably_meant(tmp_path: Path) -> None:
    file = tmp_path / "ports.toml"
    for written, told in (
        (
            "[[ports]]\nhosts = ['x']\nreacheable = [22]\n",
            ':3: unknown key "reacheable" in [[ports]]; did you mean "reachable"?',
        ),
        ("[[port]]\nhosts = ['x']\n", ':1: unknown key "port" in the top; did you mean "ports"?'),
        (
            "[[ports]]\nhosts = ['x']\nreachable = [0]\n",
            ":3: ports[0].reachable[0] must be a whole number from 1 to 65535, not 0",
        ),
        ("[[ports]]\nhosts = ['x']\nprofile = 'clutser'\n", ':3: ports[0].profile must be one of "cluster"'),
        (
            "[[ports]]\nhosts = ['x']\nreachable = [22]\nunreachable = [22]\n",
            ":4: ports[0].unreachable: 22 must be reachable too",
        ),
        ("[[services]]\nurl = 'tcp://x'\n", ":2: services[0].url: a port is missing"),
        ("[[services]]\nurl = 'dns:x'\n[[services]]\nurl = 'dns:x'\n", "services: dns:x is there 2 times"),
        ("[[ports]]\nhosts = []\nreachable = [1]\n", ":2: ports[0].hosts: there must be at least one"),
        ("slow = true\n", ':1: unknown key "slow" in the top'),
        ("", "nothing is expected"),
        ("[[ports]\n", "not TOML"),
    ):
        file.write_text(written)
        with pytest.raises(CommandError) as refused:
            read_expectations(str(file))
        assert refused.value.code == Exit.USAGE
        assert told in str(refused.value)


hosts = st.from_regex(r"[a-z][a-z0-9-]{0,10}", fullmatch=True)
profiles = st.sampled_from([None, "cluster"])
some_ports = st.lists(st.integers(1, 65535), max_size=4, unique=True)


@settings(max_examples=20, deadline=None)
@given(
    st.dictionaries(
        hosts, st.tuples(some_ports, some_ports, st.sampled_from([None, "cluster"])), min_size=1, max_size=3
    )
)
def test_what_is_written_is_what_is_expected(tmp_path_factory: pytest.TempPathFactory, wanted) -> None:
    file = tmp_path_factory.mktemp("expect") / "x.toml"
    blocks, expected = [], []
    for host, (reachable, either, profile) in wanted.items():
        unreachable = [port for port in either if port not in reachable]
        if not reachable and not unreachable and profile is None:
            reachable = [22]
        block = ["[[ports]]", f'hosts = ["{host}"]', f"reachable = {reachable}", f"unreachable = {unreachable}"]
        blocks.append("\n".join([*block, f'profile = "{profile}"' if profile else ""]))
        expected.append(PortSettings((host,), profile, tuple(reachable), tuple(unreachable)))
    file.write_text("\n\n".join(blocks))
    assert read_expectations(str(file)) == Expectations(ports=tuple(expected))


def test_words_on_the_command_line_are_services_of_their_kind() -> None:
    found = expectations_of(
        ["dns:x", "tcp://y:1"], {"resolvers": ["8.8.8.8"], "timeout_s": 9.0}, ["h", "i"], "cluster"
    )
    assert found.services == (
        ServiceSettings("dns:x", interval_s=60, timeout_s=9, resolvers=("8.8.8.8",)),
        ServiceSettings("tcp://y:1", interval_s=60, timeout_s=9),
    )
    assert found.ports == (PortSettings(("h", "i"), "cluster"),)


def test_one_check_decides_on_the_command_line() -> None:
    refused = ServiceSettings("tcp://127.0.0.1:1")
    found = check(Expectations((refused,), (PortSettings(("127.0.0.1",), unreachable=(1,)),)))
    assert [(part.state, part.checks) for part in found.services] == [("down", 1)]
    assert found.ports[0].ports[0].is_met
    assert found.exit_code == 3
