"""The end of a bandwidth test that waits: `longpipe bandwidth serve`. It does nothing that was not agreed before."""

import asyncio
import socket
from collections.abc import Callable
from typing import Any, Final, NamedTuple, NoReturn

from analysis.text import N_, Sentence, say
from collectors.transfer import coded
from collectors.transfer.bounds import Limits, objection
from collectors.transfer.datagrams import PlainSource, ReceivingUdp, send
from collectors.transfer.flows import ReceivingTcp, SendingTcp
from collectors.transfer.part import Part, address_of
from collectors.transfer.talk import Gone, Talk, while_there
from collectors.transfer.wire import (
    KNOCK,
    VERSION,
    Ask,
    Done,
    Flow,
    Go,
    Hello,
    Joined,
    Message,
    Met,
    Ready,
    Refusal,
    Sent,
    Welcome,
)

GREETING_S: Final = 5.0
JOINING_S: Final = 30.0
"""How long a caller may take to connect everything."""
IDLE_S: Final = 30.0
"""How long a caller may think between two parts of a test."""
SLACK_S: Final = 15.0
PARTS: Final = 16
"""Of one test, so that nobody keeps a place for ever: each direction, together, plain and coded, is far fewer."""
CONNECTIONS: Final = 256
"""That have not said yet what they are. Of more the oldest is hung up on: who means it has spoken by then."""


class Told(NamedTuple):
    """Something the person at the server may want to see."""

    peer: str
    ask: Ask | None
    """What is being done; None: it is over."""
    problem: Sentence | None = None


class Server:
    """Serves tests. `listen`, then `run`; `close` in any case. `tell` is called for what happens."""

    def __init__(self, limits: Limits, tool: str, tell: Callable[[Told], None] = lambda _: None) -> None:
        self._limits = limits
        self._tool = tool
        self._tell = tell
        self._listening: list[socket.socket] = []
        self._lobbies: list[socket.socket] = []
        self._serving: set[asyncio.Task[None]] = set()
        self._greeting: dict[asyncio.Task[None], None] = {}
        self._sessions = 0
        self._parts: dict[str, Part] = {}
        self._served = asyncio.Event()
        self.port = 0

    def listen(self, host: str | None, port: int) -> list[str]:
        """Listen on an address, or on all of both families; return the addresses. Raises OSError."""
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        for family, _, _, _, address in dict.fromkeys(found):
            try:
                listening = self._bound(family, socket.SOCK_STREAM, (address[0], self.port or port, *address[2:]))
                self.port = listening.getsockname()[1]
                self._listening.append(listening)
                lobby = self._bound(family, socket.SOCK_DGRAM, (address[0], self.port, *address[2:]))
                self._lobbies.append(lobby)
            except OSError:
                if host is not None or not self._lobbies:
                    raise  # of the two families one is enough
        return [address_of(sock.getsockname()) for sock in self._listening]

    def _bound(self, family: int, kind: int, address: Any) -> socket.socket:  # noqa: ANN401 - as the family has it
        sock = socket.socket(family, kind)
        try:
            sock.setblocking(False)
            if family == socket.AF_INET6:
                sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            option = socket.SO_REUSEADDR if kind == socket.SOCK_STREAM else socket.SO_REUSEPORT
            sock.setsockopt(socket.SOL_SOCKET, option, 1)
            sock.bind(address)
            if kind == socket.SOCK_STREAM:
                sock.listen(128)
        except OSError:
            sock.close()
            raise
        return sock

    async def run(self, *, once: bool = False) -> None:
        """Serve until cancelled; `once`: until one test has been served."""
        loop = asyncio.get_running_loop()
        for lobby in self._lobbies:
            loop.add_reader(lobby, self._knocked, lobby)
        accepting = [asyncio.create_task(self._accept(sock)) for sock in self._listening]
        try:
            if once:
                await self._served.wait()
            else:
                await asyncio.gather(*accepting)
        finally:
            tasks = *accepting, *self._serving
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            for lobby in self._lobbies:
                loop.remove_reader(lobby)

    def close(self) -> None:
        """Close every socket that waits."""
        for sock in (*self._listening, *self._lobbies):
            sock.close()

    async def _accept(self, listening: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                sock, _ = await loop.sock_accept(listening)
            except OSError:  # it has gone already, or there are no more descriptors: the next may do
                await asyncio.sleep(0.1)
                continue
            if len(self._greeting) >= CONNECTIONS:
                oldest = next(iter(self._greeting))
                del self._greeting[oldest]
                oldest.cancel()
            task = asyncio.create_task(self._greet(Talk(sock)))
            self._serving.add(task)
            self._greeting[task] = None
            task.add_done_callback(self._gone)
            await asyncio.sleep(0)  # it begins, and whoever else waits has a turn: accepting alone gives none

    def _gone(self, task: "asyncio.Task[None]") -> None:
        self._serving.discard(task)
        self._greeting.pop(task, None)

    async def _greet(self, talk: Talk) -> None:
        """Serve a connection as what its first line says it is; close it unless a test has taken it."""
        task, taken = asyncio.current_task(), False
        try:
            first = await talk.hear(Message, GREETING_S)
            if task is not None:
                self._greeting.pop(task, None)
            if isinstance(first, Flow):
                taken = await self._join(talk, first)
            elif isinstance(first, Hello):
                await self._serve(talk, first)
        except (Gone, OSError):
            pass  # whoever it was: nobody is there any more to be told
        finally:
            if not taken:
                talk.close()

    async def _join(self, talk: Talk, flow: Flow) -> bool:
        part = self._parts.get(flow.token)
        if part is None or part.peer != address_of(talk.sock.getpeername()):
            return False
        await talk.say(Joined())
        return flow.token in self._parts and part.join(flow, talk.sock)

    async def _serve(self, talk: Talk, hello: Hello) -> None:
        """Hold one conversation."""
        if hello.version != VERSION:
            text = N_("This server speaks version {ours} of the test, the caller {theirs}: use the same longpipe.")
            await _refuse(talk, say(text, ours=VERSION, theirs=hello.version))
        if self._sessions >= self._limits.tests:
            text = N_("This server is busy with {n} tests; try again in a minute.")
            await _refuse(talk, say(text, n=self._sessions))
        peer, asked = address_of(talk.sock.getpeername()), False
        self._sessions += 1
        try:
            limits = self._limits
            await talk.say(Welcome(VERSION, self._tool, limits.most_seconds, limits.most_bytes))
            left = limits.most_bytes
            for _ in range(PARTS):
                try:
                    ask = await talk.hear(Ask, IDLE_S)
                except Gone:
                    if asked:
                        return  # whoever has been served goes without a word
                    raise
                if (why := objection(ask, limits, left)) is not None:
                    await _refuse(talk, why)
                asked = True
                self._tell(Told(peer, ask))
                left -= await self._do(talk, ask)
        except Gone as gone:
            self._tell(Told(peer, None, gone.problem))
            raise
        finally:
            self._sessions -= 1
            if asked:
                self._served.set()

    async def _do(self, talk: Talk, ask: Ask) -> int:
        """Do one part of a test; return the payload moved."""
        if ask.needed:
            try:
                coded.require()
            except Gone as missing:
                await _refuse(talk, missing.problem)
        part = Part(talk, ask)
        self._parts[part.token.hex()] = part
        try:
            await talk.say(Ready(part.token.hex()))
            done = await (self._tcp(part) if ask.protocol == "tcp" else self._udp(part))
            await talk.say(done)
            return done.moved_bytes + (done.arrived.moved_bytes if done.arrived else 0)
        finally:
            del self._parts[part.token.hex()]
            part.close()

    async def _tcp(self, part: Part) -> Done:
        ask, talk = part.ask, part.talk
        await talk.hear(Go, JOINING_S)
        if not part.is_whole:
            await _refuse(talk, say(N_("Not all connections of the test arrived at the server.")))
        sending = SendingTcp(part.socks(up=False), ask.seconds, ask.most_bytes) if ask.down else None
        receiving = ReceivingTcp(part.socks(up=True), ask.seconds, ask.most_bytes) if ask.up else None
        async with while_there(talk, ask.seconds + SLACK_S):
            arrived, account = await asyncio.gather(
                _or_nothing(receiving.run() if receiving else None), _or_nothing(sending.run() if sending else None)
            )
        capped = sending is not None and sending.capped
        return Done(arrived, account, sending.moved_bytes if sending else 0, capped)

    async def _udp(self, part: Part) -> Done:
        ask, talk = part.ask, part.talk
        met = await talk.hear(Met)
        address = part.knocks.get(met.number)
        if address is None:
            await _refuse(talk, say(N_("UDP from another address than the test's: a NAT stands in between.")))
        local = talk.sock.getsockname()
        with self._bound(talk.sock.family, socket.SOCK_DGRAM, (local[0], self.port, *local[2:])) as sock:
            sock.connect(address)
            await talk.say(Joined())
            await talk.hear(Go)
            if ask.up:
                restorer = coded.Restorer(ask, part.token) if ask.needed else None
                receiving = ReceivingUdp(sock, ask, part.token, restorer)
                arrived = await receiving.run(_said(talk, ask.seconds + SLACK_S))
                return Done(coded.finished(arrived, restorer))
            source = coded.CodedSource(ask, part.token) if ask.needed else PlainSource(ask, part.token)
            async with while_there(talk, ask.seconds + SLACK_S):
                sent = await send(sock, ask, source)
            await talk.say(Sent(sent))
            return Done(moved_bytes=sent * ask.payload_bytes)

    def _knocked(self, lobby: socket.socket) -> None:
        """Hand a datagram that knows a token to its test; anything else is passed over."""
        for _ in range(16):
            try:
                data, address = lobby.recvfrom(2048)
            except OSError:
                return
            part = self._parts.get(data[:8].hex()) if len(data) == KNOCK.size else None
            if part is not None:
                part.knocked(lobby, address)


async def _refuse(talk: Talk, why: Sentence) -> NoReturn:
    """Tell the caller why not, and end the conversation."""
    await talk.say(Refusal(why))
    raise Gone(why)


async def _said(talk: Talk, within_s: float) -> int:
    return (await talk.hear(Sent, within_s)).datagrams


async def _or_nothing(work: Any) -> Any:  # noqa: ANN401 - whatever it returns
    return None if work is None else await work
