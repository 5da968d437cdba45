"""TCP and UDP probes, and ICMP without any privilege."""

import json
import subprocess
import sys
from collections.abc import Iterator

import pytest

from analysis.samples import Outcome
from tests.lab.bed import ROOT, Bed, can_make_namespaces, inside
from tests.lab.path import add_targets
from tests.lab.probing import answered, at_least, outcomes, series, watch
from tests.lab.responder import Behaviour

pytestmark = pytest.mark.netns

TARGETS = {
    "10.200.0.1": Behaviour(delay_ms=20, tcp="open"),
    "10.200.0.2": Behaviour(delay_ms=20, tcp="closed"),
    "10.200.0.3": Behaviour(silent=True),
    "10.200.0.4": Behaviour(unreachable=(3, 13), unreachable_from="10.200.7.7"),
    "10.200.0.5": Behaviour(delay_ms=20, lose=(0,), tcp="open"),
    "10.200.0.6": Behaviour(delay_ms=20, lose=(0,)),
    "fd00:200::1": Behaviour(delay_ms=20, tcp="open"),
    "fd00:200::4": Behaviour(unreachable=(1, 1), unreachable_from="fd00:200::77"),
}


@pytest.fixture(scope="module")
def far() -> Iterator[str]:
    if not can_make_namespaces():
        pytest.skip("network namespaces need root, ip(8) and /dev/net/tun")
    bed = Bed()
    try:
        namespace = bed.namespace()
        bed.sysctl(namespace, "net.ipv4.ping_group_range", "0 2147483647")
        add_targets(bed, namespace, TARGETS)
        yield namespace
    finally:
        bed.close()


@pytest.mark.parametrize("address", ["10.200.0.1", "fd00:200::1"])
async def test_a_tcp_handshake_is_timed(far: str, address: str) -> None:
    one = series(address, protocol="tcp", port=443)
    seen = await watch(one, until=answered(5, within_ms=40), namespace=far)
    assert {(told.outcome, told.reason) for told in seen} == {(Outcome.ANSWERED, None)}
    assert min(told.rtt_ms for told in seen) >= 20


async def test_a_refused_tcp_connection_shows_that_the_host_is_there(far: str) -> None:
    one = series("10.200.0.2", protocol="tcp", port=1)
    seen = await watch(one, until=at_least(3, Outcome.ANSWERED), namespace=far)
    assert {(told.outcome, told.reason) for told in seen} == {(Outcome.ANSWERED, "ECONNREFUSED")}
    assert min(told.rtt_ms for told in seen) >= 20


async def test_tcp_without_any_answer_is_lost_once_each(far: str) -> None:
    one = series("10.200.0.3", protocol="tcp", port=443, timeout_ns=60_000_000)
    seen = await watch(one, until=at_least(3, Outcome.LOST), namespace=far)
    assert set(outcomes(seen)) == {Outcome.LOST}
    assert len({told.sent_ns for told in seen}) == len(seen)


async def test_a_handshake_that_needed_a_second_syn_has_lost_its_first(far: str) -> None:
    """The kernel repeats a SYN after a second; the connection is made, and the loss must not hide behind it."""
    one = series("10.200.0.5", protocol="tcp", port=443, interval_ns=30_000_000_000, timeout_ns=3_000_000_000)
    seen = await watch(one, until=bool, namespace=far)
    assert outcomes(seen) == [Outcome.LOST]


@pytest.mark.parametrize("protocol", ["tcp", "udp"])
@pytest.mark.parametrize(
    ("address", "reason", "router"),
    [("10.200.0.4", "icmp 3/13", "10.200.7.7"), ("fd00:200::4", "icmp 1/1", "fd00:200::77")],
)
async def test_unreachable_names_the_router(far: str, protocol: str, address: str, reason: str, router: str) -> None:
    one = series(address, protocol=protocol, port=33434)
    seen = await watch(one, until=at_least(3, Outcome.UNREACHABLE), namespace=far)
    assert {(told.outcome, told.reason, told.sender) for told in seen} == {(Outcome.UNREACHABLE, reason, router)}


@pytest.mark.parametrize(("address", "reason"), [("10.200.0.1", "icmp 3/3"), ("fd00:200::1", "icmp 1/4")])
@pytest.mark.parametrize("payload_bytes", [56, 4])
async def test_udp_takes_the_targets_own_refusal_as_its_answer(
    far: str, address: str, reason: str, payload_bytes: int
) -> None:
    """Also with a payload too short to hold a token, and with several on their way at one time."""
    one = series(address, protocol="udp", port=33434, payload_bytes=payload_bytes, interval_ns=8_000_000)
    seen = await watch(one, until=answered(4, within_ms=40), namespace=far)
    assert {(told.outcome, told.reason) for told in seen} == {(Outcome.ANSWERED, reason)}
    assert min(told.rtt_ms for told in seen) >= 20


async def test_one_udp_loss_does_not_hide_the_answers_after_it(far: str) -> None:
    """What answers without our token, as most services do, is told from the lost probe before it."""
    quick = {"interval_ns": 50_000_000, "timeout_ns": 3_000_000_000}
    one = series("10.200.0.6", protocol="udp", port=33434, payload_bytes=4, **quick)
    seen = await watch(one, until=at_least(1, Outcome.LOST), namespace=far)
    first_ns = min(told.sent_ns for told in seen)
    assert {told.outcome for told in seen if told.sent_ns > first_ns} == {Outcome.ANSWERED}
    assert {told.outcome for told in seen if told.sent_ns == first_ns} == {Outcome.LOST}


async def test_a_udp_echo_service_answers(far: str, bed: Bed) -> None:
    bed.start(far, "tests.lab.udp_echo", "127.0.0.9", "7")
    one = series("127.0.0.9", protocol="udp", port=7)
    seen = await watch(one, until=at_least(3, Outcome.ANSWERED), namespace=far)
    assert {(told.outcome, told.reason) for told in seen} == {(Outcome.ANSWERED, None)}


UNPRIVILEGED = """
import asyncio, json, os, encodings.idna, ping3
from analysis.samples import Outcome
from collectors.clock import Clock
from collectors.privilege import icmp_need, look
from collectors.probe.abilities import missing
from collectors.probe.engine import Engine
from collectors.probe.stream import Binding
from tests.lab.probing import outcomes, rows, series

os.setgroups([]); os.setgid(65534); os.setuid(65534)

async def main():
    engine = Engine(Clock())
    told = {}
    for address in ADDRESSES:
        one = series(address)
        told[one.id] = (address, [])
        engine.add(one, Binding())
    while any(len(seen) < 4 for _, seen in told.values()):
        await asyncio.sleep(0.01)
        for row in rows(engine.tick()):
            told[row.series][1].append([row.outcome.name, row.rtt_ms, row.reason, row.sender])
    kinds = [engine.icmp(4), engine.icmp(6)]
    words = [str(missing(kind)) for kind in kinds]
    engine.close()
    need = str(icmp_need(look()).what)
    print(json.dumps({"told": dict(told.values()), "kinds": kinds, "words": words, "need": need}))

asyncio.run(asyncio.wait_for(main(), 90))
"""


def unprivileged(namespace: str, addresses: list[str]) -> dict:
    code = UNPRIVILEGED.replace("ADDRESSES", repr(addresses))
    with inside(namespace):
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_without_privileges_datagram_sockets_probe_just_as_well(far: str) -> None:
    result = unprivileged(far, ["10.200.0.1", "fd00:200::1", "10.200.0.4", "fd00:200::4", "203.0.113.1"])
    assert result["kinds"] == [["dgram", "kernel", None]] * 2
    assert "datagram sockets" in result["need"]
    for address in ("10.200.0.1", "fd00:200::1"):
        assert all(row[0] == "ANSWERED" and row[1] >= 20 for row in result["told"][address])
    assert all(row[0::2] == ["UNREACHABLE", "icmp 3/13"] for row in result["told"]["10.200.0.4"])
    assert all(row[3] == "10.200.7.7" for row in result["told"]["10.200.0.4"])
    assert all(row[0::2] == ["UNREACHABLE", "icmp 1/1"] for row in result["told"]["fd00:200::4"])
    assert all(row[0::2] == ["FAILED", "ENETUNREACH"] for row in result["told"]["203.0.113.1"])


def test_where_icmp_is_not_allowed_at_all_it_says_so_and_what_would_allow_it(bed: Bed) -> None:
    namespace = bed.namespace()
    bed.sysctl(namespace, "net.ipv4.ping_group_range", "1 0")
    result = unprivileged(namespace, ["127.0.0.1"])
    assert result["kinds"] == [["none", "user", "EACCES"]] * 2
    assert "ping_group_range" in result["words"][0]
    assert "neither raw nor datagram" in result["need"]
    assert all(row[0::2] == ["FAILED", "EACCES"] for row in result["told"]["127.0.0.1"])
