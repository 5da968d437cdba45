"""Where PID 1 is systemd: its timer keeps the countdown, and boot brings back what was kept, nothing else.

These change a real box for some seconds: a setting that hardly matters, put back at the end whatever happens.
"""

import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.tuning.boxes import TOOL, Ear, is_root, now, plan_of, want
from tuning import deadman
from tuning.host import Host
from tuning.keep import SCRIPT, SYSCTL, UNIT, WANTS
from tuning.trial import apply, confirm, rollback

KEY = "net.ipv4.tcp_no_metrics_save"
pytestmark = [
    pytest.mark.skipif(not Path("/run/systemd/system").exists(), reason="PID 1 is not systemd"),
    pytest.mark.skipif(not is_root(), reason="timers of the system need root"),
]


def until(condition: Callable[[], bool], seconds: float = 90) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it never happened"
        time.sleep(0.1)


def systemctl(*words: str) -> int:
    return subprocess.run(["systemctl", *words], check=False, capture_output=True).returncode


@pytest.fixture
def host() -> Iterator[Host]:
    host = Host()
    if host.state.exists() or host.exists(SYSCTL):
        pytest.skip("longpipe is in use on this box")
    path = Path("/proc/sys", *KEY.split("."))
    before = path.read_text()
    path.write_text("0\n")
    try:
        yield host
    finally:
        for script in host.state.glob("*/revert.sh"):
            systemctl("stop", f"longpipe-revert-{script.parent.name}.timer")
        path.write_text(before)
        for file in (SYSCTL, SCRIPT, UNIT, WANTS):
            host.path(file).unlink(missing_ok=True)
        subprocess.run(["rm", "-rf", "--", str(host.state)], check=True)


def test_the_timer_of_systemd_puts_back(host: Host) -> None:
    ear = Ear()
    plan = plan_of(want(host, "sysctl", KEY, "1"), seconds=3)
    assert apply(host, plan, ear, TOOL)
    assert ear[0].by == "systemd"
    assert systemctl("is-active", f"longpipe-revert-{plan.id}.timer") == 0
    until(lambda: now(host, "sysctl", KEY) == "0")


def test_confirming_stops_the_timer(host: Host) -> None:
    plan = plan_of(want(host, "sysctl", KEY, "1", persists="sysctl.d"), seconds=60)
    assert apply(host, plan, Ear(), TOOL)
    assert confirm(host, "", Ear(), TOOL)
    assert systemctl("is-active", f"longpipe-revert-{plan.id}.timer") != 0
    assert systemctl("restart", "systemd-sysctl") == 0
    assert now(host, "sysctl", KEY) == "1"
    assert rollback(host, "", Ear(), TOOL)
    assert now(host, "sysctl", KEY) == "0"
    assert not host.exists(SYSCTL)


def test_the_unit_for_boot_sets_what_was_kept(host: Host) -> None:
    mask = Path("/sys/class/net/lo/queues/rx-0/rps_cpus")
    before = mask.read_text()
    assert apply(host, plan_of(want(host, "rps", "lo.rps_cpus", "1", persists="udev")), Ear(), TOOL)
    assert confirm(host, "", Ear(), TOOL)
    mask.write_text(before)
    systemctl("daemon-reload")
    assert systemctl("start", Path(UNIT).name) == 0
    assert now(host, "rps", "lo.rps_cpus") == "1"
    assert systemctl("is-enabled", "--quiet", Path(UNIT).name) == 0
    assert rollback(host, "", Ear(), TOOL)
    assert mask.read_text() == before
    assert not host.exists(UNIT)


def test_the_countdown_outlives_the_session(host: Host) -> None:
    plan = plan_of(want(host, "sysctl", KEY, "1"), seconds=2)
    assert apply(host, plan, Ear(), TOOL)
    assert not (deadman.folder(host, plan.id) / "pending.watcher").exists(), "no process of ours keeps it"
    until(lambda: now(host, "sysctl", KEY) == "0")
