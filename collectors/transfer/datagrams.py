"""Sends datagrams at a pace and receives them: many to a system call where the kernel can (UDP GSO and GRO)."""

import asyncio
import contextlib
import errno
import socket
from collections.abc import Awaitable, Iterable
from itertools import compress
from struct import Struct
from typing import Final, Protocol

import numpy as np

from analysis.transfer.datagrams import Arrivals, runs
from collectors.probe.linux import SO_RCVBUFFORCE, SO_TIMESTAMPNS, stamp_ns
from collectors.transfer.talk import Gone, lost
from collectors.transfer.wire import DATAGRAM, PATTERN_LIMIT, Arrived, Ask

SEGMENTS: Final = 64
"""Datagrams in one call (UDP_MAX_SEGMENTS before Linux 6.9)."""
GSO_BYTES: Final = 65_000
GSO_ABOVE_BPS: Final = 50_000_000
"""Slower ones go one by one: virtual links carry, and lose, what goes together as one."""
BUFFER_BYTES: Final = 8 << 20
BEHIND_S: Final = 0.02
"""A sender that was held up catches up with no more than this."""
TURN: Final = 512
"""Datagrams before whatever else waits for the loop: a line that is never full would keep it at too high a pace."""
OVERTIME_S: Final = 2.0
"""How much longer than asked one that was held up may send: where the line is slower than the pace, it ends then."""
QUIET_S: Final = 0.3
"""So long after the last datagram nothing more is expected, once all are said to be sent."""
STRAGGLERS_S: Final = 3.0
DRAINS: Final = 32
COUNTED_AT_ONCE: Final = 512

_UDP_SEGMENT, _UDP_GRO = 103, 104
_SO_MAX_PACING_RATE, _SO_MEMINFO = 47, 55
_U64, _MEMINFO = Struct("=Q"), Struct("=9I")
_HEADERS: Final = 48
"""IPv6 and UDP."""
_GSO_REFUSED: Final = (errno.EINVAL, errno.EIO, errno.EMSGSIZE, errno.EOPNOTSUPP)
_FULL: Final = (errno.EAGAIN, errno.ENOBUFS)


def head_of(payload_bytes: int) -> "np.dtype[np.void]":
    """Return the layout of one datagram of `payload_bytes` (`wire.DATAGRAM`)."""
    return np.dtype(
        {
            "names": ["token", "number", "sent"],
            "formats": ["V8", ">u8", ">u8"],
            "offsets": [0, 8, 16],
            "itemsize": payload_bytes,
        }
    )


class Source(Protocol):
    """Makes datagrams."""

    total: int
    """How many there are."""
    made: int
    """How many have been made."""

    def make(self, first: int, count: int, now_ns: int) -> memoryview:
        """Return `count` datagrams, one after the other, from number `first`."""
        ...


class PlainSource:
    """Datagrams of zeros behind their heads."""

    def __init__(self, ask: Ask, token: bytes) -> None:
        self.total = datagrams_of(ask)
        self.made = 0
        self._space = bytearray(ask.payload_bytes * SEGMENTS)
        self._heads = np.frombuffer(self._space, head_of(ask.payload_bytes))
        self._heads["token"] = np.void(token)
        self._token = token
        self._size = ask.payload_bytes

    def make(self, first: int, count: int, now_ns: int) -> memoryview:
        """Return `count` datagrams, at most `SEGMENTS`."""
        self.made = first + count
        if count == 1:
            DATAGRAM.pack_into(self._space, 0, self._token, first, now_ns)
            return memoryview(self._space)[: self._size]
        heads = self._heads[:count]
        heads["number"] = np.arange(first, first + count)
        heads["sent"] = now_ns
        return memoryview(self._space)[: count * self._size]


def datagrams_of(ask: Ask) -> int:
    """Return how many datagrams a part of a test has, by its pace, length and cap; whole blocks where it is coded."""
    assert ask.pace_bps  # noqa: S101 - checked where the request is
    by_time = int(ask.seconds * ask.pace_bps / 8 / ask.payload_bytes)
    total = max(1, min(by_time, ask.most_bytes // ask.payload_bytes))
    return total if not ask.block else total // ask.block * ask.block


async def send(sock: socket.socket, ask: Ask, source: Source) -> int:
    """Send what a source has at the asked pace, hardly longer than asked; return how many datagrams were sent.

    Those that are due are sent each time the loop wakes, about once a millisecond. Raises `Gone` where the way ends.
    """
    assert ask.pace_bps  # noqa: S101 - checked where the request is
    loop = asyncio.get_running_loop()
    per_s = ask.pace_bps / 8 / ask.payload_bytes
    sending = _Sending(sock, ask.payload_bytes, ask.pace_bps)
    with_headers = ask.pace_bps / 8 * (ask.payload_bytes + _HEADERS) / ask.payload_bytes
    sock.setsockopt(socket.SOL_SOCKET, _SO_MAX_PACING_RATE, _U64.pack(int(with_headers * 1.05)))
    began, sent, made = loop.time(), 0, memoryview(b"")
    ends = began + ask.seconds + OVERTIME_S
    while sent < source.total and loop.time() < ends:
        due = int((loop.time() - began) * per_s) + 1 - sent
        most = max(1, int(BEHIND_S * per_s))
        if due > most:
            began += (due - most) / per_s
            due = most
        due = min(due, source.total - sent, TURN)
        while due > 0:
            made = made or source.make(sent, min(due, sending.at_once), loop_ns(loop))
            count = sending.put(made)
            if not count:
                break
            made = made[count * ask.payload_bytes :]
            sent, due = sent + count, due - count
        await asyncio.sleep(max(0.0, began + sent / per_s - loop.time()))
    return sent


def loop_ns(loop: asyncio.AbstractEventLoop) -> int:
    """Return the loop's time in ns."""
    return int(loop.time() * 1e9)


class _Sending:
    """Hands datagrams of one size to the kernel, many at once while it takes them so."""

    def __init__(self, sock: socket.socket, size: int, pace_bps: int) -> None:
        self._sock = sock
        self._size = size
        self.at_once = min(SEGMENTS, GSO_BYTES // size) if pace_bps > GSO_ABOVE_BPS else 1
        if self.at_once == 1:
            return
        try:
            sock.setsockopt(socket.IPPROTO_UDP, _UDP_SEGMENT, size)
        except OSError:  # before Linux 4.18
            self.at_once = 1

    def put(self, data: memoryview) -> int:
        """Return how many were taken: none while there is no room."""
        data = data[: self.at_once * self._size]
        try:
            self._sock.send(data)
        except OSError as problem:
            if problem.errno in _FULL:
                return 0
            if problem.errno == errno.ECONNREFUSED:  # of an earlier one; this one was not sent
                return self.put(data)
            if problem.errno in _GSO_REFUSED and self.at_once > 1:
                self._sock.setsockopt(socket.IPPROTO_UDP, _UDP_SEGMENT, 0)
                self.at_once = 1
                return self.put(data)
            raise Gone(lost(problem)) from problem
        return len(data) // self._size


class Sink(Protocol):
    """Looks at what has arrived."""

    def take(self, number: int, data: memoryview, received_ns: int) -> None:
        """Take one datagram."""
        ...


class ReceivingUdp:
    """Receives and counts the datagrams of one part of a test; `sink` is shown each of them."""

    def __init__(self, sock: socket.socket, ask: Ask, token: bytes, sink: Sink | None = None) -> None:
        self._sock = sock
        self._size = ask.payload_bytes
        self._token = token
        self._sink = sink
        self._loop = asyncio.get_running_loop()
        self._space = bytearray(1 << 16)
        self._head = head_of(self._size)
        self._first_ns = self._last_ns = 0
        self._limit = datagrams_of(ask)
        self.arrivals = Arrivals(self._limit)
        self._arrived = 0
        self._numbers: list[int] = []
        self._sent: list[int] = []
        self._received: list[int] = []
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER_BYTES)
        with contextlib.suppress(OSError):  # beyond net.core.rmem_max needs CAP_NET_ADMIN
            sock.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, BUFFER_BYTES)
        sock.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        with contextlib.suppress(OSError):  # before Linux 5.0: one at a time
            sock.setsockopt(socket.IPPROTO_UDP, _UDP_GRO, 1)

    @property
    def moved_bytes(self) -> int:
        """Payload that has arrived so far."""
        return self._arrived * self._size

    async def run(self, sent: Awaitable[int]) -> Arrived:
        """Receive until `sent` tells how many were sent and nothing more comes; return what was counted."""
        self._loop.add_reader(self._sock, self._read)
        try:
            total = await sent
            await self._quiet()
        finally:
            self._loop.remove_reader(self._sock)
        self._read()
        self._count()
        counts = self.arrivals.counts(min(total, self._limit), _overflowed(self._sock))
        span_ns = max(0, self._last_ns - self._first_ns)
        pattern = tuple(runs(self.arrivals.lost(counts.sent))[:PATTERN_LIMIT].tolist())
        after_first = max(0, counts.received - 1) * self._size
        return Arrived(after_first, span_ns, 0, self.moved_bytes, (after_first,), datagrams=counts, pattern=pattern)

    async def _quiet(self) -> None:
        """Wait until nothing has come for a while."""
        ends = self._loop.time() + STRAGGLERS_S
        seen = -1
        while seen != self._arrived and self._loop.time() < ends:
            seen = self._arrived
            await asyncio.sleep(QUIET_S)

    def _read(self) -> None:
        for _ in range(DRAINS):
            if (one := self._one()) is None:
                break
            numbers, sent, received_ns = one
            self._numbers += numbers
            self._sent += sent
            self._received += [received_ns] * len(numbers)
        if len(self._numbers) >= COUNTED_AT_ONCE:
            self._count()

    def _count(self) -> None:
        columns = (self._numbers, self._sent, self._received)
        self.arrivals.take(*(np.array(column, dtype=np.uint64).astype(np.int64) for column in columns))
        self._numbers, self._sent, self._received = [], [], []

    def _one(self) -> tuple[list[int], list[int], int] | None:
        """Read what one call gives, datagrams of one size put together by the kernel: numbers, times, arrival."""
        try:
            length, ancillary, _, _ = self._sock.recvmsg_into([self._space], 128)
        except OSError:  # nothing there, or an ICMP error for an answer
            return None
        received_ns = stamp_ns(ancillary) or loop_ns(self._loop)
        if not length or length % self._size:
            self.arrivals.foreign += 1
            return [], [], received_ns
        if length == self._size:
            token, number, sent = DATAGRAM.unpack_from(self._space)
            own, numbers, times = [token == self._token], [number], [sent]
        else:
            heads = np.frombuffer(self._space, self._head, count=length // self._size)
            own = (heads["token"] == np.void(self._token)).tolist()
            numbers, times = heads["number"].tolist(), heads["sent"].tolist()
        if not all(own):
            self.arrivals.foreign += own.count(False)
            numbers, times = list(compress(numbers, own)), list(compress(times, own))
        if numbers:
            self._first_ns = self._first_ns or received_ns
            self._last_ns = received_ns
            self._arrived += len(numbers)
        if self._sink is not None:
            self._show(self._sink, compress(range(0, length, self._size), own), received_ns)
        return numbers, times, received_ns

    def _show(self, sink: Sink, starts: Iterable[int], received_ns: int) -> None:
        view = memoryview(self._space)
        for start in starts:
            number = DATAGRAM.unpack_from(view, start)[1]
            sink.take(number, view[start + DATAGRAM.size : start + self._size], received_ns)


def _overflowed(sock: socket.socket) -> int:
    """Return how many datagrams the socket had no room for (SK_MEMINFO_DROPS, Linux 4.12)."""
    try:
        return int(_MEMINFO.unpack(sock.getsockopt(socket.SOL_SOCKET, _SO_MEMINFO, _MEMINFO.size))[8])
    except OSError:
        return 0
