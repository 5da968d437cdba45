"""struct tcp_info (linux/tcp.h), as getsockopt and inet_diag give it. It only ever grows."""

import socket
from struct import Struct
from typing import Final, NamedTuple

_U32, _U64 = Struct("=I"), Struct("=Q")
_SIZE: Final = 512
_UNKNOWN_U32: Final = 0xFFFFFFFF
_UNLIMITED_U64: Final = 0xFFFFFFFFFFFFFFFF
_APP_LIMITED_AT: Final = 7


class TcpInfo(NamedTuple):
    """What longpipe reads of it; None where the kernel is too old to tell. Rates are bit/s."""

    mss: int
    rtt_us: int
    cwnd: int
    pacing_bps: int | None
    min_rtt_us: int | None
    notsent_bytes: int | None
    delivery_rate_bps: int | None
    delivery_app_limited: bool | None
    busy_us: int | None
    rwnd_limited_us: int | None
    sndbuf_limited_us: int | None
    delivered_ce: int | None
    bytes_sent: int | None
    bytes_retrans: int | None
    reord_seen: int | None


def decode(info: memoryview | bytes) -> TcpInfo:
    """Return the fields of a struct of at least Linux 2.6's length (88 bytes)."""

    def field(kind: Struct, at: int) -> int | None:
        return int(kind.unpack_from(info, at)[0]) if at + kind.size <= len(info) else None

    pacing, min_rtt, delivery = field(_U64, 104), field(_U32, 148), field(_U64, 160)
    return TcpInfo(
        mss=_U32.unpack_from(info, 16)[0],
        rtt_us=_U32.unpack_from(info, 68)[0],
        cwnd=_U32.unpack_from(info, 80)[0],
        pacing_bps=None if pacing in (None, 0, _UNLIMITED_U64) else pacing * 8,
        min_rtt_us=None if min_rtt == _UNKNOWN_U32 else min_rtt,
        notsent_bytes=field(_U32, 144),
        delivery_rate_bps=delivery * 8 if delivery else None,
        delivery_app_limited=None if not delivery else bool(info[_APP_LIMITED_AT] & 1),
        busy_us=field(_U64, 168),
        rwnd_limited_us=field(_U64, 176),
        sndbuf_limited_us=field(_U64, 184),
        delivered_ce=field(_U32, 196),
        bytes_sent=field(_U64, 200),
        bytes_retrans=field(_U64, 208),
        reord_seen=field(_U32, 220),
    )


def of_socket(sock: socket.socket) -> TcpInfo:
    """Return a connected socket's. Raises OSError."""
    return decode(sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _SIZE))
