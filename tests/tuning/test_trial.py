"""The life of a trial: countdown, confirmation, reboot, second plans, and what a crash leaves behind."""

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.tuning.boxes import TOOL, Ear, file_box, now, plan_of, want
from tuning import deadman
from tuning.failure import Refused
from tuning.host import Host
from tuning.journal import Journal, Record, alone, begun_pattern
from tuning.keep import MODULES, SCRIPT, SYSCTL, UNIT, WANTS
from tuning.knobs.limit import LIMITS
from tuning.plan import Wanted, commands, risk_of, sort_out, steps, undo_commands
from tuning.status import status
from tuning.trial import apply, confirm, rollback

PROBING = "net.ipv4.tcp_mtu_probing"
BACKLOG = "net.ipv4.tcp_max_syn_backlog"
FILES = {
    "/proc/sys/net/ipv4/tcp_mtu_probing": "0\n",
    "/proc/sys/net/ipv4/tcp_max_syn_backlog": "128\n",
    "/proc/sys/net/netfilter/nf_conntrack_max": "262144\n",
    "/proc/modules": "",
    "/sys/class/net/eth0/queues/rx-0/rps_cpus": "00\n",
    "/mtu": "1500\n",
    "/rx": "1024\n",
    "/tx": "1024\n",
}


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return file_box(tmp_path, FILES)


@pytest.fixture
def unarmed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deadman, "arm", lambda *_: "nobody")


def sysctl(host: Host, key: str, value: str) -> Wanted:
    return want(host, "sysctl", key, value, persists="sysctl.d")


def until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 90
    while not condition():
        assert time.monotonic() < end, "it never happened"
        time.sleep(0.02)


def test_unless_confirmed_it_goes_back_by_itself(host: Host) -> None:
    ear, plan = Ear(), plan_of(sysctl(host, PROBING, "1"), seconds=3)
    assert apply(host, plan, ear, TOOL)
    assert ear.events == ["armed", "step", "applied"]
    until(lambda: now(host, "sysctl", PROBING) == "0")
    until(lambda: not Journal(host).trials()[plan.id].open)
    assert Journal(host).trials()[plan.id].ended_by == "dead-man"
    with pytest.raises(Refused, match="nothing to confirm"):
        confirm(host, "", Ear(), TOOL)


def has_ended(process: Path) -> bool:
    """Say of a process's directory in /proc whether nothing runs there; a zombie has no command line."""
    try:
        return not (process / "cmdline").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return True


def test_confirming_stops_the_countdown(host: Host) -> None:
    plan = plan_of(sysctl(host, PROBING, "1"), seconds=600)
    apply(host, plan, Ear(), TOOL)
    watcher = Path("/proc", (deadman.folder(host, plan.id) / "pending.watcher").read_text().strip())
    assert watcher.exists()
    assert confirm(host, "", Ear(), TOOL)
    until(lambda: has_ended(watcher))
    assert now(host, "sysctl", PROBING) == "1"
    assert not status(host)[-1].pending


def test_whoever_is_first_decides(host: Host, unarmed: None) -> None:
    plan = plan_of(sysctl(host, PROBING, "1"))
    apply(host, plan, Ear(), TOOL)
    (deadman.folder(host, plan.id) / "pending").rename(deadman.folder(host, plan.id) / "pending.fired")
    with pytest.raises(Refused, match="Too late"):
        confirm(host, "", Ear(), TOOL)


def test_a_reboot_ends_a_trial(host: Host, unarmed: None) -> None:
    apply(host, plan_of(sysctl(host, PROBING, "1"), sysctl(host, BACKLOG, "4096")), Ear(), TOOL)
    reboot(host)
    told = status(host)[-1]
    assert (told.rebooted, told.pending, told.in_force, told.state) == (True, False, False, "reverted")
    assert [(step.state, step.drifted) for step in told.steps] == [("reverted", False)] * 2
    with pytest.raises(Refused, match="restarted"):
        confirm(host, "", Ear(), TOOL)
    # Whoever sets the same value after the reboot has set it: it is not ours to put back.
    host.path("/proc/sys/net/ipv4/tcp_max_syn_backlog").write_text("4096\n")
    assert [step.state for step in status(host)[-1].steps] == ["reverted", "conflict"]
    assert not rollback(host, "", Ear(), TOOL)
    assert (now(host, "sysctl", PROBING), now(host, "sysctl", BACKLOG)) == ("0", "4096")


def test_a_plan_after_a_reboot_needs_no_tidying(host: Host, unarmed: None) -> None:
    apply(host, plan_of(sysctl(host, PROBING, "1")), Ear(), TOOL)
    reboot(host)
    assert apply(host, plan_of(sysctl(host, PROBING, "1")), Ear(), TOOL)
    assert [trial.state for trial in status(host)] == ["reverted", "armed"]


def reboot(host: Host) -> None:
    host.path("/proc/sys/kernel/random/boot_id").write_text("boot-2\n")
    for path, text in FILES.items():
        host.path(path).write_text(text)


def test_what_is_kept_survives_a_reboot_and_can_be_rolled_back_after_it(host: Host, unarmed: None) -> None:
    apply(host, plan_of(sysctl(host, PROBING, "1")), Ear(), TOOL)
    confirm(host, "", Ear(), TOOL)
    reboot(host)
    host.path("/proc/sys/net/ipv4/tcp_mtu_probing").write_text("1\n")  # as sysctl.d says
    assert rollback(host, "", Ear(), TOOL)
    assert now(host, "sysctl", PROBING) == "0"
    assert not host.exists(SYSCTL)


def test_plans_upon_plans(host: Host, unarmed: None) -> None:
    first = plan_of(sysctl(host, BACKLOG, "1024"), sysctl(host, PROBING, "1"))
    apply(host, first, Ear(), TOOL)
    confirm(host, "", Ear(), TOOL)
    apply(host, plan_of(sysctl(host, BACKLOG, "4096")), Ear(), TOOL)
    confirm(host, "", Ear(), TOOL)
    assert settings(host, SYSCTL) == [f"{PROBING} = 1", f"{BACKLOG} = 4096"], "each key once"
    rollback(host, "", Ear(), TOOL)
    assert sorted(settings(host, SYSCTL)) == [f"{BACKLOG} = 1024", f"{PROBING} = 1"]
    rollback(host, "", Ear(), TOOL)
    assert not host.exists(SYSCTL)
    assert (now(host, "sysctl", PROBING), now(host, "sysctl", BACKLOG)) == ("0", "128")
    with pytest.raises(Refused, match="nothing to roll back"):
        rollback(host, "", Ear(), TOOL)


def settings(host: Host, path: str) -> list[str]:
    return [line for line in host.text(path).splitlines() if not line.startswith("#")]


def test_what_sysctl_d_cannot_hold_is_kept_by_a_unit(host: Host, unarmed: None) -> None:
    host.path("/run/systemd/system").mkdir(parents=True)
    changes = (
        want(host, "module", "rdma_rxe", "loaded", persists="modules-load.d"),
        want(host, "rps", "eth0.rps_cpus", "f", persists="udev"),
        want(host, "ring", "eth0.rx", "2048", persists="udev"),
        sysctl(host, "net.netfilter.nf_conntrack_max", "524288"),
    )
    apply(host, plan_of(*changes), Ear(), TOOL)
    assert confirm(host, "", Ear(), TOOL)
    assert settings(host, MODULES) == ["rdma_rxe"]
    assert settings(host, SCRIPT) == [
        "ethtool -G eth0 rx 2048",
        "printf '%s\\n' 524288 > /proc/sys/net/netfilter/nf_conntrack_max",
        "printf '%s\\n' f > /sys/class/net/eth0/queues/rx-0/rps_cpus",
    ]
    assert host.run("sh", "-n", str(host.path(SCRIPT))).code == 0
    assert host.path(WANTS).is_symlink()
    unit = settings(host, UNIT)
    for word in ("Wants", "After"):
        assert unit.count(f"{word}=sys-subsystem-net-devices-eth0.device") == 1, "a card may be found late"
    assert rollback(host, "", Ear(), TOOL)
    assert not any(host.exists(path) for path in (MODULES, SCRIPT, UNIT))
    assert not host.path(WANTS).is_symlink()


def test_locked_memory_is_for_new_logins_and_only_kept(host: Host, unarmed: None) -> None:
    change = want(host, "limit", "memlock", "unlimited", persists="limits.d")
    assert apply(host, plan_of(change), Ear(), TOOL)
    assert not host.exists(LIMITS)
    confirm(host, "", Ear(), TOOL)
    assert settings(host, LIMITS) == ["* - memlock unlimited"]
    assert steps(host, plan_of(change)) == ()
    assert rollback(host, "", Ear(), TOOL)
    assert not host.exists(LIMITS)


def test_a_crash_between_keeping_and_writing_is_made_good(host: Host, unarmed: None) -> None:
    plan = plan_of(sysctl(host, PROBING, "1"))
    apply(host, plan, Ear(), TOOL)
    deadman.disarm(host, plan.id)
    Journal(host).append(Record(plan.id, None, "confirmed", by="person"))
    assert not host.exists(SYSCTL)
    assert confirm(host, "", Ear(), TOOL)
    assert settings(host, SYSCTL) == [f"{PROBING} = 1"]


def test_what_somebody_changed_meanwhile_is_not_kept(host: Host, unarmed: None) -> None:
    apply(host, plan_of(sysctl(host, PROBING, "1"), sysctl(host, BACKLOG, "4096")), Ear(), TOOL)
    host.path("/proc/sys/net/ipv4/tcp_mtu_probing").write_text("2\n")
    ear = Ear()
    confirm(host, "", ear, TOOL)
    assert [report.state for report in ear if report.event == "step"] == ["conflict"]
    assert settings(host, SYSCTL) == [f"{BACKLOG} = 4096"]
    host.path("/proc/sys/net/ipv4/tcp_max_syn_backlog").write_text("512\n")
    assert [(step.key, step.drifted) for step in status(host)[-1].steps] == [(PROBING, False), (BACKLOG, True)]


def test_a_torn_line_is_passed_over(host: Host, unarmed: None) -> None:
    apply(host, plan_of(sysctl(host, PROBING, "1")), Ear(), TOOL)
    journal = Journal(host)
    for torn in (b'{"plan":"2026', b'{"plan":"x","step":0,"sta', b"\xff\xfe\x00"):
        with journal.path.open("ab") as file:
            file.write(torn)
        before = journal.trials()
        journal.append(Record("other", None, "armed"))
        assert journal.trials() == before
    assert rollback(host, "", Ear(), TOOL)
    assert now(host, "sysctl", PROBING) == "0"


def test_the_script_finds_the_steps_that_were_begun(host: Host) -> None:
    host.state.mkdir(parents=True, mode=0o700)
    journal = Journal(host)
    journal.append(Record("p", 1, "planned", value="0"))
    journal.append(Record("p", 11, "applied", value="0"))
    assert begun_pattern("p", 1) in journal.path.read_text()
    assert begun_pattern("p", 11) not in journal.path.read_text()


def test_nothing_is_changed_where_the_journal_cannot_be_kept(host: Host, unarmed: None) -> None:
    host.state.parent.mkdir(parents=True)
    host.state.write_text("a file where the directory should be")
    with pytest.raises(Refused, match="Nothing is changed without a journal"):
        apply(host, plan_of(sysctl(host, PROBING, "1")), Ear(), TOOL)
    host.state.unlink()
    host.state.mkdir(mode=0o777)
    host.state.chmod(0o777)
    with pytest.raises(Refused, match="may be written by others"):
        apply(host, plan_of(sysctl(host, PROBING, "1")), Ear(), TOOL)
    assert now(host, "sysctl", PROBING) == "0"


def test_nothing_is_changed_where_nobody_would_put_it_back(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deadman, "start_apart", lambda *_: None)
    monkeypatch.setattr(deadman, "_ALIVE_S", 0.05)
    with pytest.raises(Refused, match="nothing was changed"):
        apply(host, plan_of(sysctl(host, PROBING, "1")), Ear(), TOOL)
    assert now(host, "sysctl", PROBING) == "0"


def test_a_watcher_that_has_not_named_itself_yet_is_waited_for(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = plan_of(sysctl(host, PROBING, "1"))
    mark = deadman.folder(host, plan.id) / "pending.watcher"
    monkeypatch.setattr(deadman, "start_apart", lambda *_: mark.touch())
    monkeypatch.setattr(deadman.time, "sleep", lambda _: mark.write_text(f"{os.getpid()}\n"))
    apply(host, plan, Ear(), TOOL)
    assert now(host, "sysctl", PROBING) == "1"


def test_two_at_once(host: Host, unarmed: None) -> None:
    with alone(host), pytest.raises(Refused, match="Another longpipe"):
        apply(host, plan_of(sysctl(host, PROBING, "1")), Ear(), TOOL)


def test_what_can_cut_the_path_is_tried_alone_and_what_needs_a_person_never(host: Host) -> None:
    ring, probing = want(host, "ring", "eth0.rx", "2048"), sysctl(host, PROBING, "1")
    mtu, firmware = want(host, "mtu", "eth0", "1400"), sysctl(host, BACKLOG, "4096")
    firmware = want(host, "sysctl", BACKLOG, "4096", risk="R3")
    assert risk_of(ring, ()) == "R1"
    assert risk_of(ring, ("eth0",)) == risk_of(ring, None) == "R2"
    assert sort_out([ring, probing], ())[0] == (ring, probing)
    accepted, left_out = sort_out([ring, mtu, probing, firmware], ("eth0",))
    assert accepted == (probing,)
    assert [refusal.wanted for refusal in left_out] == [firmware, ring, mtu]
    assert sort_out([mtu, ring], ("eth0",))[0] == (mtu,)
    with pytest.raises(Refused):
        steps(host, plan_of(mtu, probing))
    with pytest.raises(Refused):
        steps(host, plan_of(want(host, "mtu", "eth0", "1400", risk="R4")))


def test_a_plan_that_is_out_of_date_is_refused(host: Host, unarmed: None) -> None:
    plan = plan_of(sysctl(host, PROBING, "1"))
    host.path("/proc/sys/net/ipv4/tcp_mtu_probing").write_text("2\n")
    with pytest.raises(Refused, match="somebody else is at work"):
        apply(host, plan, Ear(), TOOL)
    assert now(host, "sysctl", PROBING) == "2"


def test_a_plan_reads_as_commands(host: Host) -> None:
    made = steps(host, plan_of(sysctl(host, PROBING, "1"), want(host, "ring", "eth0.rx", "2048")))
    assert commands(made) == ["ethtool -G eth0 rx 2048", f"sysctl -w {PROBING}=1"]
    assert undo_commands(made) == [f"sysctl -w {PROBING}=0", "ethtool -G eth0 rx 1024"]
