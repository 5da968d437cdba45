"""What comes back, parsed: ICMP errors with what they quote, echo replies, TCP answers. Pure; garbage is None.

ICMP is RFC 792 and RFC 4443, its extensions RFC 4884 and RFC 4950 (MPLS).
"""

import struct
from typing import Final, NamedTuple

from collectors.hops.outgoing import ICMP, ICMP6, MAGIC, TCP, UDP

ACK: Final = 0x10
SYN: Final = 0x02
RST: Final = 0x04
_ERRORS: Final = {4: (3, 11), 6: (1, 2, 3)}
_REPLY: Final = {4: 0, 6: 129}
_ICMP_PROTOCOL: Final = {4: ICMP, 6: ICMP6}
_MPLS: Final = (1, 1)
_MOST_LABELS: Final = 16


class Quote(NamedTuple):
    """A probe as it arrived at whoever answers."""

    ident: int
    protocol: int
    source: bytes
    destination: bytes
    source_port: int
    """For ICMP the echo identifier."""
    port: int
    tos: int
    ttl: int
    checksum: int | None
    """Of UDP and ICMP; TCP's is seldom quoted."""


class IcmpError(NamedTuple):
    """An ICMP error about one of our probes."""

    type: int
    code: int
    quote: Quote
    mtu: int | None
    """Of the next link, where the error is that a packet is too big."""
    labels: tuple[int, ...]


class EchoReply(NamedTuple):
    """An echo reply."""

    echo_id: int
    ident: int


class TcpAnswer(NamedTuple):
    """A SYN-ACK or RST to a probe of ours: what it acknowledges says so."""

    port: int
    own_port: int
    ident: int


def ip4(data: bytes) -> tuple[int, int, bytes] | None:
    """Return (TTL, protocol, payload) of an IPv4 packet as raw sockets deliver it."""
    if len(data) < 20 or data[0] >> 4 != 4:
        return None
    start = (data[0] & 0xF) * 4
    return None if start < 20 or len(data) < start else (data[8], data[9], data[start:])


def icmp(family: int, message: bytes) -> IcmpError | EchoReply | None:
    """Return what an ICMP message, from its type on, says about a probe of somebody on this box."""
    if len(message) < 8:
        return None
    kind, code = message[0], message[1]
    if kind == _REPLY[family] and code == 0:
        return EchoReply(*struct.unpack_from("!HH", message, 4))
    if kind not in _ERRORS[family]:
        return None
    quote = quoted(family, message[8:])
    return None if quote is None else IcmpError(kind, code, quote, _mtu(family, message), labels(family, message))


def _mtu(family: int, message: bytes) -> int | None:
    kind, code = message[0], message[1]
    if family == 4:
        told = struct.unpack_from("!H", message, 6)[0] if (kind, code) == (3, 4) else 0
    else:
        told = struct.unpack_from("!I", message, 4)[0] if kind == 2 else 0
    return told or None


def is_too_big(family: int, kind: int, code: int) -> bool:
    """Tell whether an ICMP error says that a packet was too big for the next link."""
    return (kind, code) == (3, 4) if family == 4 else kind == 2


def quoted(family: int, data: bytes) -> Quote | None:
    """Return the probe that an ICMP error quotes, None where it is nobody's of ours."""
    if family == 4:
        if len(data) < 28 or data[0] >> 4 != 4:
            return None
        start = (data[0] & 0xF) * 4
        tos, ttl, protocol = data[1], data[8], data[9]
        source, destination = data[12:16], data[16:20]
        ip_ident = int.from_bytes(data[4:6], "big")
    else:
        if len(data) < 48 or data[0] >> 4 != 6:
            return None
        start = 40
        tos, ttl, protocol = int.from_bytes(data[:2], "big") >> 4 & 0xFF, data[7], data[6]
        source, destination = data[8:24], data[24:40]
        ip_ident = 0
    body = data[start:]
    if start < 20 or len(body) < 8:
        return None
    first, second, third, fourth = struct.unpack_from("!HHHH", body)
    if protocol == _ICMP_PROTOCOL[family]:
        return Quote(fourth, protocol, source, destination, third, 0, tos, ttl, second)
    if protocol == TCP:
        ident = fourth if third == ~fourth & 0xFFFF else None
        checksum = None
    elif protocol == UDP:
        ident = token(body[8:]) or ip_ident or None
        checksum = fourth
    else:
        return None
    if ident is None:
        return None
    return Quote(ident, protocol, source, destination, first, second, tos, ttl, checksum)


def token(payload: bytes) -> int | None:
    """Return the identification in a UDP payload of ours, None where it is not there whole."""
    at = len(MAGIC)
    if len(payload) < at + 4 or payload[:at] != MAGIC:
        return None
    ident, complement = struct.unpack_from("!HH", payload, at)
    return int(ident) if complement == ~ident & 0xFFFF else None


def tcp(segment: bytes) -> TcpAnswer | None:
    """Return the answer to a SYN of ours, None for any other segment."""
    if len(segment) < 20:
        return None
    port, own_port, _seq, acknowledged, _offset, flags = struct.unpack_from("!HHIIBB", segment)
    if not flags & ACK or not flags & (SYN | RST):
        return None
    high, low = (acknowledged - 1 & 0xFFFFFFFF) >> 16, acknowledged - 1 & 0xFFFF
    return TcpAnswer(port, own_port, low) if high == ~low & 0xFFFF else None


def labels(family: int, message: bytes) -> tuple[int, ...]:
    """Return the MPLS labels in an ICMP error's extensions, the outermost first.

    RFC 4884 says where the quotation ends; older routers leave its length out and begin after 128 bytes (5.5).
    """
    words = message[5] if family == 4 else message[4]
    length = words * (4 if family == 4 else 8)
    extension = message[8 + (length or 128) :]
    if len(extension) < 8 or extension[0] >> 4 != 2 or not _sums_up(extension):
        return ()
    at = 4
    while at + 4 <= len(extension):
        size, class_num, c_type = struct.unpack_from("!HBB", extension, at)
        if size < 4 or at + size > len(extension):
            return ()
        if (class_num, c_type) == _MPLS:
            entries = extension[at + 4 : at + size]
            whole = range(0, len(entries) - 3, 4)
            return tuple(int.from_bytes(entries[i : i + 4], "big") >> 12 for i in whole)[:_MOST_LABELS]
        at += size
    return ()


def _sums_up(extension: bytes) -> bool:
    """Tell whether an extension's checksum holds; zero says that there is none (RFC 4884, 7)."""
    if extension[2:4] == b"\0\0":
        return True
    padded = extension + b"\0" * (len(extension) % 2)
    return int.from_bytes(padded, "big") % 0xFFFF == 0
