"""Packets: what we build is what the RFCs say, and nothing that arrives can break the parser."""

import ipaddress
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.samples import Series
from collectors.clock import Clock, Reading
from collectors.probe import linux
from collectors.probe.flights import Flight
from collectors.probe.packet import Refusal, Reply, Template, parse, returned_seq
from collectors.probe.stamps import rtt_ns
from collectors.probe.stream import Binding, Stream
from collectors.probe.tcp import handshake_ns
from collectors.probe.udp import payload, token_seq
from tests.lab import wire

IDENT = st.integers(0, 0xFFFF)
SEQ = st.integers(0, 0xFFFF)
SIZE = st.integers(0, 1500)
OURS = {4: ipaddress.ip_address("192.0.2.1").packed, 6: ipaddress.ip_address("2001:db8::1").packed}
THEIRS = {4: ipaddress.ip_address("198.51.100.9").packed, 6: ipaddress.ip_address("2001:db8::9").packed}


def request(family: int, ident: int, seq: int, size: int) -> wire.Packet:
    protocol = wire.ICMP if family == 4 else wire.ICMP6
    return wire.Packet(wire.ip(OURS[family], THEIRS[family], protocol, Template(family, ident, size).packet(seq)))


def received(family: int, packet: bytes) -> Reply | Refusal | None:
    """Parse as a raw socket delivers: with the IP header in IPv4 only."""
    return parse(family, packet if family == 4 else packet[40:], ip_header=family == 4)


@given(IDENT, SEQ, SIZE)
@settings(max_examples=60)
def test_the_checksum_of_an_ipv4_request_is_right(ident: int, seq: int, size: int) -> None:
    assert wire.ones_complement(Template(4, ident, size).packet(seq)) == 0


@pytest.mark.parametrize("family", [4, 6])
@given(ident=IDENT, seq=SEQ, size=SIZE)
@settings(max_examples=40)
def test_a_reply_to_our_request_is_read_back(family: int, ident: int, seq: int, size: int) -> None:
    reply = wire.echo_reply(request(family, ident, seq, size), THEIRS[family])
    assert received(family, reply) == Reply(ident, seq)


@pytest.mark.parametrize(
    ("family", "kind", "code"), [(4, 3, 1), (4, 3, 4), (4, 11, 0), (6, 1, 4), (6, 2, 0), (6, 3, 0)]
)
@given(ident=IDENT, seq=SEQ)
@settings(max_examples=20)
def test_an_error_about_our_request_is_read_back(family: int, kind: int, code: int, ident: int, seq: int) -> None:
    error = wire.icmp_error(request(family, ident, seq, 56), THEIRS[family], kind, code)
    address = str(ipaddress.ip_address(THEIRS[family]))
    assert received(family, error) == Refusal(ident, seq, address, f"icmp {kind}/{code}")


@pytest.mark.parametrize("family", [4, 6])
@pytest.mark.parametrize("ip_header", [True, False])
@given(data=st.binary(max_size=120))
@settings(max_examples=150)
def test_no_garbage_breaks_the_parser(family: int, ip_header: bool, data: bytes) -> None:
    parse(family, data, ip_header=ip_header)
    returned_seq(family, 1, data, {0, 8, 56})
    token_seq(data)
    handshake_ns(data, 1)


@pytest.mark.parametrize("family", [4, 6])
@given(data=st.data())
@settings(max_examples=100)
def test_no_damaged_packet_breaks_the_parser(family: int, data: st.DataObject) -> None:
    whole = wire.icmp_error(request(family, 1, 2, 8), THEIRS[family], 3, 1)
    cut = bytearray(whole[: data.draw(st.integers(0, len(whole)))])
    for at in data.draw(st.lists(st.integers(0, len(whole) - 1), max_size=5)):
        if at < len(cut):
            cut[at] = data.draw(st.integers(0, 255))
    received(family, bytes(cut))


@given(st.lists(st.tuples(st.sampled_from([0, 1, 41]), st.integers(0, 60), st.binary(max_size=60)), max_size=4))
@settings(max_examples=100)
def test_no_control_message_breaks_the_reader(control: list) -> None:
    linux.stamp_ns(control)
    linux.kernel_error(control)


@given(IDENT, SEQ, st.binary(max_size=30), st.sampled_from([0, 8, 56, 1000]))
@settings(max_examples=60)
def test_our_own_frame_is_known_by_its_end_whatever_stands_before_it(
    ident: int, seq: int, link_header: bytes, size: int
) -> None:
    frame = link_header + request(4, ident, seq, size).data
    assert returned_seq(4, ident, frame, {size, 300}) == seq
    assert returned_seq(4, ident ^ 1, frame, {size}) is None


@given(SEQ, st.integers(8, 200))
def test_a_udp_payload_carries_its_sequence(seq: int, size: int) -> None:
    data = payload(size, seq)
    assert len(data) == size
    assert token_seq(data) == seq
    assert token_seq(data + b"more") == seq


@pytest.mark.parametrize(
    ("repeated", "rtt_us", "expected"),
    [(0, 20_000, 20_000_000), (1, 20_000, None), (1, 0, None), (1, 1_400_000, 1_400_000_000), (0, 0, 77)],
)
def test_a_handshake_counts_for_its_first_syn_only(repeated: int, rtt_us: int, expected: int | None) -> None:
    info = bytearray(linux.TCP_INFO_BYTES)
    struct.pack_into("=I", info, 68, rtt_us)
    struct.pack_into("=I", info, 100, repeated)
    assert handshake_ns(bytes(info), 77) == expected


WALL = 1_795_000_000_000_000_000
DURATION = st.integers(0, 10**10)


def flight(tx_stamp_ns: int | None) -> Flight:
    one = Flight(1, "192.0.2.1", 1, 1_000, 2 * 10**9)
    one.clock_offset_ns = WALL
    one.tx_stamp_ns = tx_stamp_ns
    return one


@given(DURATION, DURATION, st.booleans(), st.integers(-(10**13), 10**13), st.integers(-(10**13), 10**13))
@settings(max_examples=300)
def test_no_clock_makes_a_round_trip_negative_or_longer_than_we_waited(
    truth: int, read_after: int, stamped: bool, step: int, bent: int
) -> None:
    waited = truth + read_after
    now = Reading(1_000 + waited, WALL + step)
    found = rtt_ns(flight(WALL + 1_000 if stamped else None), WALL + 1_000 + truth + bent, now)
    assert 0 <= found <= waited + 1_000_000


@given(DURATION, DURATION, st.booleans())
def test_with_sound_clocks_reading_late_does_not_lengthen_a_round_trip(
    truth: int, read_after: int, stamped: bool
) -> None:
    now = Reading(1_000 + truth + read_after, WALL)
    assert rtt_ns(flight(WALL + 1_000 if stamped else None), WALL + 1_000 + truth, now) == truth


@given(DURATION, DURATION, st.integers(2_000_000, 10**13) | st.integers(-(10**13), -2_000_000))
def test_across_a_step_of_the_wall_clock_the_monotonic_one_decides(truth: int, read_after: int, step: int) -> None:
    now = Reading(1_000 + truth + read_after, WALL + step)
    assert rtt_ns(flight(WALL + 1_000), WALL + 1_000 + truth + step, now) == truth + read_after


def test_a_reading_torn_by_a_pause_is_taken_again() -> None:
    mono = iter([0, 30_000_000, 40_000_000, 40_000_100])
    reading = Clock(lambda: 0, lambda: 0)
    reading._mono, reading._wall = lambda: next(mono), lambda: 50_000_000
    assert reading.reading() == Reading(40_000_100, 50_000_000 - 40_000_050)


def test_addresses_are_compared_as_the_kernel_writes_them() -> None:
    stream = Stream(Series(0, 1, "x", "2001:DB8:0:0::0001"), Binding())
    assert stream.address == "2001:db8::1"
