"""Probes are well formed and alike; what comes back is understood, and garbage is nothing."""

import socket
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.samples import HopAnswer, HopKind, Outcome
from collectors.hops import incoming
from collectors.hops.book import IDENTS, Book
from collectors.hops.inbound import returned
from collectors.hops.incoming import EchoReply, IcmpError, TcpAnswer
from collectors.hops.outgoing import FlowKey, Template, protocol_number
from tests.lab import wire
from tests.lab.network import error

idents = st.integers(1, IDENTS - 1)


@st.composite
def keys(draw: st.DrawFn) -> FlowKey:
    family = draw(st.sampled_from([4, 6]))
    size = 4 if family == 4 else 16
    protocol = draw(st.sampled_from(["icmp", "udp", "tcp"]))
    ports = st.integers(1, 65535)
    ends = st.binary(min_size=size, max_size=size)
    port = 0 if protocol == "icmp" else draw(ports)
    return FlowKey(family, protocol, draw(ends), draw(ends), draw(ports), port, draw(st.integers(0, 255)))


@given(keys(), idents, idents, st.integers(1, 255), st.integers(0, 1500))
def test_probes_of_one_flow_differ_in_ttl_and_identification_only(
    key: FlowKey, one: int, other: int, ttl: int, size: int
) -> None:
    template = Template(key, size)
    first, second = wire.Packet(template.packet(one, ttl)), wire.Packet(template.packet(other, ttl))
    assert len(first.data) == template.size >= size
    assert (first.ttl, first.tos, first.protocol) == (ttl, key.tos, protocol_number(key))
    differing = [at for at, (a, b) in enumerate(zip(first.payload, second.payload, strict=True)) if a != b]
    assert len(differing) <= 4, "the identification and its complement"
    assert first.payload[:4] == second.payload[:4], "what routers spread by"


@given(keys(), idents, st.integers(0, 300))
def test_checksums_hold(key: FlowKey, ident: int, size: int) -> None:
    packet = wire.Packet(Template(key, size).packet(ident, 9))
    pseudo = key.source + key.destination + struct.pack("!II", len(packet.payload), packet.protocol)
    covered = packet.payload if packet.protocol == wire.ICMP else pseudo + packet.payload
    assert wire.ones_complement(covered) == 0


@given(keys(), idents, st.integers(28, 600), st.lists(st.integers(0, (1 << 20) - 1), max_size=4).map(tuple))
def test_a_router_that_quotes_any_part_of_a_probe_is_understood(
    key: FlowKey, ident: int, quote: int, labels: tuple[int, ...]
) -> None:
    probe = wire.Packet(Template(key, 0).packet(ident, 3))
    least = 28 if key.family == 4 else 40 + 8 + 10
    source = b"\x0a\0\0\1" if key.family == 4 else bytes(15) + b"\1"
    kind = 11 if key.family == 4 else 3
    packet = wire.Packet(error(probe, source, kind, 0, 60, labels, max(quote, least)))
    found = incoming.icmp(key.family, packet.payload)
    assert isinstance(found, IcmpError)
    assert (found.quote.ident, found.labels) == (ident, labels)
    assert (found.quote.source, found.quote.destination) == (key.source, key.destination)
    assert (found.quote.source_port, found.quote.port) == (key.source_port, key.port)
    assert (found.quote.tos, found.quote.ttl) == (key.tos, 1)
    if found.quote.checksum is not None:
        assert found.quote.checksum == Template(key, 0).checksum()


@given(keys(), idents)
def test_the_targets_own_answers_are_understood(key: FlowKey, ident: int) -> None:
    probe = wire.Packet(Template(key, 0).packet(ident, 64))
    if key.protocol == "icmp":
        reply = wire.Packet(wire.echo_reply(probe, probe.destination))
        assert incoming.icmp(key.family, reply.payload) == EchoReply(key.source_port, ident)
    if key.protocol == "tcp":
        for flags in (wire.SYN | wire.ACK, wire.RST | wire.ACK):
            answer = wire.Packet(wire.tcp_answer(probe, flags))
            assert incoming.tcp(answer.payload) == TcpAnswer(key.port, key.source_port, ident)


@given(keys(), idents, st.sampled_from([0, 14, 18]))
def test_kernels_that_return_the_frame_with_its_stamp_are_understood(key: FlowKey, ident: int, link: int) -> None:
    frame = b"\x02" * link + Template(key, 0).packet(ident, 5)
    assert returned(key.family, frame) == ident


@settings(max_examples=300)
@given(st.sampled_from([4, 6]), st.binary(max_size=300))
def test_garbage_is_nothing_and_never_raises(family: int, data: bytes) -> None:
    incoming.ip4(data)
    incoming.icmp(family, data)
    incoming.icmp(family, bytes((11 if family == 4 else 3, 0)) + data)
    incoming.quoted(family, data)
    incoming.labels(family, data.ljust(8, b"\0"))
    incoming.labels(family, bytes(136) + b"\x20\0\0\0" + data)
    incoming.tcp(data)
    incoming.token(data)
    returned(family, data)


def test_a_segment_of_somebody_elses_connection_is_not_ours() -> None:
    segment = struct.pack("!HHIIBBHHH", 443, 50000, 1, 0x12345679, 5 << 4, wire.RST | wire.ACK, 0, 0, 0)
    assert incoming.tcp(segment) is None


def test_an_identification_is_never_used_twice_at_one_time() -> None:
    book = Book()
    flights = [book.open(1, "192.0.2.1", 0, 10**9) for _ in range(IDENTS - 1)]
    assert len({flight.seq for flight in flights if flight}) == IDENTS - 1
    assert book.open(1, "192.0.2.1", 0, 10**9) is None
    book.expire(10**11)
    assert book.open(1, "192.0.2.1", 10**11, 10**9) is not None


def test_late_and_second_answers_are_known_for_what_they_are() -> None:
    book, answer = Book(), HopAnswer("192.0.2.1", HopKind.TARGET)
    flight = book.open(5, "192.0.2.1", 0, 10**9)
    assert flight is not None
    book.expire(10**9)
    book.answered(flight, 1_200_000_000, answer)
    book.answered(flight, 1_300_000_000, answer)
    batch = book.batch(2 * 10**9, 0)
    assert batch is not None
    assert batch.outcome == (Outcome.LOST, Outcome.LATE, Outcome.DUPLICATE)
    assert len(set(batch.age_us)) == 1
    assert (batch.paths, batch.answers) == ((5,), (answer,))
    assert book.batch(3 * 10**9, 0) is None


@pytest.mark.parametrize("family", [4, 6])
def test_too_big_is_told_with_the_mtu(family: int) -> None:
    size = 4 if family == 4 else 16
    key = FlowKey(family, "icmp", bytes(size), socket.inet_pton(socket.AF_INET, "192.0.2.1").ljust(size, b"\1"), 7, 0)
    probe = wire.Packet(Template(key, 1500).packet(9, 64))
    packet = wire.Packet(error(probe, bytes(size), *((3, 4) if family == 4 else (2, 0)), 60, (), 548, 1420))
    found = incoming.icmp(family, packet.payload)
    assert isinstance(found, IcmpError)
    assert found.mtu == 1420
    assert incoming.is_too_big(family, found.type, found.code)
