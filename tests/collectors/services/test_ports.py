"""Ports as they answer across a network, and beside what listens on this box."""

import contextlib
import socket
import subprocess
from collections.abc import Iterator

import pytest

from analysis.samples import PortRow, Ports
from analysis.services.settings import PortSettings
from collectors.clock import Clock
from collectors.services.listeners import listeners
from collectors.services.ports import look
from tests.collectors.namespaces import Namespace
from tests.collectors.services.visits import home, nowhere
from tests.lab.bed import Bed, can_make_namespaces
from tests.lab.path import add_targets
from tests.lab.responder import Behaviour

TARGETS = {
    "10.200.0.1": Behaviour(tcp="open"),
    "10.200.0.2": Behaviour(tcp="closed"),
    "10.200.0.3": Behaviour(silent=True),
    "10.200.0.4": Behaviour(unreachable=(3, 13), unreachable_from="10.200.7.7"),
    "10.200.0.5": Behaviour(unreachable=(3, 3), unreachable_from="10.200.7.7"),
    "fd00:200::4": Behaviour(unreachable=(1, 1), unreachable_from="fd00:200::77"),
}


@pytest.fixture(scope="module")
def far() -> Iterator[Namespace]:
    if not can_make_namespaces():
        pytest.skip("network namespaces need root, ip(8) and /dev/net/tun")
    bed = Bed()
    try:
        namespace = bed.namespace()
        add_targets(bed, namespace, TARGETS)
        yield Namespace(namespace)
    finally:
        bed.close()


async def rows_of(matrix: PortSettings) -> tuple[PortRow, ...]:
    return (await look(matrix.hosts[0], matrix, nowhere, Clock())).rows


def seen_in(namespace: Namespace, host: str, *, timeout_s: float = 20.0, reachable=(22,), unreachable=()) -> Ports:
    found: list[Ports] = []

    async def body() -> None:
        settings = PortSettings((host,), reachable=reachable, unreachable=unreachable, timeout_s=timeout_s)
        found.append(await look(host, settings, nowhere, Clock()))

    namespace.run(body)
    return found[0]


@pytest.mark.netns
@pytest.mark.parametrize(
    ("host", "state", "by", "icmp"),
    [
        ("10.200.0.1", "open", None, None),
        ("10.200.0.2", "closed", "10.200.0.2", None),
        ("10.200.0.4", "unreachable", "10.200.7.7", "icmp 3/13"),
        ("10.200.0.5", "closed", "10.200.7.7", "icmp 3/3"),
        ("fd00:200::4", "unreachable", "fd00:200::77", "icmp 1/1"),
        ("192.0.2.1", "unreachable", "", None),
    ],
)
def test_a_port_is_told_with_who_said_so(
    far: Namespace, host: str, state: str, by: str | None, icmp: str | None
) -> None:
    seen = seen_in(far, host)
    (row,) = seen.rows
    assert (row.state, row.by, row.icmp, row.listener) == (state, by, icmp, None)
    assert (row.took_us is not None) == (state == "open")
    assert not seen.is_local


@pytest.mark.netns
def test_silence_is_a_filtered_port(far: Namespace) -> None:
    (row,) = seen_in(far, "10.200.0.3", timeout_s=0.1).rows
    assert (row.state, row.by, row.icmp) == ("filtered", None, None)


@contextlib.contextmanager
def listening(*addresses: str) -> Iterator[tuple[int, ...]]:
    """Listen on these addresses; yields the ports."""
    with contextlib.ExitStack() as stack:
        ports = []
        for address in addresses:
            sock = stack.enter_context(socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET))
            sock.bind((address, 0))
            sock.listen()
            ports.append(sock.getsockname()[1])
        yield tuple(ports)


@pytest.mark.netns
def test_this_boxs_own_ports_are_compared_with_what_listens(bed: Bed) -> None:
    name = bed.namespace()
    bed.ip(name, "addr add 10.99.0.1/32 dev lo")

    async def body() -> None:
        with listening("127.0.0.1", "0.0.0.0", "10.99.0.1", "::") as (inner, every, one, both):
            settings = PortSettings(("10.99.0.1",), reachable=(1, inner), unreachable=(every, one, both))
            seen = await look("10.99.0.1", settings, nowhere, Clock())
        assert seen.is_local
        found = {row.port: (row.state, row.listener) for row in seen.rows}
        assert found == {
            1: ("closed", "none"),
            inner: ("closed", "loopback"),
            every: ("open", "every"),
            one: ("open", "one"),
            both: ("open", "every"),
        }

    Namespace(name).run(body)


@pytest.mark.netns
def test_a_firewall_of_this_box_is_told_from_a_service_that_is_not_there(bed: Bed) -> None:
    name = bed.namespace()
    rules = (
        "add table inet f; add chain inet f i { type filter hook input priority 0; };"
        "add rule inet f i tcp dport 7001 drop; add rule inet f i tcp dport 7002 reject with icmpx admin-prohibited"
    )
    done = subprocess.run(["ip", "netns", "exec", name, "nft", rules], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"nft does not work here: {done.stderr.strip() or 'not installed'}")

    async def body() -> None:
        with contextlib.ExitStack() as stack:
            for port in (7001, 7002):
                sock = stack.enter_context(socket.socket())
                sock.bind(("0.0.0.0", port))
                sock.listen()
            swallowed = PortSettings(("127.0.0.1",), reachable=(7001,), timeout_s=0.1)
            rejected = PortSettings(("127.0.0.1",), reachable=(7002,), timeout_s=20)
            rows = [row for matrix in (swallowed, rejected) for row in await rows_of(matrix)]
        found = {row.port: (row.state, row.by, row.icmp, row.listener) for row in rows}
        assert found == {
            7001: ("filtered", None, None, "every"),
            7002: ("unreachable", "127.0.0.1", "icmp 3/13", "every"),
        }

    Namespace(name).run(body)


async def test_listeners_are_those_of_the_kernel() -> None:
    with listening("127.0.0.1", "0.0.0.0", "::1") as ports:
        found = await listeners()
        assert [sorted(map(str, found[port])) for port in ports] == [["127.0.0.1"], ["0.0.0.0"], ["::1"]]
    assert not {*ports} & {*await listeners()}


async def test_a_name_is_looked_up_and_one_without_an_address_is_told() -> None:
    with listening("127.0.0.1") as (port,):
        seen = await look("head.example", PortSettings(("head.example",), reachable=(port,)), home, Clock())
    assert (seen.host, seen.address, seen.rows[0].state) == ("head.example", "127.0.0.1", "open")

    async def lost(host: str) -> tuple[str, ...]:
        raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")

    seen = await look("head.example", PortSettings(("head.example",), reachable=(22,)), lost, Clock())
    assert seen.rows == ()
    assert "Temporary failure" in str(seen.error)
