"""TCP probes: a handshake timed by the kernel (TCP_INFO), so that a busy process does not lengthen it."""

import asyncio
import errno
import socket
import struct
from typing import Final

from collectors.clock import Clock, Reading
from collectors.probe import linux
from collectors.probe.flights import Flight, Flights
from collectors.probe.icmp import report_errors
from collectors.probe.stream import FAMILIES, Stream, errno_name

FIRST_RETRY_NS: Final = 1_000_000_000
"""A SYN without answer is sent again after this long (RFC 6298, 2.1)."""
_RTT_AT: Final = 68
_TOTAL_RETRANS_AT: Final = 100
_NEVER_LEFT: Final = frozenset({errno.ENETDOWN, errno.EADDRNOTAVAIL, errno.EPERM, errno.EACCES, errno.ENODEV})


class TcpChannel:
    """Handshakes on their way; one short-lived socket each, none of them blocking."""

    def __init__(self, flights: Flights, clock: Clock, loop: asyncio.AbstractEventLoop) -> None:
        self._flights = flights
        self._clock = clock
        self._loop = loop
        self._waiting: dict[Flight, socket.socket] = {}

    def send(self, stream: Stream, now: Reading) -> None:
        """Start one handshake of `stream`; a failure is told, not raised."""
        series = stream.series
        flight = self._flights.open(series.id, stream.address, now.mono_ns, series.timeout_ns)
        if flight is None:
            self._flights.failed(series.id, now.mono_ns, "ENOBUFS")
            return
        try:
            sock = _socket(stream)
        except OSError as problem:
            self._flights.take_back(flight, errno_name(problem))
            return
        result = sock.connect_ex(stream.destination())
        if result in (0, errno.EINPROGRESS, errno.ECONNREFUSED):
            self._waiting[flight] = sock
            self._loop.add_writer(sock.fileno(), self._ready, flight, result)
            return
        sock.close()
        self._flights.take_back(flight, errno.errorcode.get(result, "EIO"))
        stream.refresh()

    def _ready(self, flight: Flight, at_once: int) -> None:
        """Judge a handshake that has ended one way or the other."""
        sock = self._waiting[flight]
        elapsed_ns = self._clock.reading().mono_ns - flight.sent_ns
        problem = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if at_once == errno.ECONNREFUSED or problem == errno.ECONNREFUSED:
            self._flights.answered(flight, elapsed_ns, "ECONNREFUSED")
        elif problem == 0:
            self._judge(
                flight, sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, linux.TCP_INFO_BYTES), elapsed_ns
            )
        elif problem == errno.ETIMEDOUT:
            self._flights.lost(flight)
        else:
            self._refused(flight, problem, icmp_error(sock))
        self._close(flight)

    def _refused(self, flight: Flight, problem: int, said: tuple[str, str | None] | None) -> None:
        """Tell a handshake that ICMP ended (EACCES may stand for "prohibited" there), or that never left."""
        if said is not None:
            self._flights.unreachable(flight, *said)
        elif problem in _NEVER_LEFT:
            self._flights.take_back(flight, errno.errorcode[problem])
        else:
            self._flights.unreachable(flight, errno.errorcode.get(problem, "EIO"), None)

    def _judge(self, flight: Flight, info: bytes, elapsed_ns: int) -> None:
        rtt_ns = handshake_ns(info, elapsed_ns)
        if rtt_ns is None:
            self._flights.lost(flight)
        else:
            self._flights.answered(flight, rtt_ns)

    def sweep(self) -> None:
        """Give up the handshakes whose probe has been told lost."""
        for flight in [flight for flight in self._waiting if flight.outcome is not None]:
            self._close(flight)

    def close(self) -> None:
        """Give up every handshake."""
        for flight in list(self._waiting):
            self._close(flight)

    def _close(self, flight: Flight) -> None:
        sock = self._waiting.pop(flight)
        self._loop.remove_writer(sock.fileno())
        sock.close()


def handshake_ns(info: bytes, elapsed_ns: int) -> int | None:
    """Return the round-trip time of the first SYN from a struct tcp_info, None where that SYN was lost.

    A handshake made by a second SYN hides the loss of the first. With TCP timestamps (RFC 7323) the kernel times
    the SYN that was answered: under a second, after a repetition, that was not the first one.
    """
    if len(info) < linux.TCP_INFO_BYTES:
        return elapsed_ns
    (rtt_us,) = struct.unpack_from("=I", info, _RTT_AT)
    (repeated,) = struct.unpack_from("=I", info, _TOTAL_RETRANS_AT)
    if repeated and rtt_us * 1000 < FIRST_RETRY_NS:
        return None
    return rtt_us * 1000 if rtt_us else elapsed_ns


def _socket(stream: Stream) -> socket.socket:
    """Return an unconnected socket bound to the way out of `stream`; raise OSError where it is gone."""
    sock = socket.socket(FAMILIES[stream.family], socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
    try:
        _bind(sock, stream)
    except OSError:
        sock.close()
        raise
    return sock


def _bind(sock: socket.socket, stream: Stream) -> None:
    binding = stream.binding
    stream.destination()
    report_errors(sock, stream.family)
    # No state is left behind on this box: a probe a second would hold 60 ports in TIME-WAIT for each target.
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("=ii", 1, 0))
    if binding.mark:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_MARK, binding.mark)
    if binding.interface:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, binding.interface.encode() + b"\0")
    if binding.source:
        sock.bind((binding.source, 0))
    if stream.series.dscp:
        tos = stream.series.dscp << 2
        if stream.family == 4:
            sock.setsockopt(socket.IPPROTO_IP, socket.IP_TOS, tos)
        else:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_TCLASS, tos)


def icmp_error(sock: socket.socket) -> tuple[str, str | None] | None:
    """Return what an ICMP error about this handshake said, and who; None where the queue holds none."""
    try:
        _data, control, _flags, _address = sock.recvmsg(512, 256, socket.MSG_ERRQUEUE)
    except OSError:
        return None
    error = linux.kernel_error(control)
    if error is None or error.origin not in (linux.ORIGIN_ICMP, linux.ORIGIN_ICMP6):
        return None
    sender = socket.inet_ntop(sock.family, error.offender) if error.offender else None
    return f"icmp {error.type}/{error.code}", sender
