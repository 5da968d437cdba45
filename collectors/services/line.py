"""A TCP connection that is timed step by step, plain or within TLS, with who said what where it fails."""

import asyncio
import errno
import os
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final

from analysis.samples import Failure
from analysis.text import N_, Sentence, say
from collectors.probe import linux
from collectors.probe.icmp import report_errors
from collectors.probe.stream import FAMILIES, Family
from collectors.probe.tcp import handshake_ns, icmp_error

_CHUNK: Final = 65536
_RESET: Final = frozenset({errno.ECONNRESET, errno.EPIPE, errno.ECONNABORTED})


class Failed(Exception):
    """A check has failed: how, in words, and who said so where that is known (`icmp`: by which message)."""

    def __init__(self, failure: Failure, why: Sentence, by: str | None = None, icmp: str | None = None) -> None:
        super().__init__(str(why))
        self.failure: Failure = failure
        self.why = why
        self.by = by
        self.icmp = icmp


class Line:
    """A connected socket."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._loop = asyncio.get_running_loop()

    async def send(self, data: bytes) -> None:
        """Send everything. Raises Failed."""
        with _cut_off():
            await self._loop.sock_sendall(self._sock, data)

    async def receive(self) -> bytes:
        """Return what has come, b"" at the end. Raises Failed."""
        await asyncio.sleep(0)  # what is there already is read without a turn for others, and without a time limit
        with _cut_off():
            return await self._loop.sock_recv(self._sock, _CHUNK)

    def close(self) -> None:
        """Let go of the connection."""
        self._sock.close()


class TlsLine(Line):
    """A connection within TLS, once `handshake` is through."""

    def __init__(self, sock: socket.socket, context: ssl.SSLContext, host: str) -> None:
        super().__init__(sock)
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname=host)

    async def handshake(self) -> None:
        """Shake hands. Raises Failed, and ssl.SSLCertVerificationError where the chain is not trusted."""
        while True:
            try:
                self.tls.do_handshake()
            except ssl.SSLWantReadError:
                await self._flush()
                await self._take()
            except ssl.SSLError as problem:
                await self._say_goodbye()
                if isinstance(problem, ssl.SSLCertVerificationError):
                    raise
                raise _no_tls(problem) from None
            else:
                await self._flush()
                return

    async def send(self, data: bytes) -> None:
        """Send everything. Raises Failed."""
        self.tls.write(data)
        await self._flush()

    async def receive(self) -> bytes:
        """Return what has come, b"" at the end. Raises Failed."""
        while True:
            try:
                return self.tls.read(_CHUNK)
            except ssl.SSLWantReadError:
                await self._flush()
                await self._take()
            except (ssl.SSLZeroReturnError, ssl.SSLEOFError):
                return b""
            except ssl.SSLError as problem:
                raise _no_tls(problem) from None

    async def _flush(self) -> None:
        if data := self._outgoing.read():
            await super().send(data)

    async def _take(self) -> None:
        if data := await super().receive():
            self._incoming.write(data)
        else:
            self._incoming.write_eof()

    async def _say_goodbye(self) -> None:
        """Send the alert that says why; whether it arrives does not matter."""
        with suppress(Failed):
            await self._flush()


async def connect(address: str, port: int) -> tuple[socket.socket, int]:
    """Return a connected socket and how long that took in us, by the kernel where it knows. Raises Failed."""
    loop = asyncio.get_running_loop()
    family: Family = 6 if ":" in address else 4
    sock = socket.socket(FAMILIES[family], socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
    try:
        report_errors(sock, family)
        began = loop.time()
        await loop.sock_connect(sock, _destination(address, port))
        elapsed_ns = int((loop.time() - began) * 1e9)
        # What routers say of a connection that stands is a hint, not its end (RFC 5461).
        report_errors(sock, family, wanted=False)
        info = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, linux.TCP_INFO_BYTES)
    except OSError as problem:
        said = icmp_error(sock)
        sock.close()
        raise _refused(address, problem, said) from None
    except BaseException:
        sock.close()
        raise
    return sock, (handshake_ns(info, elapsed_ns) or elapsed_ns) // 1000


def _destination(address: str, port: int) -> tuple[str, int] | tuple[str, int, int, int]:
    """Return what connect(2) takes; the zone of a link-local address becomes a number."""
    if "%" not in address:
        return address, port
    name, _, zone = address.partition("%")
    try:
        return name, port, 0, socket.if_nametoindex(zone)
    except OSError:
        raise OSError(errno.ENODEV, os.strerror(errno.ENODEV)) from None


def _refused(address: str, problem: OSError, said: tuple[str, str | None] | None) -> Failed:
    """Return how a connection failed, and who said so."""
    icmp, sender = said or (None, None)
    if problem.errno == errno.ECONNREFUSED:
        if icmp is None:
            return Failed("refused", say(N_("{address} refused the connection"), address=address), address)
        text = say(N_("{who} refused the connection ({icmp})"), who=sender or "–", icmp=icmp)
        return Failed("refused", text, sender, icmp)
    if problem.errno in (errno.ETIMEDOUT, errno.ECONNRESET):
        failure: Failure = "timeout" if problem.errno == errno.ETIMEDOUT else "reset"
        return Failed(failure, say(N_("{address}: {reason}"), address=address, reason=_reason(problem)))
    if icmp is not None:
        text = say(
            N_("{who} says that {address} cannot be reached ({icmp})"), who=sender or "–", address=address, icmp=icmp
        )
        return Failed("unreachable", text, sender, icmp)
    text = say(N_("this box has no way to {address} ({reason})"), address=address, reason=_reason(problem))
    return Failed("unreachable", text, "")


@contextmanager
def _cut_off() -> Iterator[None]:
    """Turn the end of a connection that stood into Failed."""
    try:
        yield
    except OSError as problem:
        if problem.errno in _RESET:
            raise Failed("reset", say(N_("the connection was reset"))) from None
        raise Failed("closed", say(N_("the connection broke off ({reason})"), reason=_reason(problem))) from None


def _no_tls(problem: ssl.SSLError) -> Failed:
    if isinstance(problem, ssl.SSLEOFError):
        return Failed("closed", say(N_("the connection was closed within the TLS handshake")))
    reason = (problem.reason or problem.strerror or type(problem).__name__).replace("_", " ").lower()
    return Failed("tls", say(N_("no TLS: {reason}"), reason=reason))


def _reason(problem: OSError) -> str:
    return os.strerror(problem.errno) if problem.errno else type(problem).__name__
