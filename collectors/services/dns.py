"""One question to one resolver: over UDP, over TCP where the answer does not fit, timed, and listened after.

dnspython writes and reads the messages. The sockets are ours, because a second, different answer to one question
tells of somebody on the way who answers too. Asked as the system's own resolver asks: recursion, no EDNS.
"""

import asyncio
import socket
from typing import Final, Literal, TypeAlias

import dns.exception
import dns.flags
import dns.message
import dns.rcode
import dns.rdataclass
import dns.rdatatype
from dns.message import Message

from analysis.samples import DnsAnswer, Failure
from analysis.text import N_, say
from collectors.services.line import Failed, Line, connect

LINGER_S: Final = 0.3
"""How long to listen for a second answer after the first: the true one comes from farther than the forger."""
_LARGEST: Final = 65_535
_ADDRESSES_LIMIT: Final = 32
_ANSWERS_LIMIT: Final = 8

Record: TypeAlias = Literal["A", "AAAA"]
Resolver: TypeAlias = tuple[str, int]
"""Address and port."""


async def ask(
    resolver: Resolver, name: str, record: Record, timeout_s: float, linger_s: float = LINGER_S
) -> DnsAnswer:
    """Return what a resolver says within a time; how it failed is part of what is returned."""
    question = _Question(resolver, name, record)
    try:
        async with asyncio.timeout(timeout_s):
            await question.put()
        await question.listen_after(linger_s)
        return question.answered()
    except TimeoutError:
        return question.failed("protocol" if question.garbage else "timeout")
    except Failed as problem:
        return question.failed(problem.failure)
    except ConnectionRefusedError:
        return question.failed("refused")
    except OSError:
        return question.failed("unreachable")
    finally:
        question.close()


class _Question:
    """A question on its way."""

    def __init__(self, resolver: Resolver, name: str, record: Record) -> None:
        self._resolver = resolver
        self._record: Record = record
        self._message = dns.message.make_query(name, record)
        self._loop = asyncio.get_running_loop()
        self._over_tcp = False
        self._sock: socket.socket | None = None
        self._answers: list[Message] = []
        self._took_s = 0.0
        self.garbage = False
        """Whether something came that is no answer to this question."""

    async def put(self) -> None:
        """Ask and wait for the answer. Raises Failed and OSError."""
        began = self._loop.time()
        sock = self._sock = _datagrams(self._resolver)
        await self._loop.sock_sendall(sock, self._message.to_wire())
        answer = await self._next(sock)
        if answer.flags & dns.flags.TC:
            self._over_tcp = True
            answer = await self._by_tcp()
        self._answers.append(answer)
        self._took_s = self._loop.time() - began

    def answered(self) -> DnsAnswer:
        """Return the answer, and what came after it."""
        first, *others = dict.fromkeys(tuple(sorted(_addresses(one, self._record))) for one in self._answers)
        return DnsAnswer(
            resolver=told(self._resolver),
            record=self._record,
            rcode=dns.rcode.to_text(self._answers[0].rcode()),
            addresses=first,
            also=tuple(others),
            took_us=int(self._took_s * 1e6),
            over_tcp=self._over_tcp,
        )

    def failed(self, failure: Failure) -> DnsAnswer:
        """Return that there is no valid answer."""
        return DnsAnswer(told(self._resolver), self._record, over_tcp=self._over_tcp, failure=failure)

    def close(self) -> None:
        """Let go of the socket."""
        if self._sock is not None:
            self._sock.close()

    async def _next(self, sock: socket.socket) -> Message:
        """Return the next answer to this question; whatever else comes is passed over (RFC 5452, 9.1)."""
        while True:
            await asyncio.sleep(0)  # a flood must leave the loop to others, and the time limit in force
            answer = self._read(await self._loop.sock_recv(sock, _LARGEST))
            if answer is not None:
                return answer

    def _read(self, data: bytes) -> Message | None:
        try:
            answer = dns.message.from_wire(data, ignore_trailing=True)
        except (dns.exception.DNSException, ValueError):
            answer = None
        if answer is None or not self._message.is_response(answer):
            self.garbage = True
            return None
        return answer

    async def listen_after(self, linger_s: float) -> None:
        """Wait for more answers to the same question, where one came by datagram."""
        if self._sock is None or self._over_tcp:
            return
        try:
            async with asyncio.timeout(linger_s):
                while len(self._answers) < _ANSWERS_LIMIT:
                    self._answers.append(await self._next(self._sock))
        except (TimeoutError, OSError):
            return  # silence, as it should be; what the socket says after the answer is of no interest

    async def _by_tcp(self) -> Message:
        sock, _ = await connect(*self._resolver)
        line = Line(sock)
        try:
            wire = self._message.to_wire()
            await line.send(len(wire).to_bytes(2, "big") + wire)
            data = b""
            while len(data) < 2 or len(data) < 2 + int.from_bytes(data[:2], "big"):
                more = await line.receive()
                if not more:
                    raise Failed("closed", say(N_("the resolver ended the connection")))
                data += more
        finally:
            line.close()
        answer = self._read(data[2:])
        if answer is None:
            raise Failed("protocol", say(N_("what the resolver says is no answer")))
        return answer


def _datagrams(resolver: Resolver) -> socket.socket:
    """Return a socket that takes datagrams of this resolver only, and errors about it."""
    family = socket.AF_INET6 if ":" in resolver[0] else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
    try:
        sock.connect(resolver)
    except OSError:
        sock.close()
        raise
    return sock


def _addresses(answer: Message, record: Record) -> list[str]:
    """Return the addresses of an answer, of the name or of what it is an alias of."""
    wanted = dns.rdatatype.from_text(record)
    sets = (rrset for rrset in answer.answer if (rrset.rdclass, rrset.rdtype) == (dns.rdataclass.IN, wanted))
    found = [str(data.address) for rrset in sets for data in rrset]
    return list(dict.fromkeys(found))[:_ADDRESSES_LIMIT]


def told(resolver: Resolver) -> str:
    """Return a resolver as it is shown: its port only where it is not 53."""
    address, port = resolver
    if port == 53:
        return address
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"
