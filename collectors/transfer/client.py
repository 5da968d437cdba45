"""The end of a bandwidth test that calls: connects, asks for one part after another, and counts what comes."""

import asyncio
import contextlib
import secrets
import socket
from collections.abc import Callable
from typing import Any, Final, NamedTuple

from analysis.samples import SenderAccount
from analysis.text import N_, say
from collectors.probe.stream import Binding
from collectors.transfer import coded
from collectors.transfer.bounds import believed
from collectors.transfer.datagrams import PlainSource, ReceivingUdp, Source, datagrams_of, send
from collectors.transfer.flows import ReceivingTcp, SendingTcp
from collectors.transfer.part import address_of
from collectors.transfer.talk import Gone, Talk
from collectors.transfer.wire import (
    KNOCK,
    VERSION,
    Arrived,
    Ask,
    Done,
    Flow,
    Go,
    Hello,
    Joined,
    Met,
    Ready,
    Sent,
    Welcome,
)

CONNECT_S: Final = 10.0
KNOCK_S: Final = 0.3
KNOCKS: Final = 15
SLACK_S: Final = 15.0
_SO_MARK: Final = 36

Moving = Callable[[], int]
"""Returns the payload moved so far."""


class Moved(NamedTuple):
    """What became of one part: up and down as far as they were asked for."""

    up: Arrived | None = None
    down: Arrived | None = None
    up_sender: SenderAccount | None = None
    down_sender: SenderAccount | None = None
    up_bytes: int = 0
    """Payload sent."""
    down_bytes: int = 0
    up_capped: bool = False
    down_capped: bool = False


async def connected(address: str, port: int, binding: Binding, kind: int = socket.SOCK_STREAM) -> socket.socket:
    """Return a socket to an address over a chosen way out. Raises `Gone`."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(address, port, type=kind)
    family, _, _, _, there = found[0]
    sock = socket.socket(family, kind)
    try:
        sock.setblocking(False)
        if binding.interface:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, binding.interface.encode())
        if binding.mark:
            sock.setsockopt(socket.SOL_SOCKET, _SO_MARK, binding.mark)
        if binding.source:
            sock.bind((binding.source, 0))
        async with asyncio.timeout(CONNECT_S):
            await loop.sock_connect(sock, there)
    except (OSError, TimeoutError) as problem:
        sock.close()
        raise Gone(_unreachable(address, port, problem)) from problem
    return sock


def _unreachable(address: str, port: int, problem: OSError | TimeoutError) -> Any:  # noqa: ANN401 - a Sentence
    command = f"longpipe bandwidth serve --port {port}"
    if isinstance(problem, ConnectionRefusedError):
        text = N_("Nothing listens on {address} port {port}. Start it there: {command}")
        return say(text, address=address, port=port, command=command)
    if isinstance(problem, TimeoutError) and not problem.errno:
        text = N_("{address} port {port} does not answer; a firewall may drop it. It needs TCP and UDP {port}.")
        return say(text, address=address, port=port)
    text = N_("{address} port {port} cannot be reached: {reason}.")
    return say(text, address=address, port=port, reason=problem.strerror or problem)


class Caller:
    """One conversation with a server. Use `call`, any number of `move`, then `close`."""

    def __init__(self, talk: Talk, address: str, port: int, binding: Binding) -> None:
        self._talk = talk
        self._address = address
        self._port = port
        self._binding = binding

    @classmethod
    async def call(cls, address: str, port: int, binding: Binding, tool: str) -> "Caller":
        """Return a conversation that has begun. Raises `Gone`."""
        talk = Talk(await connected(address, port, binding))
        try:
            await talk.say(Hello(VERSION, tool))
            _same_version(await talk.hear(Welcome))
        except Gone:
            talk.close()
            raise
        return cls(talk, address, port, binding)

    @property
    def local(self) -> str:
        """The address that the conversation leaves from."""
        return address_of(self._talk.sock.getsockname())

    def close(self) -> None:
        """End the conversation."""
        self._talk.close()

    async def move(self, ask: Ask, watch: Callable[[Moving], None] = lambda _: None) -> Moved:
        """Do one part of a test; `watch` is given a function that tells how far it is. Raises `Gone`."""
        await self._talk.say(ask)
        token = (await self._talk.hear(Ready)).token
        return await (self._tcp(ask, token, watch) if ask.protocol == "tcp" else self._udp(ask, token, watch))

    async def _tcp(self, ask: Ask, token: str, watch: Callable[[Moving], None]) -> Moved:
        socks: dict[bool, list[socket.socket]] = {True: [], False: []}
        try:
            for up, asked in ((True, ask.up), (False, ask.down)):
                await self._flows(token, ask.flows if asked else 0, socks[up], up=up)
            sending = SendingTcp(socks[True], ask.seconds, ask.most_bytes)
            receiving = ReceivingTcp(socks[False], ask.seconds, ask.most_bytes)
            watch(lambda: sending.moved_bytes + receiving.moved_bytes)
            await self._talk.say(Go())
            account, down, done = await _together(
                sending.run() if ask.up else None,
                receiving.run() if ask.down else None,
                self._talk.hear(Done, ask.seconds + SLACK_S),
            )
        finally:
            for sock in (*socks[True], *socks[False]):
                sock.close()
        done = believed(done, ask, sending.moved_bytes)
        return Moved(
            up=done.arrived,
            down=down,
            up_sender=account,
            down_sender=done.sender,
            up_bytes=sending.moved_bytes,
            down_bytes=max(done.moved_bytes, receiving.moved_bytes),
            up_capped=ask.up and sending.capped,
            down_capped=done.capped,
        )

    async def _flows(self, token: str, count: int, socks: list[socket.socket], *, up: bool) -> None:
        """Connect all data connections of one direction at once; `socks` takes those that are there."""
        opening = [asyncio.create_task(self._flow(Flow(token, index, up))) for index in range(count)]
        opened = await asyncio.gather(*opening, return_exceptions=True)
        socks += [one for one in opened if isinstance(one, socket.socket)]
        for one in opened:
            if isinstance(one, BaseException):
                raise one

    async def _flow(self, flow: Flow) -> socket.socket:
        talk = Talk(await connected(self._address, self._port, self._binding))
        try:
            await talk.say(flow)
            await talk.hear(Joined)
        except Gone:
            talk.close()
            raise
        return talk.sock

    async def _udp(self, ask: Ask, token: str, watch: Callable[[Moving], None]) -> Moved:
        key = bytes.fromhex(token)
        restorer = coded.Restorer(ask, key) if ask.needed and ask.down else None
        sock = await connected(self._address, self._port, self._binding, socket.SOCK_DGRAM)
        with sock:
            await self._talk.say(Met(await self._knock(sock, key)))
            await self._talk.hear(Joined)
            if ask.down:
                receiving = ReceivingUdp(sock, ask, key, restorer)
                watch(lambda: receiving.moved_bytes)
                await self._talk.say(Go())
                down = coded.finished(await receiving.run(self._sent(ask)), restorer)
                done = await self._talk.hear(Done)
                return Moved(down=down, down_bytes=done.moved_bytes, down_capped=_capped(ask))
            source: Source = coded.CodedSource(ask, key) if ask.needed else PlainSource(ask, key)
            watch(lambda: source.made * ask.payload_bytes)
            await self._talk.say(Go())
            sent = await send(sock, ask, source)
            await self._talk.say(Sent(sent))
            done = believed(await self._talk.hear(Done), ask, sent * ask.payload_bytes)
        return Moved(up=done.arrived, up_bytes=sent * ask.payload_bytes, up_capped=_capped(ask))

    async def _sent(self, ask: Ask) -> int:
        return (await self._talk.hear(Sent, ask.seconds + SLACK_S)).datagrams

    async def _knock(self, sock: socket.socket, key: bytes) -> str:
        """Let the server see our UDP address; return the number that it answers."""
        loop = asyncio.get_running_loop()
        for _ in range(KNOCKS):
            with contextlib.suppress(OSError):
                sock.send(KNOCK.pack(key, secrets.token_bytes(8)))
            with contextlib.suppress(OSError, TimeoutError):
                async with asyncio.timeout(KNOCK_S):
                    answer = await loop.sock_recv(sock, 2048)
                if len(answer) == KNOCK.size and answer[:8] == key:
                    return answer[8:].hex()
        text = N_("UDP {port} of {address} does not answer though TCP does: a firewall drops it on the way.")
        raise Gone(say(text, port=self._port, address=self._address))


def _same_version(welcome: Welcome) -> None:
    if welcome.version != VERSION:
        text = N_("The server speaks version {theirs} of the test, this longpipe {ours}: use the same.")
        raise Gone(say(text, theirs=welcome.version, ours=VERSION))


def _capped(ask: Ask) -> bool:
    """Tell whether the data cap, not the time, ends a part of a UDP test."""
    return bool(ask.pace_bps) and (datagrams_of(ask) + 1) * ask.payload_bytes > ask.most_bytes


async def _together(*work: Any) -> list[Any]:  # noqa: ANN401 - coroutines of any kind
    """Return what all of them return, None for None; where one fails the others are cancelled and it is raised."""
    tasks = [asyncio.create_task(one) if one is not None else None for one in work]
    real = [task for task in tasks if task is not None]
    try:
        await asyncio.gather(*real)
    finally:
        for task in real:
            task.cancel()
        await asyncio.gather(*real, return_exceptions=True)
    return [None if task is None else task.result() for task in tasks]
