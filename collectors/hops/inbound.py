"""Reads what comes back and finds the probe that it answers."""

import asyncio
import socket
from collections.abc import Callable
from functools import partial
from typing import Final

from analysis.samples import HopAnswer, HopKind
from collectors.clock import Clock, Reading
from collectors.hops import incoming
from collectors.hops.book import Book, HopFlight
from collectors.hops.incoming import EchoReply, IcmpError
from collectors.hops.outgoing import ICMP, TCP
from collectors.hops.route import TracedPath
from collectors.hops.sockets import Received, Receiver, Sender
from collectors.probe import linux
from collectors.probe.stamps import rtt_ns
from collectors.probe.stream import Family

_TAKEN: Final = 2048


class Inbound:
    """The receiving sockets of every family and protocol in use."""

    def __init__(
        self, book: Book, paths: dict[int, TracedPath], loop: asyncio.AbstractEventLoop, clock: Clock
    ) -> None:
        self._book = book
        self._paths = paths
        self._loop = loop
        self._clock = clock
        self._receivers: dict[tuple[Family, str], Receiver] = {}
        self._senders: dict[Family, Sender] = {}

    def open(self, traced: TracedPath, sender: Sender) -> None:
        """Begin to listen for the answers to a path's probes."""
        family = traced.family
        self._senders[family] = sender
        if (family, "icmp") not in self._receivers:
            self._listen(family, Receiver(family, "icmp"), self._icmp)
        if traced.path.protocol == "tcp" and (family, "tcp") not in self._receivers:
            self._listen(family, Receiver(family, "tcp"), self._tcp)
        if traced.path.protocol == "udp" and traced.reservation is not None:
            for flow, sock in enumerate(traced.reservation.socks):
                self._loop.add_reader(sock.fileno(), partial(self._datagrams, sock, traced, flow))

    def forget(self, traced: TracedPath) -> None:
        """Stop listening on a path's own ports."""
        if traced.path.protocol == "udp" and traced.reservation is not None:
            for sock in traced.reservation.socks:
                self._loop.remove_reader(sock.fileno())

    def read_all(self) -> None:
        """Take in everything that is waiting."""
        for (_family, protocol), receiver in self._receivers.items():
            self._read(receiver, self._tcp if protocol == "tcp" else self._icmp)

    def stamps(self, sender: Sender) -> None:
        """Take in transmit stamps."""
        for data, key, stamp_ns in sender.stamps():
            ident = key if sender.stamping.keyed else returned(sender.family, data)
            flight = None if ident is None else self._book.get(ident)
            if flight is not None:
                flight.tx_stamp_ns = stamp_ns

    def close(self) -> None:
        """Close the receiving sockets."""
        for receiver in self._receivers.values():
            self._loop.remove_reader(receiver.sock.fileno())
            receiver.sock.close()
        self._receivers.clear()

    def _listen(
        self, family: Family, receiver: Receiver, take: Callable[[Receiver, Received, Reading], None]
    ) -> None:
        self._receivers[family, receiver.protocol] = receiver
        self._loop.add_reader(receiver.sock.fileno(), self._read, receiver, take)

    def _read(self, receiver: Receiver, take: Callable[[Receiver, Received, Reading], None]) -> None:
        self.stamps(self._senders[receiver.family])
        now = self._clock.reading()
        for received in receiver.read():
            take(receiver, received, now)

    def _icmp(self, receiver: Receiver, received: Received, now: Reading) -> None:
        message, limit = received.data, received.hop_limit
        if receiver.family == 4:
            packet = incoming.ip4(message)
            if packet is None or packet[1] != ICMP:
                return
            limit, _protocol, message = packet
        match incoming.icmp(receiver.family, message):
            case EchoReply(echo_id, ident):
                flight, traced = self._find(ident)
                if flight and traced and traced.echo_id == echo_id and received.sender == traced.address:
                    answer = HopAnswer(received.sender, HopKind.TARGET, reply_ttl=limit)
                    self._settle(flight, traced, answer, received.stamp_ns, now)
            case IcmpError() as error:
                self._error(error, received, limit, now)
            case None:
                return

    def _error(self, error: IcmpError, received: Received, limit: int | None, now: Reading) -> None:
        flight, traced = self._find(error.quote.ident)
        if flight is None or traced is None or not traced.is_ours(error.quote, flight.flow):
            return
        answer = HopAnswer(
            received.sender,
            traced.kind_of(received.sender, error.type),
            error.code,
            limit,
            error.quote.tos,
            error.quote.ttl,
            error.labels,
            rewritten=flight.judge is None and traced.is_rewritten(error.quote, flight.flow),
        )
        too_big = incoming.is_too_big(traced.family, error.type, error.code)
        if too_big and flight.judge is None:
            return  # of a probe of 64 bytes: no statement about the path
        self._settle(flight, traced, answer, received.stamp_ns, now, (error.mtu or 0) if too_big else None)

    def _tcp(self, receiver: Receiver, received: Received, now: Reading) -> None:
        segment, limit = received.data, received.hop_limit
        if receiver.family == 4:
            packet = incoming.ip4(segment)
            if packet is None or packet[1] != TCP:
                return
            limit, _protocol, segment = packet
        found = incoming.tcp(segment)
        if found is None:
            return
        flight, traced = self._find(found.ident)
        if flight is None or traced is None or traced.path.protocol != "tcp" or received.sender != traced.address:
            return
        key = traced.flow_key(flight.flow)
        if (found.port, found.own_port) == (key.port, key.source_port):
            answer = HopAnswer(received.sender, HopKind.TARGET, reply_ttl=limit)
            self._settle(flight, traced, answer, received.stamp_ns, now)

    def _datagrams(self, sock: socket.socket, traced: TracedPath, flow: int) -> None:
        """Take what a UDP service answers: it echoes our identification, or only one probe can be meant."""
        now = self._clock.reading()
        while True:
            try:
                data, control, _flags, sender = sock.recvmsg(_TAKEN, 128)
            except OSError:
                return
            if (sender[0], sender[1]) != (traced.address, traced.path.port):
                continue
            ident = incoming.token(data)
            waiting = self._book.waiting(traced.path.id, flow)
            flight = self._book.get(ident) if ident else waiting[0] if len(waiting) == 1 else None
            if flight is not None and (flight.series, flight.flow) == (traced.path.id, flow):
                answer = HopAnswer(sender[0], HopKind.TARGET)
                self._settle(flight, traced, answer, linux.stamp_ns(control), now)

    def _find(self, ident: int) -> tuple[HopFlight | None, TracedPath | None]:
        flight = self._book.get(ident)
        return (None, None) if flight is None else (flight, self._paths.get(flight.series))

    def _settle(
        self,
        flight: HopFlight,
        traced: TracedPath,
        answer: HopAnswer,
        stamp_ns: int | None,
        now: Reading,
        mtu: int | None = None,
    ) -> None:
        rtt = rtt_ns(flight, stamp_ns, now)
        self._book.answered(flight, rtt, answer, mtu)
        if flight.judge is None:
            traced.learn(flight.ttl, flight.flow, answer, rtt)


def returned(family: int, frame: bytes) -> int | None:
    """Return the identification in our own frame, which kernels without packet keys return with its stamp.

    Its link-layer header is of unknown length: nothing, Ethernet's 14 bytes, or those and a tag.
    """
    for start in (14, 0, 18, 4):
        quote = incoming.quoted(family, frame[start:])
        if quote is not None:
            return quote.ident
    return None
