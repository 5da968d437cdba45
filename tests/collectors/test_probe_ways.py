"""Packets take the way they are told to, carry what they are told to, and survive the way's end."""

import contextlib
import socket
import subprocess
from collections.abc import Iterator

import pytest

from analysis.samples import Outcome, Series
from collectors.probe.stream import Binding
from tests.lab.bed import Bed, can_make_namespaces, inside
from tests.lab.path import add_targets
from tests.lab.probing import Seen, answered, at_least, outcomes, series, watch
from tests.lab.responder import Behaviour
from tests.lab.wire import ICMP, ICMP6, Packet

pytestmark = pytest.mark.netns
ETH_P_ALL = 3
BOTH = "10.9.9.9"


@pytest.fixture(scope="module")
def two_ways() -> Iterator[str]:
    """A box with two ways to one target: 5 ms by tun0, 60 ms by tun1. The default is tun0; mark 7 goes by tun1."""
    if not can_make_namespaces():
        pytest.skip("network namespaces need root, ip(8) and /dev/net/tun")
    bed = Bed()
    try:
        namespace = bed.namespace()
        for number, delay_ms in ((0, 5.0), (1, 60.0)):
            there = {BOTH: Behaviour(delay_ms=delay_ms, tcp="open")}
            addresses = (f"10.20{number}.0.1/24", f"10.20{number}.0.2/24", f"fd00:20{number}::ffff/64")
            add_targets(bed, namespace, there, device=f"tun{number}", addresses=addresses)
            bed.ip(namespace, f"route add default dev tun{number} metric {100 + number}")
        bed.ip(namespace, "route add default dev tun1 table 7")
        bed.ip(namespace, "rule add fwmark 7 table 7")
        yield namespace
    finally:
        bed.close()


@pytest.mark.parametrize("protocol", ["icmp", "tcp", "udp"])
@pytest.mark.parametrize(
    ("binding", "least_ms", "most_ms"),
    [
        (Binding(), 5, 60),
        (Binding(interface="tun0"), 5, 60),
        (Binding(interface="tun1"), 60, 400),
        (Binding(mark=7), 60, 400),
    ],
)
async def test_each_way_is_really_taken(
    two_ways: str, protocol: str, binding: Binding, least_ms: float, most_ms: float
) -> None:
    one = series(BOTH, protocol=protocol, port=443)
    seen = await watch(one, until=answered(3, within_ms=most_ms), namespace=two_ways, binding=binding)
    assert min(told.rtt_ms for told in seen) >= least_ms


async def captured(namespace: str, interface: str, one: Series, binding: Binding | None = None) -> Packet:
    """Return the first packet to the target of `one` on `interface`, while it is probed."""
    found: list[Packet] = []
    with inside(namespace), socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(ETH_P_ALL)) as tap:
        tap.bind((interface, ETH_P_ALL))
        tap.setblocking(False)

        def look(seen: Seen) -> None:
            with contextlib.suppress(BlockingIOError):
                while True:
                    packet = Packet(tap.recv(2000))
                    if packet.target == one.address:
                        found.append(packet)

        await watch(one, until=lambda seen: bool(found), namespace=namespace, binding=binding, meanwhile=look)
    return found[0]


@pytest.mark.parametrize("protocol", ["icmp", "tcp", "udp"])
async def test_the_source_address_is_the_one_asked_for(two_ways: str, protocol: str) -> None:
    binding = Binding(interface="tun1", source="10.201.0.2")
    packet = await captured(two_ways, "tun1", series(BOTH, protocol=protocol, port=443), binding)
    assert socket.inet_ntoa(packet.source) == "10.201.0.2"


@pytest.mark.parametrize("protocol", ["icmp", "tcp", "udp"])
@pytest.mark.parametrize("address", ["10.200.0.77", "fd00:200::77"])
async def test_dscp_and_size_are_on_the_wire(two_ways: str, protocol: str, address: str) -> None:
    one = series(address, protocol=protocol, port=443, dscp=46, payload_bytes=200)
    packet = await captured(two_ways, "tun0", one)
    assert packet.tos >> 2 == 46
    if packet.protocol in (ICMP, ICMP6):
        assert len(packet.payload) == 8 + 200


@pytest.mark.parametrize("forbidden", [True, False])
async def test_dont_fragment_is_on_the_wire_only_where_asked_for(two_ways: str, forbidden: bool) -> None:
    packet = await captured(two_ways, "tun0", series("10.200.0.77", dont_fragment=forbidden))
    assert bool(packet.data[6] & 0x40) == forbidden


async def test_an_interface_pulled_while_probing_is_told_and_survived(bed: Bed) -> None:
    """The device goes with its process, and comes back under the same name with another index."""
    namespace = bed.namespace()
    there = {"10.200.0.1": Behaviour()}
    processes: list[subprocess.Popen[str]] = [add_targets(bed, namespace, there)]

    def act(seen: Seen) -> None:
        if processes and at_least(3, Outcome.ANSWERED)(seen):
            bed.stop(processes.pop())
        elif not processes and at_least(3, Outcome.FAILED)(seen) and len(bed.ip(namespace, "link").splitlines()) < 4:
            add_targets(bed, namespace, there)

    def back_again(seen: Seen) -> bool:
        return Outcome.FAILED in outcomes(seen) and outcomes(seen)[-3:] == [Outcome.ANSWERED] * 3

    seen = await watch(
        series("10.200.0.1"),
        until=back_again,
        namespace=namespace,
        binding=Binding(interface="tun0"),
        meanwhile=act,
    )
    assert {told.reason for told in seen if told.outcome is Outcome.FAILED} <= {"ENODEV", "ENETUNREACH", "ENETDOWN"}
