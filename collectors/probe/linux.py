"""Linux socket numbers the standard library lacks, and their control messages as bytes. No I/O here."""

import struct
from typing import Final, NamedTuple

IP_TOS: Final = 1
IP_PKTINFO: Final = 8
IP_MTU_DISCOVER: Final = 10
IP_RECVERR: Final = 11
IPV6_MTU_DISCOVER: Final = 23
IPV6_RECVERR: Final = 25
PMTUDISC_DONT: Final = 0
PMTUDISC_PROBE: Final = 3
"""Set DF and ignore what was learnt about the path MTU (ip(7)): a probe asks the path itself."""
ICMP_FILTER: Final = 1
ICMPV6_FILTER: Final = 1
SOL_RAW: Final = 255
SOL_ICMPV6: Final = 58
SO_RCVBUFFORCE: Final = 33
SO_TIMESTAMPNS: Final = 35
SO_TIMESTAMPING: Final = 37
SCM_TS_OPT_ID: Final = 81
TCP_INFO_BYTES: Final = 104

TX_SOFTWARE: Final = 1 << 1
RX_SOFTWARE: Final = 1 << 3
SOFTWARE: Final = 1 << 4
OPT_ID: Final = 1 << 7
OPT_TSONLY: Final = 1 << 11

ORIGIN_ICMP: Final = 2
ORIGIN_ICMP6: Final = 3
ORIGIN_TIMESTAMPING: Final = 4

_TIMESPEC: Final = struct.Struct("=qq")
_ERROR: Final = struct.Struct("=IBBBxII")

Control = list[tuple[int, int, bytes]]
"""Ancillary data as `socket.recvmsg` gives it and `socket.sendmsg` takes it."""


class KernelError(NamedTuple):
    """What an error queue entry says (struct sock_extended_err, include/uapi/linux/errqueue.h)."""

    errno: int
    origin: int
    type: int
    code: int
    data: int
    """The key of a transmit stamp."""
    offender: bytes
    """Raw address of the router or host that sent the ICMP error, empty where there is none."""


def stamp_ns(control: Control) -> int | None:
    """Return the software packet stamp in ns of CLOCK_REALTIME, None where there is none."""
    for level, kind, value in control:
        if level == 1 and kind in (SO_TIMESTAMPING, SO_TIMESTAMPNS) and len(value) >= _TIMESPEC.size:
            seconds, nanoseconds = _TIMESPEC.unpack_from(value)
            stamp: int = seconds * 1_000_000_000 + nanoseconds
            return stamp or None
    return None


def kernel_error(control: Control) -> KernelError | None:
    """Return the extended error of an error queue message, None where there is none or it is cut short."""
    for level, kind, value in control:
        if (level, kind) in ((0, IP_RECVERR), (41, IPV6_RECVERR)) and len(value) >= _ERROR.size:
            errno, origin, type_, code, _info, data = _ERROR.unpack_from(value)
            return KernelError(errno, origin, type_, code, data, _offender(level, value[_ERROR.size :]))
    return None


def _offender(level: int, address: bytes) -> bytes:
    """Return the address bytes of a sockaddr_in or sockaddr_in6, empty for AF_UNSPEC."""
    if len(address) < 2 or int.from_bytes(address[:2], "little") == 0:
        return b""
    return address[4:8] if level == 0 else address[8:24]


def tx_key(key: int) -> tuple[int, int, bytes]:
    """Return the control message that names this packet's transmit stamp `key` (Linux 6.13 and later)."""
    return (1, SCM_TS_OPT_ID, key.to_bytes(4, "little"))


def packet_control(family: int, ifindex: int, source: bytes | None, mark: int, tos: int) -> Control:
    """Return control messages that bind one packet: interface, source address, firewall mark, traffic class.

    `family` is 4 or 6; `ifindex` 0, `source` None, `mark` 0 and `tos` 0 leave the choice to the kernel.
    """
    control: Control = []
    if ifindex or source:
        if family == 4:
            control.append((0, IP_PKTINFO, struct.pack("=i4s4s", ifindex, source or bytes(4), bytes(4))))
        else:
            control.append((41, 50, struct.pack("=16si", source or bytes(16), ifindex)))
    if tos:
        control.append((0, IP_TOS, struct.pack("=i", tos)) if family == 4 else (41, 67, struct.pack("=i", tos)))
    if mark:
        control.append((1, 36, struct.pack("=I", mark)))
    return control
