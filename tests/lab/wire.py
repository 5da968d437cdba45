"""Packets of the lab's far side, as bytes. Written against the RFCs, apart from the code under test."""

import ipaddress
import struct

ICMP, TCP, UDP, ICMP6 = 1, 6, 17, 58
SYN, RST, ACK = 0x02, 0x04, 0x10


def ones_complement(data: bytes) -> int:
    """RFC 1071."""
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


class Packet:
    """A received IPv4 or IPv6 packet without extension headers."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.version = data[0] >> 4
        if self.version == 4:
            self.header = (data[0] & 15) * 4
            self.tos, self.ttl, self.protocol = data[1], data[8], data[9]
            self.source, self.destination = data[12:16], data[16:20]
        else:
            self.header = 40
            self.tos = (int.from_bytes(data[:2], "big") >> 4) & 0xFF
            self.protocol, self.ttl = data[6], data[7]
            self.source, self.destination = data[8:24], data[24:40]
        self.payload = data[self.header :]

    @property
    def target(self) -> str:
        return str(ipaddress.ip_address(self.destination))

    @property
    def is_echo_request(self) -> bool:
        return (self.protocol, self.payload[0]) in ((ICMP, 8), (ICMP6, 128))


def ip(source: bytes, destination: bytes, protocol: int, payload: bytes, ttl: int = 64) -> bytes:
    if len(source) == 16:
        return struct.pack("!IHBB", 6 << 28, len(payload), protocol, ttl) + source + destination + payload
    head = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(payload), 0, 0, ttl, protocol, 0, source, destination)
    return head[:10] + struct.pack("!H", ones_complement(head)) + head[12:] + payload


def summed(source: bytes, destination: bytes, protocol: int, payload: bytes, at: int) -> bytes:
    """Return `payload` with its checksum at offset `at`, over the pseudo header except for ICMPv4."""
    payload = payload[:at] + b"\0\0" + payload[at + 2 :]
    pseudo = b"" if protocol == ICMP else source + destination + struct.pack("!II", len(payload), protocol)
    return payload[:at] + struct.pack("!H", ones_complement(pseudo + payload)) + payload[at + 2 :]


def icmp(source: bytes, destination: bytes, kind: int, code: int, rest: bytes, ttl: int = 64) -> bytes:
    """`rest`: all after the checksum."""
    protocol = ICMP if len(source) == 4 else ICMP6
    message = summed(source, destination, protocol, struct.pack("!BBH", kind, code, 0) + rest, 2)
    return ip(source, destination, protocol, message, ttl)


def echo_reply(request: Packet, source: bytes, ttl: int = 64) -> bytes:
    return icmp(source, request.source, 0 if request.version == 4 else 129, 0, request.payload[4:], ttl)


def icmp_error(about: Packet, source: bytes, kind: int, code: int, ttl: int = 64) -> bytes:
    """An ICMP error that quotes what RFC 1812 (v4) and RFC 4443 (v6) ask for: as much as fits."""
    return icmp(source, about.source, kind, code, bytes(4) + about.data[: 548 if about.version == 4 else 1232], ttl)


def tcp_answer(syn: Packet, flags: int) -> bytes:
    """A SYN-ACK or RST to a SYN."""
    source_port, port, seq = struct.unpack_from("!HHI", syn.payload)
    segment = struct.pack("!HHIIBBHHH", port, source_port, 1, seq + 1 & 0xFFFFFFFF, 5 << 4, flags, 65535, 0, 0)
    return ip(syn.destination, syn.source, TCP, summed(syn.destination, syn.source, TCP, segment, 16))
