"""The lab itself does what later tests rely on."""

import socket
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.samples import Outcome
from tests.lab.bed import Bed, inside
from tests.lab.chance import DECK, Dealer
from tests.lab.path import add_long_cable, add_targets
from tests.lab.probing import at_least, series, watch
from tests.lab.responder import Behaviour, Lab, Plan
from tests.lab.wire import Packet, icmp, ip

pytestmark = pytest.mark.netns


def test_a_cable_carries_tcp_whole_and_late(bed: Bed) -> None:
    near, far = bed.namespace(), bed.namespace()
    add_long_cable(bed, near, far, delay_ms=15)
    bed.start(far, "tests.lab.tcp_sink", "10.201.0.2", "5001")
    with inside(near):
        peer = socket.create_connection(("10.201.0.2", 5001), timeout=90)
    with peer:
        peer.sendall(bytes(300_000))
        peer.shutdown(socket.SHUT_WR)
        assert peer.recv(100) == b"300000"
        rtt_us = int.from_bytes(peer.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 104)[68:72], "little")
    assert rtt_us >= 30_000


async def test_a_cable_loses_what_it_is_told_to(bed: Bed) -> None:
    near, far = bed.namespace(), bed.namespace()
    add_long_cable(bed, near, far, delay_ms=1, loss=0.3)
    one = series("10.201.0.2", interval_ns=4_000_000, timeout_ns=100_000_000)
    both = (at_least(5, Outcome.LOST), at_least(5, Outcome.ANSWERED))
    await watch(one, until=lambda seen: all(enough(seen) for enough in both), namespace=near)


def test_hops_answer_by_ttl_and_the_target_behind_them() -> None:
    lab = Lab(Plan("tun0", {"10.0.0.9": Behaviour(delay_ms=30, hops=("10.1.0.1", "10.2.0.1"))}))
    home = socket.inet_aton("192.0.2.1")
    request = icmp(home, socket.inet_aton("10.0.0.9"), 8, 0, b"\0\1\0\1data")

    def answer(ttl: int) -> tuple[float, str, int]:
        probe = Packet(ip(home, socket.inet_aton("10.0.0.9"), 1, Packet(request).payload, ttl))
        ((after_ms, data),) = lab.answers(probe)
        return after_ms, socket.inet_ntoa(Packet(data).source), Packet(data).payload[0]

    assert [answer(ttl) for ttl in (1, 2, 3)] == [(10, "10.1.0.1", 11), (20, "10.2.0.1", 11), (30, "10.0.0.9", 0)]


@given(st.sampled_from([0.05, 0.3, 0.5, 0.6]), st.lists(st.integers(1, 3), max_size=300))
def test_loss_has_its_share_whatever_comes_between(share: float, order: list[int]) -> None:
    mixed, alone = Dealer(7), Dealer(7)
    lost = {ttl: [mixed.is_lost(share, "t", one) for one in order if one == ttl] for ttl in (1, 2, 3)}
    assert lost[3] == [alone.is_lost(share, "t", 3) for _ in lost[3]]
    for fates in lost.values():
        whole = len(fates) // DECK * DECK
        assert sum(fates[:whole]) == pytest.approx(share * whole)


def test_hops_lose_apart_from_one_another() -> None:
    dealer = Dealer(7)
    one, two = ([dealer.is_lost(0.5, "t", ttl) for _ in range(400)] for ttl in (1, 2))
    assert 70 < sum(a and b for a, b in zip(one, two, strict=True)) < 130


def test_what_a_bed_made_is_gone_afterwards(bed: Bed) -> None:
    name = bed.namespace()
    add_targets(bed, name, {})
    assert name in subprocess.run(["ip", "netns"], capture_output=True, text=True, check=True).stdout
    bed.close()
    assert name not in subprocess.run(["ip", "netns"], capture_output=True, text=True, check=True).stdout
