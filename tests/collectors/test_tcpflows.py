"""TCP flows as the kernel accounts for them, over a real connection."""

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.samples import TcpFlows
from collectors.clock import Clock
from collectors.netlink import attributes
from collectors.tcpflows import TcpFlowsCollector, flow
from tests.collectors.namespaces import Namespace
from tests.lab.bed import Bed

INFO_BYTES = 240


@pytest.fixture
def box(bed: Bed) -> Namespace:
    made = Namespace(bed.namespace())
    made.ip("addr add 10.1.0.2/32 dev lo", "addr add fd01::2/128 dev lo nodad")
    while "fd01::2" not in bed.ip(made.name, "-6 route show table local"):
        pass  # the kernel makes the route a little after the address
    return made


@contextmanager
def connected(address: str, family: int = socket.AF_INET) -> Iterator[tuple[socket.socket, socket.socket]]:
    with socket.socket(family) as server:
        server.bind((address, 0))
        server.listen()
        with socket.create_connection(server.getsockname()[:2]) as near, server.accept()[0] as far:
            yield near, far


async def until(holds: Callable[[TcpFlows], bool], keep: int) -> TcpFlows:
    """Look until it is so: an acknowledgement may take its time."""
    while True:
        told = await TcpFlowsCollector(Clock(), keep=keep).read()
        if holds(told):
            return told


@pytest.mark.netns
def test_the_busiest_flows_come_first_and_the_rest_are_counted(box: Namespace) -> None:
    async def body() -> None:
        with connected("10.1.0.2") as (quiet, _), connected("10.1.0.2") as (busy, far), connected("10.1.0.2"):
            quiet.send(b"x" * 10)
            busy.send(b"x" * 5000)
            far.recv(5000, socket.MSG_WAITALL)
            told = await until(lambda s: any(f.bytes_acked > 5000 for f in s.flows), keep=2)
            assert told.total == 6
            first, second = told.flows
            assert {first.local_port, second.local_port} == {busy.getsockname()[1], far.getsockname()[1]}
            sender = next(f for f in told.flows if f.local_port == busy.getsockname()[1])
            assert (sender.local, sender.remote) == ("10.1.0.2", "10.1.0.2")
            assert (sender.bytes_acked, sender.bytes_sent, sender.bytes_retrans) == (5001, 5000, 0)  # the SYN counts
            assert sender.cc
            assert sender.cwnd > 0
            assert sender.mss > 0

    box.run(body)


@pytest.mark.netns
def test_a_flow_at_rest_is_counted_and_not_listed(box: Namespace) -> None:
    async def body() -> None:
        collector = TcpFlowsCollector(Clock())
        with connected("fd01::2", socket.AF_INET6) as (near, far):
            near.send(b"x" * 100)
            far.recv(100, socket.MSG_WAITALL)
            first = await collector.read()
            assert {f.local for f in first.flows} == {"fd01::2"}
            while (again := await collector.read()).flows:  # the last acknowledgement may come a little later
                pass
            assert again.total == 2
            far.send(b"y" * 50)
            near.recv(50, socket.MSG_WAITALL)
            assert 50 in {f.bytes_received for f in (await collector.read()).flows}

    box.run(body)


@pytest.mark.netns
def test_loopback_is_no_network(box: Namespace) -> None:
    async def body() -> None:
        with connected("127.0.0.1") as (near, _), connected("::1", socket.AF_INET6) as (other, _):
            near.send(b"x")
            other.send(b"x")
            told = await TcpFlowsCollector(Clock()).read()
            assert (told.flows, told.total) == ((), 0)

    box.run(body)


def message(info: bytes) -> memoryview:
    header = bytes((2, 1, 0, 0)) + (443).to_bytes(2, "big") + (5001).to_bytes(2, "big")
    addresses = bytes((10, 0, 0, 1)) + bytes(12) + bytes((10, 0, 0, 2)) + bytes(12)
    body = header + addresses + bytes(12) + bytes(20)
    return memoryview(body + (len(info) + 4).to_bytes(2, "little") + (2).to_bytes(2, "little") + info)


@given(st.integers(136, INFO_BYTES))
def test_what_an_older_kernel_does_not_tell_is_not_known(length: int) -> None:
    whole = bytearray(b"\1" * INFO_BYTES)
    told = flow(message(bytes(whole[:length])))
    assert told is not None
    assert (told.local, told.local_port, told.remote, told.remote_port) == ("10.0.0.1", 443, "10.0.0.2", 5001)
    ends = {"min_rtt_us": 152, "delivery_rate_bps": 168, "busy_us": 176, "sndbuf_limited_us": 192,
            "delivered_ce": 200, "bytes_sent": 208, "bytes_retrans": 216, "reord_seen": 224}  # fmt: skip
    for field, end in ends.items():
        assert (getattr(told, field) is not None) == (length >= end), field


def test_a_kernel_that_counts_no_bytes_gives_no_flow() -> None:
    assert flow(message(bytes(135))) is None


def test_unlimited_pacing_and_an_unmeasured_least_time_are_not_numbers() -> None:
    told = flow(message(b"\xff" * INFO_BYTES))
    assert told is not None
    assert (told.pacing_bps, told.min_rtt_us) == (None, None)


@given(st.binary(max_size=200))
def test_attributes_of_any_bytes_stay_inside_them(data: bytes) -> None:
    assert sum(4 + len(payload) for _, payload in attributes(memoryview(data), 0, len(data))) <= len(data)
