"""Hop probes as bytes: whole IP packets in which only TTL and identification differ. Pure.

All packets of one flow look alike to a router that spreads by flow (Augustin et al., "Avoiding traceroute anomalies
with Paris traceroute", IMC 2006): addresses, ports, flow label and even the checksum stay the same, because the
identification stands in the packet together with its ones' complement.
"""

import struct
from typing import Final, Literal

import msgspec

from analysis.samples import Protocol
from collectors.probe.packet import filling

ICMP: Final = 1
TCP: Final = 6
UDP: Final = 17
ICMP6: Final = 58
MAGIC: Final = b"lphops"
SYN: Final = 0x02
_IP4: Final = struct.Struct("!BBHHHBBH4s4s")
_IP6: Final = struct.Struct("!IHBB16s16s")
_DONT_FRAGMENT: Final = 0x4000
_MSS: Final = 1440


class FlowKey(msgspec.Struct, frozen=True):
    """What routers see of one flow. Addresses are raw bytes; for ICMP `source_port` is the echo identifier."""

    family: Literal[4, 6]
    protocol: Protocol
    source: bytes
    destination: bytes
    source_port: int
    port: int
    tos: int = 0


class Template:
    """The packets of one flow at one size."""

    def __init__(self, key: FlowKey, size: int) -> None:
        """`size`: of the whole IP packet in bytes; at least what the headers and the identification need."""
        self._key = key
        header = 20 if key.family == 4 else 40
        self.size = max(size, header + smallest_payload(key.protocol))
        self._length = self.size - header
        self._before, self._after = self._transport()
        self._protocol = protocol_number(key)
        label = key.source_port if key.family == 6 else 0
        self._word = 6 << 28 | key.tos << 20 | label

    def packet(self, ident: int, ttl: int) -> bytes:
        """Return the probe with a 16-bit identification. The kernel adds IPv4's own checksum."""
        key = self._key
        body = self._before + struct.pack("!HH", *_pair(key.protocol, ident)) + self._after
        if key.family == 6:
            return _IP6.pack(self._word, self._length, self._protocol, ttl, key.source, key.destination) + body
        head = (0x45, key.tos, self.size, ident, _DONT_FRAGMENT, ttl, self._protocol, 0, key.source, key.destination)
        return _IP4.pack(*head) + body

    def _transport(self) -> tuple[bytes, bytes]:
        """Return the transport part before and after the identification, checksum included."""
        before, after = _layout(self._key, self._length)
        whole = before + struct.pack("!HH", *_pair(self._key.protocol, 0)) + after
        at = {"icmp": 2, "udp": 6, "tcp": 16}[self._key.protocol]
        total = ~_sum(self._pseudo_header() + whole) & 0xFFFF
        # A UDP checksum of zero says that there is none (RFC 768): it is sent as its other form.
        checksum = struct.pack("!H", total or (0xFFFF if self._key.protocol == "udp" else 0))
        whole = whole[:at] + checksum + whole[at + 2 :]
        return whole[: len(before)], whole[len(before) + 4 :]

    def _pseudo_header(self) -> bytes:
        key = self._key
        if key.family == 4 and key.protocol == "icmp":
            return b""
        return key.source + key.destination + struct.pack("!II", self._length, protocol_number(key))

    def checksum(self) -> int:
        """Return the transport checksum that all packets of this template carry."""
        at = {"icmp": 2, "udp": 6, "tcp": 16}[self._key.protocol]
        whole = self._before + bytes(4) + self._after
        return int.from_bytes(whole[at : at + 2], "big")


def smallest_payload(protocol: Protocol) -> int:
    """Return the bytes after the IP header that a probe needs at least."""
    return {"icmp": 12, "udp": 8 + len(MAGIC) + 4, "tcp": 24}[protocol]


def protocol_number(key: FlowKey) -> int:
    """Return the IP protocol of a flow."""
    if key.protocol == "icmp":
        return ICMP if key.family == 4 else ICMP6
    return TCP if key.protocol == "tcp" else UDP


def _pair(protocol: Protocol, ident: int) -> tuple[int, int]:
    """Return the identification and its complement, in the order in which they stand in the packet."""
    return (~ident & 0xFFFF, ident) if protocol == "tcp" else (ident, ~ident & 0xFFFF)


def _layout(key: FlowKey, length: int) -> tuple[bytes, bytes]:
    """Return what stands before and after the four bytes of identification, checksum left zero."""
    if key.protocol == "icmp":
        kind = 8 if key.family == 4 else 128
        return struct.pack("!BBHH", kind, 0, 0, key.source_port), filling(length - 10)
    ports = struct.pack("!HH", key.source_port, key.port)
    if key.protocol == "udp":
        return ports + struct.pack("!HH", length, 0) + MAGIC, filling(length - 12 - len(MAGIC))
    option = struct.pack("!BBH", 2, 4, _MSS)
    after = struct.pack("!IBBHHH", 0, 6 << 4, SYN, 64240, 0, 0) + option
    return ports, after + filling(length - 24)


def _sum(data: bytes) -> int:
    """Return the ones' complement sum (RFC 1071): sixteen-bit words modulo 2^16 - 1."""
    if len(data) % 2:
        data += b"\0"
    total = int.from_bytes(data, "big")
    return total % 0xFFFF or (0xFFFF if total else 0)
