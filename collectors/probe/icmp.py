"""Echo requests over one raw (or, without privileges, datagram) ICMP socket."""

import secrets
import socket
import struct
from collections.abc import Iterable
from typing import Final, Literal

from collectors.clock import Reading
from collectors.probe import linux
from collectors.probe.flights import Flight, Flights
from collectors.probe.launch import launch, transmit
from collectors.probe.packet import Refusal, Template, parse, returned_seq
from collectors.probe.stamps import enable, rtt_ns
from collectors.probe.stream import FAMILIES, Stream

RECEIVE_BYTES: Final = 2 << 20
READS: Final = 512
"""Packets read at a time, so that a flood of others' replies cannot hold the loop."""
_PROTOCOL: Final = {4: socket.IPPROTO_ICMP, 6: socket.IPPROTO_ICMPV6}
_WANTED: Final = {4: (0, 3, 11, 12), 6: (1, 2, 3, 4, 129)}


class IcmpChannel:
    """One ICMP socket and what comes back on it. Raises OSError at the start where ICMP is not allowed."""

    def __init__(
        self, family: Literal[4, 6], flights: Flights, *, dont_fragment: bool = False, stamp_sending: bool = True
    ) -> None:
        self.family = family
        self.kind: Literal["raw", "dgram"]
        self._flights = flights
        self.sock, self.kind = _open(family)
        self.sock.setblocking(False)
        self._ident = secrets.randbelow(0xFFFF) + 1
        self.stamping = enable(self.sock, sending=stamp_sending)
        self.sent = self.tx_stamped = 0
        _set_options(self.sock, family, self.kind, dont_fragment=dont_fragment)
        self._templates: dict[int, Template] = {}

    def fileno(self) -> int:
        """Return the descriptor to wait on."""
        return self.sock.fileno()

    def close(self) -> None:
        """Close the socket."""
        self.sock.close()

    def send(self, stream: Stream, now: Reading) -> None:
        """Send one probe of `stream`; a failure is told, not raised."""
        template = self._template(stream.series.payload_bytes)

        def send(seq: int) -> None:
            transmit(self.sock, template.packet(seq), stream, self.stamping, seq, raw=self.kind == "raw")

        self.sent += launch(self._flights, stream, now, send)

    def _template(self, payload_bytes: int) -> Template:
        template = self._templates.get(payload_bytes)
        if template is None:
            template = self._templates[payload_bytes] = Template(self.family, self._ident, payload_bytes)
        return template

    def read(self, now: Reading) -> bool:
        """Take in transmit stamps, then replies (a round trip needs its stamp); return whether more may wait."""
        self.read_errors()
        ip_header = self.kind == "raw" and self.family == 4
        for _ in range(READS):
            try:
                data, control, _flags, sender = self.sock.recvmsg(576, 128)
            except BlockingIOError:
                return False
            except OSError:
                continue  # an ICMP error of a datagram socket: its details are in the error queue
            message = parse(self.family, data, ip_header=ip_header)
            if message is None or (self.kind == "raw" and message.ident != self._ident):
                continue
            flight = self._flights.get(message.seq)
            if flight is None:
                continue
            if isinstance(message, Refusal):
                if message.address == flight.address:
                    self._flights.unreachable(flight, message.reason, sender[0])
            else:
                self._reply(flight, control, sender[0], now)
        return True

    def _reply(self, flight: Flight, control: linux.Control, sender: str, now: Reading) -> None:
        rtt = rtt_ns(flight, linux.stamp_ns(control), now)
        if sender == flight.address:
            self._flights.answered(flight, rtt)
        else:
            self._flights.foreign(flight, rtt, sender)

    def read_errors(self) -> None:
        """Take in transmit stamps and, on datagram sockets, ICMP errors."""
        for _ in range(READS):
            try:
                data, control, _flags, _address = self.sock.recvmsg(2048, 256, socket.MSG_ERRQUEUE)
            except OSError:
                return
            error = linux.kernel_error(control)
            if error is None:
                continue
            if error.origin == linux.ORIGIN_TIMESTAMPING:
                seq = error.data if self.stamping.keyed else self._returned(data)
                self._stamped(seq, linux.stamp_ns(control))
            elif error.origin in (linux.ORIGIN_ICMP, linux.ORIGIN_ICMP6) and len(data) >= 8:
                self._refused(struct.unpack_from("!H", data, 6)[0], error)

    def _returned(self, data: bytes) -> int | None:
        ident = self._ident if self.kind == "raw" else None
        return returned_seq(self.family, ident, data, set(self._templates))

    def _stamped(self, seq: int | None, stamp_ns: int | None) -> None:
        flight = None if seq is None else self._flights.get(seq)
        if flight is not None and stamp_ns is not None:
            flight.tx_stamp_ns = stamp_ns
            self.tx_stamped += 1

    def _refused(self, seq: int, error: linux.KernelError) -> None:
        flight = self._flights.get(seq)
        if flight is not None:
            sender = socket.inet_ntop(FAMILIES[self.family], error.offender) if error.offender else None
            self._flights.unreachable(flight, f"icmp {error.type}/{error.code}", sender)


def _open(family: int) -> tuple[socket.socket, Literal["raw", "dgram"]]:
    kind, protocol = FAMILIES[family], _PROTOCOL[family]
    try:
        return socket.socket(kind, socket.SOCK_RAW, protocol), "raw"
    except PermissionError:
        return socket.socket(kind, socket.SOCK_DGRAM, protocol), "dgram"


def _set_options(sock: socket.socket, family: int, kind: str, *, dont_fragment: bool) -> None:
    make_room(sock, RECEIVE_BYTES)
    set_fragmentation(sock, family, dont_fragment=dont_fragment)
    if kind == "raw":
        let_through(sock, family, _WANTED[family])
    else:
        report_errors(sock, family)


def make_room(sock: socket.socket, room_bytes: int) -> None:
    """Give a socket so much room for what waits to be read, or as much as this user may have."""
    try:
        sock.setsockopt(socket.SOL_SOCKET, linux.SO_RCVBUFFORCE, room_bytes)
    except PermissionError:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, room_bytes)


def let_through(sock: socket.socket, family: int, types: Iterable[int]) -> None:
    """Let only these ICMP types through: a raw socket otherwise sees all ICMP of the box."""
    blocked = (1 << 256) - 1 if family == 6 else (1 << 32) - 1
    for kind in types:
        blocked &= ~(1 << kind)
    if family == 4:
        sock.setsockopt(linux.SOL_RAW, linux.ICMP_FILTER, blocked.to_bytes(4, "little"))
    else:
        sock.setsockopt(linux.SOL_ICMPV6, linux.ICMPV6_FILTER, blocked.to_bytes(32, "little"))


def report_errors(sock: socket.socket, family: int, *, wanted: bool = True) -> None:
    """Have ICMP errors put into the error queue, with who said so (ip(7), IP_RECVERR), or no longer."""
    level, option = (
        (socket.IPPROTO_IP, linux.IP_RECVERR) if family == 4 else (socket.IPPROTO_IPV6, linux.IPV6_RECVERR)
    )
    sock.setsockopt(level, option, int(wanted))


def set_fragmentation(sock: socket.socket, family: int, *, dont_fragment: bool) -> None:
    """Set whether packets may be fragmented on their way."""
    discover = linux.PMTUDISC_PROBE if dont_fragment else linux.PMTUDISC_DONT
    if family == 4:
        sock.setsockopt(socket.IPPROTO_IP, linux.IP_MTU_DISCOVER, discover)
    else:
        sock.setsockopt(socket.IPPROTO_IPV6, linux.IPV6_MTU_DISCOVER, discover)
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_DONTFRAG, int(dont_fragment))
