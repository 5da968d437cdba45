"""The busiest TCP flows with the kernel's own account of each, by inet_diag (sock_diag(7)).

By hand, because pyroute2 takes a second for 10,000 sockets: only the flows that are kept are decoded.
"""

import errno
import heapq
import socket
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address
from struct import Struct
from typing import Final

from analysis.samples import TcpFlow, TcpFlows
from analysis.text import N_, Sentence, say
from collectors import tcp_info
from collectors.base import Emit, Need, Unavailable
from collectors.clock import Clock
from collectors.netlink import attributes, dump
from collectors.ticks import ticks

_NETLINK_SOCK_DIAG: Final = 4
_SOCK_DIAG_BY_FAMILY: Final = 20
_REQUEST: Final = Struct("=BBBxI48x")
_MESSAGE: Final = Struct("!4x2s2s16s16s4x8s20x")
"""struct inet_diag_msg: source and destination port and address, cookie."""
_ESTABLISHED: Final = 1 << 1
_WANTED: Final = 1 << 1 | 1 << 3
"""Extensions INET_DIAG_INFO and INET_DIAG_CONG."""
_INFO, _CONGESTION = 2, 4
_PORT: Final = Struct("!H")
_MOVED: Final = Struct("=120xQQ")
"""tcpi_bytes_acked, tcpi_bytes_received (Linux 4.1)."""

Address = IPv4Address | IPv6Address


def flow(message: memoryview) -> TcpFlow | None:
    """Decode one inet_diag_msg with its attributes; None if the kernel is too old to count bytes."""
    local_port, remote_port, local, remote, _ = _MESSAGE.unpack_from(message)
    fields = dict(attributes(message, _MESSAGE.size, len(message)))
    info = fields.get(_INFO, memoryview(b""))
    if len(info) < _MOVED.size:
        return None
    acked, received = _MOVED.unpack_from(info)
    told = tcp_info.decode(info)
    family = message[0]
    return TcpFlow(
        local=str(_address(family, local)),
        remote=str(_address(family, remote)),
        local_port=_PORT.unpack(local_port)[0],
        remote_port=_PORT.unpack(remote_port)[0],
        cc=bytes(fields.get(_CONGESTION, b"")).rstrip(b"\0").decode(errors="replace"),
        rtt_us=told.rtt_us,
        min_rtt_us=told.min_rtt_us,
        cwnd=told.cwnd,
        mss=told.mss,
        bytes_acked=acked,
        bytes_received=received,
        bytes_sent=told.bytes_sent,
        bytes_retrans=told.bytes_retrans,
        delivery_rate_bps=told.delivery_rate_bps,
        delivery_app_limited=told.delivery_app_limited,
        pacing_bps=told.pacing_bps,
        busy_us=told.busy_us,
        rwnd_limited_us=told.rwnd_limited_us,
        sndbuf_limited_us=told.sndbuf_limited_us,
        delivered_ce=told.delivered_ce,
        reord_seen=told.reord_seen,
        notsent_bytes=told.notsent_bytes,
    )


def _address(family: int, raw: bytes) -> Address:
    address = ip_address(raw[:4] if family == socket.AF_INET else raw)
    return getattr(address, "ipv4_mapped", None) or address


def _is_loopback(family: int, raw: bytes) -> bool:
    if family == socket.AF_INET:
        return raw[0] == 127
    return raw == b"\0" * 15 + b"\1" or (raw.startswith(b"\0" * 10 + b"\xff\xff\x7f"))


class TcpFlowsCollector:
    """Emits `TcpFlows`: those that moved most bytes since the last look, busiest first.

    Flows that moved nothing and those over loopback are left out.
    """

    name = "tcpflows"

    def __init__(self, clock: Clock, *, interval_s: float = 5.0, keep: int = 20) -> None:
        self._clock = clock
        self._interval_s = interval_s
        self._keep = keep
        self._moved: dict[bytes, int] = {}

    def needs(self) -> Sequence[Need]:
        """Everyone may read the sockets of this network namespace."""
        return ()

    async def run(self, emit: Emit) -> None:
        """Emit until cancelled."""
        async for _ in ticks(self._interval_s):
            try:
                emit(await self.read())
            except OSError as failure:
                if failure.errno != errno.ENOENT:
                    raise
                raise Unavailable(_no_diagnostics(), permanent=True) from failure

    async def read(self) -> TcpFlows:
        """Look at every established flow once."""
        moved: dict[bytes, int] = {}
        busiest: list[tuple[int, bytes, bytes]] = []
        for family in (socket.AF_INET, socket.AF_INET6):
            request = _REQUEST.pack(family, socket.IPPROTO_TCP, _WANTED, _ESTABLISHED)
            async for buffer, found in dump(_NETLINK_SOCK_DIAG, _SOCK_DIAG_BY_FAMILY, request):
                for kind, start, end in found:
                    if kind == _SOCK_DIAG_BY_FAMILY:
                        self._rank(buffer[start:end], moved, busiest)
        self._moved = moved
        flows = (flow(memoryview(message)) for _, _, message in sorted(busiest, reverse=True))
        return TcpFlows(self._clock.now_ns(), tuple(one for one in flows if one is not None), len(moved))

    def _rank(self, message: memoryview, moved: dict[bytes, int], busiest: list[tuple[int, bytes, bytes]]) -> None:
        """Note how much a flow has moved in all and keep its message if it is among the busiest."""
        *_, remote, cookie = _MESSAGE.unpack_from(message)
        if _is_loopback(message[0], remote):
            return
        total = _bytes_moved(message)
        moved[cookie] = total
        since = total - self._moved.get(cookie, 0)
        if not since:
            return
        if len(busiest) < self._keep:
            heapq.heappush(busiest, (since, cookie, bytes(message)))
        elif since > busiest[0][0]:
            heapq.heapreplace(busiest, (since, cookie, bytes(message)))


def _bytes_moved(message: memoryview) -> int:
    """Return the bytes acknowledged and received so far; 0 where the kernel does not count them."""
    for kind, payload in attributes(message, _MESSAGE.size, len(message)):
        if kind == _INFO and len(payload) >= _MOVED.size:
            return sum(_MOVED.unpack_from(payload))
    return 0


def _no_diagnostics() -> Sentence:
    return say(
        N_(
            "This kernel has no TCP diagnostics (inet_diag), so single flows cannot be seen. "
            "If its module exists, this loads it: {command}"
        ),
        command="sudo modprobe tcp_diag",
    )
