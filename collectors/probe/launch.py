"""Sends one probe, on whichever socket: every way it can go wrong is told, none is raised."""

import socket
from collections.abc import Callable

from collectors.clock import Reading
from collectors.probe import linux
from collectors.probe.flights import Flights
from collectors.probe.stamps import Stamping
from collectors.probe.stream import Stream, errno_name


def launch(flights: Flights, stream: Stream, now: Reading, send: Callable[[int], None]) -> bool:
    """Let `send` send a probe of `stream` with a sequence of its own; return whether it left."""
    series = stream.series
    flight = flights.open(series.id, stream.address, now.mono_ns, series.timeout_ns)
    if flight is None:
        flights.failed(series.id, now.mono_ns, "ENOBUFS")
        return False
    flight.clock_offset_ns = now.offset_ns
    try:
        send(flight.seq)
    except OSError as problem:
        flights.take_back(flight, errno_name(problem))
        stream.refresh()
        return False
    return True


def transmit(sock: socket.socket, data: bytes, stream: Stream, stamping: Stamping, seq: int, *, raw: bool) -> None:
    """Send `data` the way of `stream`, its transmit stamp named `seq`; raise OSError where it does not leave."""
    control = stream.control()
    if stamping.keyed:
        control = [*control, linux.tx_key(seq)]
    try:
        sock.sendmsg((data,), control, 0, stream.destination())
    except OSError:
        if raw:
            raise
        # A datagram socket reports the ICMP error of an earlier probe at the next call, once.
        sock.sendmsg((data,), control, 0, stream.destination())
