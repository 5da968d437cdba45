"""On a real machine: twice is once, two at a time are one, and what cannot be written is told, not half done."""

from collections.abc import Iterator

import pytest

from tests.lab_vm.machine import Machine, needs_machine

pytestmark = [needs_machine, pytest.mark.timeout(1800)]
CHANGE = "--set sysctl:net.ipv4.tcp_slow_start_after_idle=0"
OTHER = "--set sysctl:net.ipv4.tcp_mtu_probing=1"
DROP_IN = "/etc/sysctl.d/90-longpipe.conf"


@pytest.fixture
def machine() -> Iterator[Machine]:
    machine = Machine()
    yield machine
    machine.run("umount /etc; umount /var/lib")
    machine.tune("rollback")


def read_only(machine: Machine, folder: str) -> None:
    machine.run(f"mount --bind {folder} {folder} && mount -o remount,bind,ro {folder}")


def test_applying_twice_changes_nothing_the_second_time(machine: Machine) -> None:
    before = machine.values()
    plan = f"{CHANGE} --set qdisc:{machine.spare}=fq"
    assert machine.tune(f"apply {plan} --yes")[0] == 0
    assert machine.tune("confirm")[0] == 0
    kept, journal = machine.values(), machine.run(f"sha256sum /var/lib/longpipe-tuning/journal {DROP_IN}")
    code, said = machine.tune(f"apply {plan} --yes")
    assert (code, said.strip()) == (0, "Everything is so already; nothing was changed.")
    assert machine.values() == kept
    assert machine.run(f"sha256sum /var/lib/longpipe-tuning/journal {DROP_IN}") == journal
    assert machine.tune("rollback")[0] == 0
    assert machine.values() == before


def test_of_two_at_once_the_second_is_refused_with_a_sentence(machine: Machine) -> None:
    before = machine.values()
    one, two = (f"longpipe tune apply {change} --yes; echo =$?" for change in (CHANGE, OTHER))
    said = machine.run(f"({one}) > /tmp/lp1 2>&1 & ({two}) > /tmp/lp2 2>&1; wait; cat /tmp/lp1 /tmp/lp2")
    assert "Traceback" not in said
    assert said.splitlines().count("=0") == 1
    assert ("Another longpipe is changing this box" in said) + ("is under way" in said) + (
        "somebody else" in said
    ) == 1
    assert machine.tune("rollback")[0] == 0
    assert machine.values() == before


def test_a_read_only_etc_is_told_and_the_setting_holds_until_the_next_reboot(machine: Machine) -> None:
    before = machine.values()
    read_only(machine, "/etc")
    assert machine.tune(f"apply {CHANGE} --yes")[0] == 0
    code, said = machine.tune("confirm")
    assert code == 3
    assert "could not be written (Read-only file system)" in said
    assert machine.run(f"ls {DROP_IN} 2>/dev/null") == ""
    machine.run("umount /etc")
    assert machine.tune("confirm")[0] == 0, "confirming again writes what could not be written"
    assert "tcp_slow_start_after_idle = 0" in machine.run(f"cat {DROP_IN}")
    assert machine.tune("rollback")[0] == 0
    assert machine.values() == before
    assert machine.run(f"ls {DROP_IN} 2>/dev/null") == ""


def test_without_a_place_for_the_journal_nothing_is_changed(machine: Machine) -> None:
    before = machine.values()
    machine.tune(f"apply {CHANGE}")
    read_only(machine, "/var/lib")
    code, said = machine.tune(f"apply {CHANGE} --yes")
    assert code != 0
    assert "Nothing is changed without a journal" in said
    assert machine.values() == before


def test_an_ordinary_user_is_told_the_command_for_root_and_it_works(machine: Machine) -> None:
    """On the interface that carries the session: tried alone, kept by a word, put back."""
    before = machine.values()
    words = f"tune apply --set mtu:{machine.management}=1400 --yes"
    code, said = (
        machine.run(f"su nobody -s /bin/sh -c 'longpipe {words} 2>&1'; echo =$?").rstrip().rsplit("=", 1)[::-1]
    )
    assert code == "4"
    assert words in said
    assert "sudo" in said
    assert machine.values() == before
    assert machine.run(f"{said[said.index('sudo ') :].strip()}; echo =$?").rstrip().endswith("=0")
    assert "mtu 1400" in machine.values()
    assert machine.tune("rollback")[0] == 0
    assert machine.values() == before
