"""RoCE inside other headers: VXLAN, IPv6 with extension headers, loopback and raw links."""

import ipaddress
import struct

import numpy as np
import pytest

from analysis.roce import icrc
from analysis.roce.decode import decode
from analysis.roce.packets import Batch
from analysis.roce.pairs import Pairs
from tests.lab.roce_frames import HOST_A, HOST_B, WRITE_ONLY, tagged, write
from tests.roce.captures import pcap, reader

V6_A, V6_B = "2001:db8::1", "2001:db8::2"
HOP_BY_HOP, FRAGMENT, DESTINATION = 0, 44, 60
ETHERNET, IP6 = 14, 40


def only_batch(frames: list[bytes], link: int = 1) -> tuple[Batch, Pairs]:
    pairs = Pairs()
    (batch,) = (decode(some, pairs) for some in reader(pcap(frames, link=link)))
    return batch, pairs


def vxlan(inner: bytes, tos: int = 0, port: int = 4789) -> bytes:
    """RFC 7348: an Ethernet frame within UDP, between two tunnel ends."""
    udp = struct.pack("!HHHH", 0xC123, port, 16 + len(inner), 0) + struct.pack("!II", 0x08000000, 42 << 8)
    ends = ipaddress.ip_address("192.0.2.1").packed + ipaddress.ip_address("192.0.2.2").packed
    ip = struct.pack("!BBHHHBBH", 0x45, tos, 20 + len(udp) + len(inner), 0, 0x4000, 64, 17, 0) + ends
    return HOST_B + HOST_A + b"\x08\0" + ip + udp + inner


def extended(frame: bytes, *headers: tuple[int, bytes]) -> bytes:
    """Put IPv6 extension headers (RFC 8200) before the UDP header; each body lacks its first byte."""
    at = ETHERNET + IP6
    chain, following = b"", 17
    for kind, body in reversed(headers):
        chain = bytes((following,)) + body + chain
        following = kind
    ip = bytearray(frame[ETHERNET:at])
    ip[4:6] = struct.pack("!H", len(frame) - at + len(chain))
    ip[6] = following
    return frame[:ETHERNET] + bytes(ip) + chain + frame[at:]


def options(eights: int = 0) -> bytes:
    return bytes((eights,)) + bytes(6 + 8 * eights)


def fragment(offset: int, *, more: bool) -> bytes:
    return struct.pack("!xHI", offset << 3 | more, 7)


def test_roce_inside_vxlan_is_that_of_the_inner_hosts() -> None:
    inner = write(0x21, 5, ack_req=True, tos=104 | 2)
    batch, pairs = only_batch([vxlan(inner), vxlan(tagged(inner, 3 << 13 | 7))])
    packets = batch.packets
    assert packets.psn.tolist() == [5, 5]
    assert packets.qpn.tolist() == [0x21, 0x21]
    assert packets.payload.tolist() == [64, 64]
    assert packets.tos.tolist() == [106, 106]
    assert packets.icrc.tolist() == [icrc.GOOD] * 2
    assert {pairs.names(pair) for pair in packets.pair.tolist()} == {("10.0.0.1", "10.0.0.2")}
    assert packets.length.tolist() == [len(inner) + 50, len(inner) + 54]


def test_a_mark_on_the_tunnel_counts_for_the_packet_in_it() -> None:
    able, unable = write(1, 1, tos=104 | 2), write(1, 2, tos=104)
    batch, _ = only_batch([vxlan(able, tos=3), vxlan(unable, tos=3), vxlan(able, tos=2)])
    assert batch.packets.tos.tolist() == [107, 104, 106]
    assert batch.packets.icrc.tolist() == [icrc.GOOD] * 3


def test_a_tunnel_in_a_tunnel_or_on_another_port_is_not_entered() -> None:
    batch, _ = only_batch([vxlan(vxlan(write(1, 1))), vxlan(write(1, 1), port=4790)])
    assert len(batch.packets) == 0
    assert batch.not_roce["other"] == 2


@pytest.mark.parametrize(
    "headers",
    [
        ((HOP_BY_HOP, options()),),
        ((DESTINATION, options(2)),),
        ((HOP_BY_HOP, options(1)), (DESTINATION, options())),
    ],
)
def test_ipv6_extension_headers_are_stepped_over(headers: tuple[tuple[int, bytes], ...]) -> None:
    batch, pairs = only_batch([extended(write(0x31, 9, src=V6_A, dst=V6_B), *headers)])
    packets = batch.packets
    assert (packets.opcode.tolist(), packets.qpn.tolist(), packets.psn.tolist()) == ([WRITE_ONLY], [0x31], [9])
    assert packets.payload.tolist() == [64]
    assert packets.tos.tolist() == [106]
    assert packets.icrc.tolist() == [icrc.UNCHECKED], "the ICRC is not defined over extension headers"
    assert pairs.names(int(packets.pair[0])) == (V6_A, V6_B)
    assert batch.fragments == 0


def test_the_first_ipv6_fragment_is_counted_and_later_ones_hold_no_rdma_header() -> None:
    whole = write(0x31, 9, src=V6_A, dst=V6_B)
    batch, _ = only_batch(
        [extended(whole, (FRAGMENT, fragment(0, more=True))), extended(whole, (FRAGMENT, fragment(8, more=False)))]
    )
    assert batch.packets.number.tolist() == [1]
    assert batch.packets.icrc.tolist() == [icrc.UNCHECKED]
    assert (batch.fragments, batch.not_roce["other"]) == (1, 1)


@pytest.mark.parametrize(("link", "lead"), [(0, b"\x02\0\0\0"), (0, b"\0\0\0\x02"), (108, b"\0\0\0\x18"), (101, b"")])
@pytest.mark.parametrize("way", [{}, {"src": V6_A, "dst": V6_B}])
def test_loopback_and_raw_links_hold_what_ethernet_holds(link: int, lead: bytes, way: dict[str, str]) -> None:
    frames = [write(0x41, psn, **way) for psn in range(3)]
    expected, _ = only_batch(frames)
    bare, _ = only_batch([lead + frame[ETHERNET:] for frame in frames], link)
    for column in ("psn", "qpn", "opcode", "payload", "tos", "icrc", "pair"):
        assert np.array_equal(getattr(bare.packets, column), getattr(expected.packets, column)), column
    assert bare.packets.icrc.tolist() == [icrc.GOOD] * 3
