"""Without a terminal there are plain lines: nothing is coloured, nothing is invented, and it ends when told to."""

import os
import re
import signal
import subprocess
import sys
from types import SimpleNamespace

import pytest
from msgspec.structs import replace

from analysis.samples import Name, Prober, Series
from analysis.settings import Settings
from analysis.text import N_, say
from analysis.view import HostRow, Lens, PathRow, Verdict, View
from analysis.window import Window
from collectors.session.reader import Ending, SessionFile
from collectors.store import ListStore
from collectors.timeline import Timeline
from tests.lab.bed import Bed, inside
from tui.cli import Exit
from tui.plain import lines, run


def path(target: str, window: Window, **more) -> PathRow:
    series = Series(1, 1, target, "192.0.2.1")
    return PathRow("1", target, more.pop("route", ""), series, window, None, 0, 0, **more)


def view(*paths: PathRow, severity="ok") -> View:
    fields = dict.fromkeys(View.__struct_fields__, ())
    fields |= {"at_ns": 1_800_000_000 * 10**9, "window_ns": 60 * 10**9, "paths": paths, "graph": None, "facts": {}}
    fields |= {"host": HostRow(), "rdma_absent": None, "dropped": 0, "plan": None}
    return View(**fields | {"verdict": Verdict(severity, say(N_("No problem seen in {n} probes."), n=4))})


def test_a_path_is_one_line_with_its_numbers() -> None:
    window = Window(0, 1, answered=99, lost=1, in_flight=2, p50_us=152_345, p99_us=210_000)
    verdict, line = lines(view(path("host.example", window, route="eth1")))
    assert re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d\d:\d\d OK No problem seen in 4 probes\.$", verdict)
    assert line.endswith(" host.example over eth1: sent 102, lost 1.0%, rtt p50 152 ms, p99 210 ms")


def test_the_families_of_one_target_are_told_apart() -> None:
    four = path("gateway", Window(0, 1), route="eth0")
    six = replace(four, id="2", series=replace(four.series, address="2001:db8::1"))
    said = [line.partition(": sent")[0].partition(" ")[2] for line in lines(view(four, six))]
    assert said[1:] == ["gateway v4 over eth0", "gateway v6 over eth0"]


def test_what_was_not_measured_is_not_zero() -> None:
    (_, line) = lines(view(path("host.example", Window(0, 1, in_flight=1), problem=say("no route"))))
    assert line.endswith(" host.example: sent 1, lost –, rtt p50 – ms, p99 – ms (no route)")


def test_a_name_that_does_not_resolve_has_a_line_of_its_own() -> None:
    name = Name(1, "gone.example", error=say("gone.example cannot be looked up."))
    resolved = Name(1, "there.example", ("192.0.2.1",))
    (_, line) = lines(replace(view(), names=(name, resolved)))
    assert line.endswith(" gone.example cannot be looked up.")


def test_a_name_that_is_being_looked_up_has_a_line_of_its_own() -> None:
    (_, line) = lines(replace(view(), names=(Name(1, "slow.example"),)))
    assert line.endswith(" slow.example: looking up its address …")


def test_a_name_cannot_steer_the_terminal() -> None:
    (_, line) = lines(view(path("\x1b[31mred\n", Window(0, 1))))
    assert "\x1b" not in line
    assert "\n" not in line


class FakeFeed:
    """A feed whose view is given."""

    host = "box"

    def __init__(self, shown: View) -> None:
        self.shown = shown
        self.closed = False
        self.player = SimpleNamespace(timeline=self)

    def view(self, _lens: Lens) -> View:
        return self.shown

    def poll(self, _elapsed_s: float) -> bool:
        return True

    def close(self) -> None:
        self.closed = True


@pytest.mark.parametrize(("severity", "code"), [("ok", 0), ("notice", 0), ("unknown", 0), ("warn", 3), ("bad", 3)])
def test_it_prints_as_often_as_asked_and_ends_with_the_verdict(severity, code, capsys) -> None:
    handlers = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGHUP)
    feed = FakeFeed(view(severity=severity))
    try:
        assert run(feed, every_s=0.001, count=3) == code
    finally:
        for number, handler in zip((signal.SIGTERM, signal.SIGHUP), handlers, strict=True):
            signal.signal(number, handler)
    assert len(capsys.readouterr().out.splitlines()) == 3
    assert feed.closed


def test_an_empty_session_can_be_printed() -> None:
    assert lines(Timeline(ListStore(), Settings()).view(Lens()))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_it_prints_lines_where_there_is_no_terminal_and_ends_when_told(number: int, tmp_path) -> None:
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("LC_", "LANG", "LONGPIPE"))}
    with subprocess.Popen(
        [sys.executable, "-m", "tui", "127.0.0.1", "--every", "0.1"],
        env=environ | {"XDG_CONFIG_HOME": str(tmp_path), "XDG_STATE_HOME": str(tmp_path)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    ) as process:
        assert process.stdout is not None
        line = next(line for line in process.stdout if "127.0.0.1" in line)
        assert "rtt p50" in line
        process.send_signal(number)
        _, errors = process.communicate(timeout=90)
    assert process.returncode == Exit.INTERRUPTED
    assert not errors


@pytest.mark.netns
def test_without_privileges_routes_and_resolvers_it_says_what_is_true(bed: Bed, tmp_path) -> None:
    """A user of nothing but files: no capability, ICMP forbidden, no default route, no name server in reach."""
    namespace = bed.namespace()
    bed.sysctl(namespace, "net.ipv4.ping_group_range", "1 0")
    wanted = [
        r" BAD This box has no default route",
        r" 127\.0\.0\.1: sent [1-9]\d*, lost 0%, rtt p50 [\d.]+ ms, p99 [\d.]+ ms$",
        r" 203\.0\.113\.9: sent 0, lost –, rtt p50 – ms, p99 – ms \(Probes cannot be sent: ENETUNREACH\.\)$",
        r" gone\.invalid cannot be looked up",
        r" This box has no gateway: nothing beyond its own links can be reached\.$",
    ]
    targets = ["127.0.0.1", "203.0.113.9", "gone.invalid", "gateway"]
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("LC_", "LANG", "LONGPIPE"))}
    with (
        inside(namespace),
        subprocess.Popen(
            ["unshare", "--user", sys.executable, "-m", "tui", *targets, "--every", "0.3"],
            env=environ | {"XDG_CONFIG_HOME": str(tmp_path), "XDG_STATE_HOME": str(tmp_path)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process,
    ):
        assert process.stdout is not None
        missing = list(wanted)
        while missing and (line := process.stdout.readline()):
            missing = [pattern for pattern in missing if not re.search(pattern, line)]
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=90)
    assert not missing
    assert (process.returncode, errors) == (Exit.INTERRUPTED, "")
    (path,) = tmp_path.glob("longpipe/*.lps")
    session = SessionFile(path)
    assert session.ending() is Ending.CLOSED
    assert {one.socket for one in session.samples() if isinstance(one, Prober)} == {"none"}
