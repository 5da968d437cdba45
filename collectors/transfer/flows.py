"""Moves bytes over connected TCP sockets in both directions at once, and counts them where they arrive."""

import asyncio
import contextlib
import socket
from collections.abc import Sequence
from struct import Struct
from typing import Final, NamedTuple

from analysis.samples import SenderAccount
from analysis.transfer.span import SLOT_NS, steady
from collectors import tcp_info
from collectors.tcp_info import TcpInfo
from collectors.transfer.wire import Arrived

CHUNK: Final = 1 << 20
TURNS: Final = 4
"""Reads or writes of one socket before the others have their turn."""
LOOK_S: Final = 0.25
"""How often the sender's TCP_INFO is looked at."""
GRACE_S: Final = 5.0
"""How much longer than asked a receiver waits for the first byte."""
_AT_ONCE: Final = Struct("ii").pack(1, 0)
"""struct linger: closing resets, and what is unsent is not sent."""


class SendingTcp:
    """Sends on every socket until `seconds` are over or `most_bytes` are sent in all; use `run`."""

    def __init__(self, socks: Sequence[socket.socket], seconds: float, most_bytes: int) -> None:
        self._socks = list(socks)
        self._seconds = seconds
        self._left = most_bytes
        self._open = set(self._socks)
        self._loop = asyncio.get_running_loop()
        self._over = asyncio.Event()
        self._looks: list[dict[socket.socket, TcpInfo]] = []
        self._payload = memoryview(bytes(CHUNK))
        self._most_bytes = most_bytes

    @property
    def moved_bytes(self) -> int:
        """Payload handed to the kernel so far."""
        return self._most_bytes - self._left

    @property
    def capped(self) -> bool:
        """Whether `most_bytes` were reached."""
        return not self._left

    async def run(self) -> SenderAccount | None:
        """Send; return the kernel's account. The sockets stay open, what is unsent goes when they are closed."""
        for sock in self._socks:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)
            self._loop.add_writer(sock, self._write, sock)
        looking = asyncio.create_task(self._look_on())
        try:
            async with asyncio.timeout(self._seconds):
                await self._over.wait()
        except TimeoutError:
            pass
        finally:
            looking.cancel()
            for sock in self._open:
                self._loop.remove_writer(sock)
        self._look()
        return account(self._looks, self._socks)

    def _write(self, sock: socket.socket) -> None:
        for _ in range(TURNS):
            if not self._left:
                self._end_all()
                return
            try:
                self._left -= sock.send(self._payload[: self._left])
            except BlockingIOError:
                return
            except OSError:
                self._end(sock)
                return

    def _end(self, sock: socket.socket) -> None:
        """Forget a socket that the other end has closed."""
        self._loop.remove_writer(sock)
        self._open.discard(sock)
        if not self._open:
            self._over.set()

    def _end_all(self) -> None:
        """Everything is sent: let it arrive before the end is seen."""
        self._look()
        for sock in list(self._open):
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, Struct("ii").pack(0, 0))
            with contextlib.suppress(OSError):  # the other end has reset it meanwhile
                sock.shutdown(socket.SHUT_WR)
            self._end(sock)

    async def _look_on(self) -> None:
        while True:
            await asyncio.sleep(LOOK_S)
            self._look()

    def _look(self) -> None:
        self._looks.append({sock: tcp_info.of_socket(sock) for sock in self._socks})


def account(looks: Sequence[dict[socket.socket, TcpInfo]], socks: Sequence[socket.socket]) -> SenderAccount | None:
    """Return what several looks at all flows' TCP_INFO say together; counters as they were last."""
    if not looks or not socks:
        return None
    last = list(looks[-1].values())
    every = [info for look in looks for info in look.values()]
    rtts = [info.rtt_us for info in every if info.rtt_us]
    least = [info.min_rtt_us for info in every if info.min_rtt_us]
    return SenderAccount(
        cc=socks[0].getsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, 16).rstrip(b"\0").decode(errors="replace"),
        mss=max(info.mss for info in last),
        cwnd_packets=max(sum(info.cwnd for info in look.values()) for look in looks),
        rtt_us=round(sum(rtts) / len(rtts)) if rtts else None,
        min_rtt_us=min(least, default=None),
        delivery_rate_bps=max((_total(look, "delivery_rate_bps") or 0 for look in looks), default=0) or None,
        bytes_sent=_total(looks[-1], "bytes_sent"),
        bytes_retrans=_total(looks[-1], "bytes_retrans"),
        busy_us=_total(looks[-1], "busy_us"),
        rwnd_limited_us=_total(looks[-1], "rwnd_limited_us"),
        sndbuf_limited_us=_total(looks[-1], "sndbuf_limited_us"),
    )


def _total(look: dict[socket.socket, TcpInfo], field: str) -> int | None:
    values = [getattr(info, field) for info in look.values()]
    return None if None in values else sum(values)


class Progress(NamedTuple):
    """How far a direction is."""

    bytes: int
    elapsed_s: float


class ReceivingTcp:
    """Receives on every socket until `seconds` after the first byte, or until all of them have ended."""

    def __init__(self, socks: Sequence[socket.socket], seconds: float, most_bytes: int) -> None:
        self._socks = list(socks)
        self._seconds = seconds
        self._most_bytes = most_bytes
        self._loop = asyncio.get_running_loop()
        self._open = set(self._socks)
        self._slots: list[list[int]] = []
        self._began: float | None = None
        self._last = 0.0
        self._started, self._over = asyncio.Event(), asyncio.Event()
        self._scratch = bytearray(CHUNK)
        self.moved_bytes = 0

    async def run(self) -> Arrived:
        """Receive and return what was counted; the bytes are dropped by the kernel, uncopied (tcp(7), MSG_TRUNC)."""
        for index, sock in enumerate(self._socks):
            self._loop.add_reader(sock, self._read, sock, index)
        try:
            async with asyncio.timeout(self._seconds + GRACE_S):
                await self._started.wait()
            async with asyncio.timeout(self._seconds):
                await self._over.wait()
            length_s = self._last - (self._began or 0.0)
        except TimeoutError:
            length_s = self._seconds
        finally:
            for sock in self._open:
                self._loop.remove_reader(sock)
        span = steady(self._slots, round(length_s * 1e9))
        return Arrived(span.bytes, span.span_ns, span.skipped_ns, self.moved_bytes, span.flow_bytes)

    def _read(self, sock: socket.socket, index: int) -> None:
        now = self._loop.time()
        for _ in range(TURNS):
            try:
                count = sock.recv_into(self._scratch, CHUNK, socket.MSG_TRUNC)
            except BlockingIOError:
                return
            except OSError:
                count = 0
            if not count:
                self._end(sock)
                return
            self._count(count, index, now)

    def _count(self, count: int, index: int, now: float) -> None:
        if self._began is None:
            self._began = now
            self._started.set()
        self._last = now
        slot = int((now - self._began) * 1e9) // SLOT_NS
        while len(self._slots) <= slot:
            self._slots.append([0] * len(self._socks))
        self._slots[slot][index] += count
        self.moved_bytes += count
        if self.moved_bytes > self._most_bytes:
            self._over.set()

    def _end(self, sock: socket.socket) -> None:
        self._loop.remove_reader(sock)
        self._open.discard(sock)
        if not self._open:
            self._started.set()
            self._over.set()
