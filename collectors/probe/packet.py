"""Echo packets: built from a template, and replies and errors parsed. Pure; garbage parses to None.

ICMP is RFC 792, ICMPv6 is RFC 4443. ping3 reads and sums the headers off the hot path; it is imported late.
"""

import socket
import struct
from typing import Final, NamedTuple

ECHO_HEADER: Final = struct.Struct("!BBHHH")
_REQUEST: Final = {4: 8, 6: 128}
_REPLY: Final = {4: 0, 6: 129}
_ERRORS: Final = {4: (3, 11, 12), 6: (1, 2, 3, 4)}
"""Destination unreachable, time exceeded, parameter problem, and for IPv6 packet too big."""
_FILLING: Final = b"longpipe"


class Reply(NamedTuple):
    """An echo reply."""

    ident: int
    seq: int


class Refusal(NamedTuple):
    """An ICMP error about an echo request of somebody on this box."""

    ident: int
    seq: int
    address: str
    """Where the quoted request was going."""
    reason: str
    """"icmp TYPE/CODE"."""


class Template:
    """The packets of one series: only sequence and checksum differ."""

    def __init__(self, family: int, ident: int, payload_bytes: int) -> None:
        self._type = _REQUEST[family]
        self._ident = ident
        self._payload = filling(payload_bytes)
        self._sum = _ones_sum(ECHO_HEADER.pack(self._type, 0, 0, ident, 0) + self._payload)

    def packet(self, seq: int) -> bytes:
        """Return an echo request. The checksum counts for raw IPv4 only; elsewhere the kernel writes its own."""
        total = self._sum + seq
        total = (total & 0xFFFF) + (total >> 16)
        return ECHO_HEADER.pack(self._type, 0, ~total & 0xFFFF, self._ident, seq) + self._payload


def filling(size: int) -> bytes:
    """Return `size` bytes that tell a reader of a capture whose packets these are."""
    return (_FILLING * (size // len(_FILLING) + 1))[:size]


def _ones_sum(data: bytes) -> int:
    """Return the ones' complement sum of `data` as 16 bits (RFC 1071)."""
    from ping3 import checksum

    return ~socket.ntohs(checksum(data)) & 0xFFFF


def parse(family: int, data: bytes, *, ip_header: bool) -> Reply | Refusal | None:
    """Return what a received ICMP message says about an echo request, None where it says nothing.

    `ip_header`: raw IPv4 sockets deliver the IP header too. Never raises.
    """
    start = 0
    if ip_header:
        if len(data) < 20 or data[0] >> 4 != 4:
            return None
        start = (data[0] & 0xF) * 4
        if start < 20:
            return None
    if len(data) < start + 8:
        return None
    kind, code, _sum, ident, seq = ECHO_HEADER.unpack_from(data, start)
    if kind == _REPLY[family] and code == 0:
        return Reply(ident, seq)
    if kind in _ERRORS[family]:
        return _refusal(family, f"icmp {kind}/{code}", data[start + 8 :])
    return None


def _refusal(family: int, reason: str, quoted: bytes) -> Refusal | None:
    """Parse the packet quoted by an ICMP error."""
    found = _quoted_v4(quoted) if family == 4 else _quoted_v6(quoted)
    if found is None:
        return None
    address, echo = found
    kind, _code, _sum, ident, seq = ECHO_HEADER.unpack(echo)
    return Refusal(ident, seq, address, reason) if kind == _REQUEST[family] else None


def _quoted_v4(quoted: bytes) -> tuple[str, bytes] | None:
    from ping3 import read_ipv4_header

    if len(quoted) < 28:
        return None
    header = read_ipv4_header(quoted[:20])
    start = (header["version"] & 0xF) * 4
    if header["version"] >> 4 != 4 or header["protocol"] != 1 or start < 20 or len(quoted) < start + 8:
        return None
    return str(header["dest_addr"]), quoted[start : start + 8]


def _quoted_v6(quoted: bytes) -> tuple[str, bytes] | None:
    from ping3 import read_ipv6_header

    if len(quoted) < 48:
        return None
    header = read_ipv6_header(quoted[:40])
    if header["version"] != 6 or header["next_header"] != 58:
        return None
    return str(header["dest_addr"]), quoted[40:48]


def returned_seq(family: int, ident: int | None, data: bytes, payload_sizes: set[int]) -> int | None:
    """Return the sequence of our own request that came back with its transmit stamp.

    Kernels without SCM_TS_OPT_ID return the frame; its link-layer header is of unknown length, so the request
    is looked for from the end, at the payload sizes in use. `ident` None: the kernel's own, not checked.
    """
    for size in payload_sizes:
        start = len(data) - size - 8
        if start < 0:
            continue
        kind, code, _sum, found, seq = ECHO_HEADER.unpack_from(data, start)
        whole = kind == _REQUEST[family] and code == 0 and data[start + 8 :] == filling(size)
        if whole and ident in (None, found):
            return int(seq)
    return None
