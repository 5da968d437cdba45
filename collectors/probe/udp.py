"""UDP probes: an answer, or the target's own "port unreachable", shows that it is there (RFC 1122, 3.2.2.1)."""

import ipaddress
import socket
import struct
from typing import Final, Literal

from collectors.clock import Reading
from collectors.probe import linux
from collectors.probe.flights import Flight, Flights
from collectors.probe.icmp import READS, report_errors, set_fragmentation
from collectors.probe.launch import launch, transmit
from collectors.probe.packet import filling
from collectors.probe.stamps import enable, rtt_ns
from collectors.probe.stream import FAMILIES, Stream

_TOKEN: Final = struct.Struct("!6sH")
_MAGIC: Final = b"lpprob"
_PORT_UNREACHABLE: Final = {4: (3, 3), 6: (1, 4)}


def payload(size: int, seq: int) -> bytes:
    """Return `size` bytes that begin with the sequence, where there is room for it."""
    return _TOKEN.pack(_MAGIC, seq) + filling(size - _TOKEN.size) if size >= _TOKEN.size else filling(size)


def token_seq(data: bytes) -> int | None:
    """Return the sequence in an echoed or quoted payload, None where it is not one of ours."""
    if len(data) < _TOKEN.size:
        return None
    magic, seq = _TOKEN.unpack_from(data)
    return int(seq) if magic == _MAGIC else None


class UdpChannel:
    """One unconnected UDP socket for all targets of a family.

    A service that does not echo answers without a token, so an answer is that of the last probe from this socket. A
    peer that is still waited for has to be asked from another one.
    """

    def __init__(self, family: Literal[4, 6], flights: Flights, *, dont_fragment: bool = False) -> None:
        self.family = family
        self.sock = socket.socket(FAMILIES[family], socket.SOCK_DGRAM)
        self.sock.setblocking(False)
        self.stamping = enable(self.sock)
        report_errors(self.sock, family)
        set_fragmentation(self.sock, family, dont_fragment=dont_fragment)
        self._flights = flights
        self._last: dict[tuple[str, int], Flight] = {}

    def fileno(self) -> int:
        """Return the descriptor to wait on."""
        return self.sock.fileno()

    def close(self) -> None:
        """Close the socket."""
        self.sock.close()

    def waits_for(self, stream: Stream) -> bool:
        """Say whether a probe from here to the same peer is under way."""
        last = self._last.get(_peer(stream))
        return last is not None and last.outcome is None

    def send(self, stream: Stream, now: Reading) -> None:
        """Send one probe of `stream`; a failure is told, not raised."""

        def send(seq: int) -> None:
            data = payload(stream.series.payload_bytes, seq)
            transmit(self.sock, data, stream, self.stamping, seq, raw=False)
            flight = self._flights.get(seq)
            if flight is not None:
                self._last[_peer(stream)] = flight

        launch(self._flights, stream, now, send)

    def read(self, now: Reading) -> bool:
        """Take in stamps and ICMP errors, then answers; return whether more may wait."""
        self._read_errors(now)
        for _ in range(READS):
            try:
                data, control, _flags, sender = self.sock.recvmsg(64, 128)
            except BlockingIOError:
                return False
            except OSError:
                continue  # an ICMP error: its details are in the error queue
            flight = self._flight(data, sender)
            if flight is None:
                continue
            rtt = rtt_ns(flight, linux.stamp_ns(control), now)
            if sender[0] == flight.address:
                self._flights.answered(flight, rtt)
            else:
                self._flights.foreign(flight, rtt, sender[0])
        return True

    def _flight(self, data: bytes, peer: tuple[str, int]) -> Flight | None:
        """Find the probe by its token, else as the last one to `peer`."""
        seq = token_seq(data)
        return self._last.get((peer[0], peer[1])) if seq is None else self._flights.get(seq)

    def _read_errors(self, now: Reading) -> None:
        for _ in range(READS):
            try:
                data, control, _flags, peer = self.sock.recvmsg(2048, 256, socket.MSG_ERRQUEUE)
            except OSError:
                return
            error = linux.kernel_error(control)
            if error is None:
                continue
            if error.origin == linux.ORIGIN_TIMESTAMPING:
                self._stamped(error.data if self.stamping.keyed else _tail_seq(data), linux.stamp_ns(control))
            elif error.origin in (linux.ORIGIN_ICMP, linux.ORIGIN_ICMP6):
                self._refused(data, peer, error, linux.stamp_ns(control), now)

    def _stamped(self, seq: int | None, stamp_ns: int | None) -> None:
        flight = None if seq is None else self._flights.get(seq)
        if flight is not None and stamp_ns is not None:
            flight.tx_stamp_ns = stamp_ns

    def _refused(
        self, data: bytes, peer: tuple[str, int], error: linux.KernelError, stamp_ns: int | None, now: Reading
    ) -> None:
        flight = self._flight(data, peer)
        if flight is None or peer[0] != flight.address:
            return
        sender = str(ipaddress.ip_address(error.offender)) if error.offender else None
        reason = f"icmp {error.type}/{error.code}"
        if (error.type, error.code) == _PORT_UNREACHABLE[self.family] and sender in (None, flight.address):
            self._flights.answered(flight, rtt_ns(flight, stamp_ns, now), reason)
        else:
            self._flights.unreachable(flight, reason, sender)


def _peer(stream: Stream) -> tuple[str, int]:
    return stream.address, stream.series.port or 0


def _tail_seq(frame: bytes) -> int | None:
    """Return the sequence in our own frame, returned with its transmit stamp by kernels without packet keys."""
    start = frame.rfind(_MAGIC)
    return token_seq(frame[start:]) if start >= 0 else None
