"""The session dies in the middle of a change of the very interface that carries it: the box comes back by itself."""

import shlex
import signal
import subprocess
from collections.abc import Iterator

import pytest

from tests.lab_vm.machine import Machine, needs_machine

pytestmark = [needs_machine, pytest.mark.timeout(1800)]
CUTTER = "longpipe-lab-cutter"
MTU = 1400
DEAD_MAN_S = 25
SLACK_S = 60
"""For an emulated machine on a busy computer to put it back, once the countdown is over."""


@pytest.fixture
def machine() -> Iterator[Machine]:
    machine = Machine()
    yield machine
    machine.run(f"systemctl stop {CUTTER}; nft delete table netdev lplab")
    machine.tune("rollback")


def change(machine: Machine) -> str:
    return f"longpipe tune apply --set mtu:{machine.management}={MTU} --yes --timeout {DEAD_MAN_S}s"


def came_back(machine: Machine) -> list[str]:
    """Wait until the last plan is closed; it must be so in time by the machine's own clock. Return all its states."""

    def closed() -> bool:
        last = machine.journal()[-1:]  # nothing while the machine cannot be reached
        return bool(last) and last[0]["step"] is None and last[0]["state"] not in {"planned", "armed"}

    machine.until(closed)
    records = machine.journal()
    deadline_ns = next(record["deadline_ns"] for record in records if record["state"] == "armed")
    assert records[-1]["time_ns"] < deadline_ns + SLACK_S * 10**9
    return [record["state"] for record in records]


@pytest.mark.parametrize("victim", ["the ssh client", "longpipe", "the executor"])
def test_whoever_is_killed_the_interface_comes_back_in_time(machine: Machine, victim: str) -> None:
    before = machine.values()
    with machine.session(change(machine)) as session:
        armed(session)
        match victim:
            case "the ssh client":
                session.send_signal(signal.SIGKILL)
            case "longpipe":
                machine.run("pkill -9 -f '[l]ongpipe tune apply'")
            case _:
                machine.run("pkill -9 -f '[t]uning.executor'")
        assert came_back(machine)[-1] == "reverted"
    assert machine.values() == before


def test_a_change_that_cuts_the_path_is_put_back(machine: Machine) -> None:
    """Nothing gets through at the new size: the change itself kills the session, and every new one."""
    before, name = machine.values(), machine.management
    rules = f"table netdev lplab {{ chain in {{ type filter hook ingress device {name} priority 0; policy drop; }} }}"
    small = f"ip -o link show dev {name} | grep -q 'mtu {MTU} '"
    loop = f"while sleep 0.1; do if {small}; then nft '{rules}'; else nft delete table netdev lplab; fi; done"
    machine.run(f"systemd-run --collect --unit={CUTTER} bash -c {shlex.quote(loop)} 2> /dev/null")
    with machine.session(change(machine)) as session:
        armed(session)
        states = came_back(machine)
    assert "applied" in states
    assert states[-1] == "reverted"
    assert machine.values() == before


def armed(session: "subprocess.Popen[str]") -> None:
    assert session.stdout
    assert any("goes back" in line for line in session.stdout), "the way back is armed before anything is changed"
