"""The power goes: what was tried is gone, what was kept is there again."""

import re
from collections.abc import Iterator

import pytest

from tests.lab_vm.machine import Machine, needs_machine, needs_power, power_cycle

pytestmark = [needs_machine, needs_power, pytest.mark.timeout(1800)]


@pytest.fixture
def machine() -> Iterator[Machine]:
    machine = Machine()
    yield machine
    machine.tune("rollback")


def plan(machine: Machine) -> str:
    wanted = (
        "sysctl:net.ipv4.tcp_slow_start_after_idle=0",
        "'sysctl:net.ipv4.tcp_wmem=4096 16384 16777216'",
        f"qdisc:{machine.spare}=fq",
        f"feature:{machine.spare}.gro=off",
    )
    return " ".join(f"--set {change}" for change in wanted)


def without_handles(values: str) -> str:
    """Leave out the numbers that the kernel gives to queues."""
    return re.sub(r"^(qdisc \w+) \w+:", r"\1", values, flags=re.MULTILINE)


def test_a_power_cut_during_a_trial_leaves_nothing_of_it(machine: Machine) -> None:
    before = machine.values()
    code, _ = machine.tune(f"apply {plan(machine)} --yes --timeout 10m")
    assert code == 0
    assert machine.values() != before
    power_cycle()
    assert machine.values() == before
    code, said = machine.tune("status")
    assert code == 0
    assert "restarted" in said
    assert "in force" not in said
    code, said = machine.tune("confirm")
    assert code != 0, "what a restart has ended cannot be kept"
    assert machine.tune("rollback")[0] == 0
    assert machine.values() == before


def test_what_is_kept_is_there_again_after_a_power_cut_and_can_be_put_back(machine: Machine) -> None:
    before = machine.values()
    assert machine.tune(f"apply {plan(machine)} --yes --timeout 10m")[0] == 0
    assert machine.tune("confirm")[0] == 0
    kept = without_handles(machine.values())
    power_cycle()
    machine.run("systemctl is-system-running --wait")
    now = machine.values()
    assert without_handles(now) == kept, "sysctls, root queue and offload"
    assert "qdisc fq " in now
    assert "generic-receive-offload: off" in now
    assert "changed since" not in machine.tune("status")[1]
    assert machine.tune("rollback")[0] == 0
    assert machine.values() == before
    power_cycle()
    assert machine.values() == before
