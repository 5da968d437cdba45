"""Shaping: the session goes first, everything else stays in the largest class, and the queue comes back as it was."""

import re
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab.bed import Bed, can_make_namespaces, inside
from tests.tuning.boxes import TOOL, Ear, kernel_box, now, plan_of, want
from tests.tuning.test_qdisc import Told
from tuning import deadman
from tuning.commands import Done
from tuning.failure import Refused
from tuning.host import Host
from tuning.knobs.shaping import KNOB
from tuning.plan import sort_out, steps
from tuning.steps import shown
from tuning.trial import apply, rollback

needs_namespaces = pytest.mark.skipif(not can_make_namespaces(), reason="network namespaces need root and ip(8)")
WANTED = "htb 200mbit ssh 22 pfifo"
BULK = 200_000


@pytest.mark.parametrize(
    "value",
    [
        "htb 200mbit",
        "htb 200 ssh 22 pfifo",
        "htb 0mbit ssh 22 pfifo",
        "htb 500kbit ssh 22 pfifo",
        "htb 200mbit ssh 0 pfifo",
        "htb 200mbit ssh 65536 pfifo",
        "htb 200mbit ssh 22 cake",
        "htb 200mbit ssh 22 pfifo; reboot",
    ],
)
def test_a_value_that_makes_no_sense_is_refused(value: str) -> None:
    with pytest.raises(Refused):
        KNOB.steps(Told("qdisc fq_codel 0: root refcnt 2 limit 10240p"), "eth0", value)


def test_everything_but_the_session_is_in_the_largest_class() -> None:
    (step,) = KNOB.steps(Told("qdisc fq_codel 0: root refcnt 2 limit 10240p"), "eth0", "htb 1gbit ssh 2222 fq_codel")
    commands = [shown(act) for act in step.apply]
    assert commands[0] == "tc qdisc replace dev eth0 root handle 6c75: htb default 30"
    rates = {re.findall("classid 6c75:(\\w+)", line)[0]: line for line in commands if " class " in line}
    assert " rate 990mbit ceil 1gbit " in rates["30"]
    assert " rate 10mbit ceil 1gbit " in rates["10"]
    assert [line for line in commands if "sport 2222" in line and "flowid 6c75:10" in line] == commands[-2:]


@pytest.mark.parametrize("line", ["qdisc htb 1: root refcnt 2 r2q 10 default 0x30", "qdisc cake 8001: root refcnt 2"])
def test_a_queue_that_could_not_come_back_is_not_replaced(line: str) -> None:
    with pytest.raises(Refused):
        KNOB.steps(Told(line), "eth0", WANTED)


def test_on_the_path_of_the_session_it_is_tried_alone() -> None:
    host = Told("qdisc fq_codel 0: root refcnt 2 limit 10240p")
    shaping, other = want(host, "shaping", "eth0", WANTED), want(host, "shaping", "eth1", WANTED)
    accepted, left_out = sort_out((shaping, other), ("eth0",))
    assert accepted == (other,)
    assert [refusal.wanted for refusal in left_out] == [shaping]
    with pytest.raises(Refused):
        steps(host, plan_of(shaping, want(host, "qdisc", "eth0", "pfifo")))


@pytest.fixture
def cable(bed: Bed) -> tuple[str, str]:
    """Two namespaces with a cable between them: n0 (v0, 10.9.0.1, fd09::1) and n1 (v1, 10.9.0.2, fd09::2)."""
    near, far = bed.namespace(), bed.namespace()
    bed.veth((near, "v0", "10.9.0.1/24"), (far, "v1", "10.9.0.2/24"))
    bed.ip(near, "addr add fd09::1/64 dev v0 nodad")
    bed.ip(far, "addr add fd09::2/64 dev v1 nodad")
    return near, far


@needs_namespaces
@pytest.mark.netns
@pytest.mark.parametrize("way", ["python", "script"])
@pytest.mark.parametrize("before", ["", "root handle 8001: pfifo limit 77"])
def test_the_kernel_sorts_and_comes_back(
    cable: tuple[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, before: str, way: str
) -> None:
    monkeypatch.setattr(deadman, "arm", lambda *_: "nobody")
    near, far = cable
    host, ear = kernel_box(tmp_path), Ear()
    with inside(near):
        if before:
            host.run("tc", "qdisc", "replace", "dev", "v0", *before.split())
        found = host.run("tc", "qdisc", "show", "dev", "v0").out
        plan = plan_of(want(host, "shaping", "v0", WANTED))
        if not apply(host, plan, ear, TOOL):
            pytest.skip(f"this kernel has no HTB or u32: {ear[-1].text}")
        assert now(host, "shaping", "v0") == WANTED
        assert steps(host, plan) == (), "what is so already is not done again"
        with pytest.raises(Refused):
            KNOB.steps(host, "v0", "htb 300mbit ssh 22 pfifo")

    for number, (address, port, own) in enumerate(
        [("10.9.0.1", 22, "10"), ("fd09::1", 22, "10"), ("10.9.0.1", 8022, "30"), ("fd09::1", 5001, "30")]
    ):
        earlier = _sent(host, near)
        _carry(near, far, address, port)
        grown = {name: count - earlier[name] for name, count in _sent(host, near).items()}
        assert grown[own] > BULK, (number, grown)
        assert grown[{"10": "30", "30": "10"}[own]] < BULK / 10, (number, grown)

    with inside(near):
        if way == "python":
            assert rollback(host, "", ear, TOOL)
        else:
            assert host.run("sh", str(deadman.folder(host, plan.id) / "revert.sh"), "--now").code == 0
        assert host.run("tc", "qdisc", "show", "dev", "v0").out == found


def test_a_queue_with_filters_of_somebody_else_is_left_alone() -> None:
    class Filtered(Told):
        def run(self, *argv: str, text: str = "") -> Done:
            if argv[:2] == ("tc", "filter"):
                return Done(0, "filter parent 8001: protocol ip pref 1 u32 chain 0\n")
            return super().run(*argv, text=text)

    with pytest.raises(Refused, match="filters"):
        KNOB.steps(Filtered("qdisc fq_codel 8001: root refcnt 2 limit 10240p"), "eth0", WANTED)


def _sent(host: Host, namespace: str) -> dict[str, int]:
    """Bytes that have left each class."""
    with inside(namespace):
        out = host.run("tc", "-s", "class", "show", "dev", "v0").out
    return {name: int(count) for name, count in re.findall(r"class htb 6c75:(\w+) .*\n Sent (\d+) bytes", out)}


def _carry(near: str, far: str, address: str, port: int) -> None:
    """Let a server in `near` send BULK bytes to a client in `far`."""
    with inside(near):
        server = socket.create_server((address, port), family=_family(address))
    with inside(far):
        client = socket.create_connection((address, port), timeout=90)
    with server, client:
        accepted, _ = server.accept()
        with accepted:
            accepted.settimeout(90)
            left = BULK
            while left:
                accepted.sendall(bytes(min(left, 10_000)))
                left -= sum(len(part) for part in _parts(client, min(left, 10_000)))


def _family(address: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def _parts(client: socket.socket, count: int) -> Iterator[bytes]:
    while count:
        part = client.recv(count)
        count -= len(part)
        yield part
