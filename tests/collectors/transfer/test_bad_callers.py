"""A server goes on serving whatever calls it, and a caller is told whatever it reaches."""

import asyncio
import socket
from collections.abc import Awaitable, Callable
from struct import Struct

import msgspec
import pytest

from analysis.text import N_, say
from collectors.probe.stream import Binding
from collectors.transfer import server as serving
from collectors.transfer.bounds import Limits
from collectors.transfer.client import Caller, connected
from collectors.transfer.flows import SendingTcp
from collectors.transfer.server import Server
from collectors.transfer.talk import Gone, Talk
from collectors.transfer.wire import (
    KNOCK,
    VERSION,
    Ask,
    Done,
    Flow,
    Go,
    Hello,
    Joined,
    Met,
    Ready,
    Refusal,
    Sent,
    Welcome,
    encode,
)
from tests.collectors.namespaces import Namespace

HOST = "127.0.0.1"
UDP = Ask("udp", True, False, 1, 0.2, 1 << 20, pace_bps=1_000_000)
TCP = Ask("tcp", True, False, 1, 0.2, 1 << 20)
Body = Callable[[Server], Awaitable[None]]


def served(namespace: Namespace, body: Body, limits: Limits | None = None) -> None:
    """Run `body` beside a server, which must serve an honest caller afterwards."""

    async def run() -> None:
        server = Server(limits or Limits(), "test")
        try:
            server.listen(HOST, 0)
            running = asyncio.create_task(server.run())
            await body(server)
            await honest(server)
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
        finally:
            server.close()

    namespace.run(run)


async def honest(server: Server) -> None:
    (await patiently(server)).close()
    caller = await Caller.call(HOST, server.port, Binding(), "test")
    moved = await caller.move(msgspec.structs.replace(TCP, most_bytes=1000))
    assert moved.up is not None
    assert moved.up.moved_bytes == 1000
    caller.close()


async def greeted(server: Server) -> Talk:
    talk = Talk(await connected(HOST, server.port, Binding()))
    try:
        await talk.say(Hello(VERSION, "test"))
        await talk.hear(Welcome)
    except Gone:
        talk.close()
        raise
    return talk


async def patiently(server: Server) -> Talk:
    """Greet until the place of whoever was there before is free."""
    async with asyncio.timeout(10):
        while True:
            try:
                return await greeted(server)
            except Gone as busy:
                if "busy" not in str(busy):
                    raise


async def closed(sock: socket.socket) -> bool:
    """Read until the end; whatever comes before it is nothing that helps the other end."""
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(10):
            while await loop.sock_recv(sock, 4096):
                pass
    except ConnectionResetError:
        pass
    return True


@pytest.mark.parametrize(
    "data",
    [
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00",
        b"\n",
        b"x" * 200_000,
        b'{"m":"hello","version":"one"}\n',
        encode(Sent(5)),
        encode(Flow("00" * 8, 0, up=True)),
        encode(Hello(VERSION, "x")) + b"garbage\n",
        encode(Hello(VERSION, "x")) + encode(Go()),
    ],
)
def test_garbage_is_hung_up_on(alone: Namespace, data: bytes) -> None:
    async def body(server: Server) -> None:
        with await connected(HOST, server.port, Binding()) as sock:
            loop = asyncio.get_running_loop()
            try:
                await loop.sock_sendall(sock, data)
            except (ConnectionResetError, BrokenPipeError):
                return
            sock.shutdown(socket.SHUT_WR)
            assert await closed(sock)

    served(alone, body)


def test_whoever_says_nothing_is_hung_up_on(alone: Namespace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serving, "GREETING_S", 0.05)
    monkeypatch.setattr(serving, "IDLE_S", 0.05)

    async def body(server: Server) -> None:
        with await connected(HOST, server.port, Binding()) as silent:
            assert await closed(silent)
        talk = await greeted(server)
        assert await closed(talk.sock)
        talk.close()

    served(alone, body)


def test_silent_connections_keep_nobody_out(alone: Namespace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serving, "CONNECTIONS", 2)
    monkeypatch.setattr(serving, "GREETING_S", 60.0)

    async def body(server: Server) -> None:
        test = await greeted(server)
        silent = [await connected(HOST, server.port, Binding()) for _ in range(4)]
        assert await closed(silent[0])
        await test.say(TCP)
        assert await test.hear(Ready)
        for sock in (*silent, test.sock):
            sock.close()

    served(alone, body)


def test_another_version_is_told_both(alone: Namespace) -> None:
    async def body(server: Server) -> None:
        talk = Talk(await connected(HOST, server.port, Binding()))
        await talk.say(Hello(99, "longpipe 9"))
        with pytest.raises(Gone, match=f"version {VERSION} of the test, the caller 99"):
            await talk.hear(Welcome)
        talk.close()

    served(alone, body)


def test_more_tests_than_allowed_are_sent_away(alone: Namespace) -> None:
    async def body(server: Server) -> None:
        first = await greeted(server)
        with pytest.raises(Gone, match="busy with 1 tests"):
            await greeted(server)
        first.close()

    served(alone, body, Limits(tests=1))


def test_a_caller_that_goes_in_the_middle_leaves_its_place_free(alone: Namespace) -> None:
    async def body(server: Server) -> None:
        for ask in (TCP, UDP, msgspec.structs.replace(TCP, up=False, down=True, seconds=5.0)):
            talk = await patiently(server)
            await talk.say(ask)
            token = (await talk.hear(Ready)).token
            if ask.down:
                data = Talk(await connected(HOST, server.port, Binding()))
                await data.say(Flow(token, 0, up=False))
                await data.hear(Joined)
                await talk.say(Go())
                assert await asyncio.get_running_loop().sock_recv(data.sock, 4096)
                talk.close()
                assert await closed(data.sock)
                data.close()
            talk.close()

    served(alone, body, Limits(tests=1))


def test_a_data_connection_from_elsewhere_is_not_part_of_the_test(alone: Namespace) -> None:
    async def body(server: Server) -> None:
        talk = await greeted(server)
        await talk.say(TCP)
        token = (await talk.hear(Ready)).token
        stranger = Talk(await connected(HOST, server.port, Binding(source="127.0.0.2")))
        await stranger.say(Flow(token, 0, up=True))
        assert await closed(stranger.sock)
        stranger.close()
        talk.close()

    served(alone, body)


def test_nobody_keeps_a_place_for_ever_by_asking_again_and_again(
    alone: Namespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serving, "PARTS", 2)

    async def body(server: Server) -> None:
        caller = await Caller.call(HOST, server.port, Binding(), "test")
        few = msgspec.structs.replace(TCP, most_bytes=1000)
        for _ in range(2):
            await caller.move(few)
        with pytest.raises(Gone):
            await caller.move(few)
        caller.close()

    served(alone, body)


def test_a_receiver_that_resets_as_the_cap_is_reached_ends_the_others_in_order(alone: Namespace) -> None:
    complaints: list[str] = []

    async def body() -> None:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _, context: complaints.append(context["message"]))
        with socket.create_server((HOST, 0)) as listening:
            ends = [await connected(HOST, listening.getsockname()[1], Binding()) for _ in range(2)]
            others = [listening.accept()[0] for _ in ends]
        others[1].setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, Struct("ii").pack(1, 0))
        others[1].close()
        sending = SendingTcp(ends, 60.0, 1000)
        await sending.run()
        assert sending.capped
        for sock in (*ends, others[0]):
            sock.close()

    alone.run(body)
    assert not complaints


async def knock(server: Server, data: bytes, source: str = HOST, patience_s: float = 0.1) -> bytes | None:
    """Send a datagram to the server three times; return its answer, None where none comes."""
    loop = asyncio.get_running_loop()
    with await connected(HOST, server.port, Binding(source=source), socket.SOCK_DGRAM) as sock:
        for _ in range(3):
            sock.send(data)
        try:
            async with asyncio.timeout(patience_s):
                return await loop.sock_recv(sock, 2048)
        except TimeoutError:
            return None


def test_datagrams_are_answered_to_the_caller_alone_and_with_no_more_than_came(alone: Namespace) -> None:
    async def body(server: Server) -> None:
        talk = await greeted(server)
        await talk.say(UDP)
        token = bytes.fromhex((await talk.hear(Ready)).token)
        question = KNOCK.pack(token, bytes(8))
        assert await knock(server, question, "127.0.0.2") is None
        assert await knock(server, KNOCK.pack(b"another!", bytes(8))) is None
        assert await knock(server, token) is None
        assert await knock(server, question + b"more") is None
        answer = await knock(server, question, patience_s=10.0)
        assert answer is not None
        assert len(answer) == len(question)
        await talk.say(Met("00" * 8))
        with pytest.raises(Gone, match="a NAT stands in between"):
            await talk.hear(Joined)
        talk.close()

    served(alone, body)


def test_a_caller_that_lies_of_what_it_sent_costs_nothing(alone: Namespace) -> None:
    async def body(server: Server) -> None:
        talk = await greeted(server)
        await talk.say(UDP)
        token = bytes.fromhex((await talk.hear(Ready)).token)
        with await connected(HOST, server.port, Binding(), socket.SOCK_DGRAM) as sock:
            sock.send(KNOCK.pack(token, bytes(8)))
            number = (await asyncio.get_running_loop().sock_recv(sock, 2048))[8:]
            await talk.say(Met(number.hex()))
            await talk.hear(Joined)
            await talk.say(Go())
            sock.send(token + (1 << 63).to_bytes(8, "big") + bytes(1184))
            sock.send(b"not" * 400)
            sock.send(b"odd")
            await talk.say(Sent(1 << 60))
            done = await talk.hear(Done)
        assert done.arrived is not None
        assert done.arrived.datagrams is not None
        counts = done.arrived.datagrams
        assert (counts.received, counts.foreign) == (0, 3)
        assert counts.sent == 20
        talk.close()

    served(alone, body)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "does not speak longpipe's bandwidth test"),
        (b"x" * 100_000, "does not speak longpipe's bandwidth test"),
        (b"", "closed the connection"),
        (encode(Go()), "out of turn"),
        (encode(Welcome(99, "x", 1.0, 1)), "speaks version 99"),
        (encode(Refusal(say(N_("Not {when}."), when="today"))), r"Not today\."),
        (encode(Refusal(say("{a}", a=say("{b}", b=say("deep"))))), "refuses"),
    ],
)
def test_whatever_a_caller_reaches_it_is_told(alone: Namespace, answer: bytes, said: str) -> None:
    async def run() -> None:
        async def answered(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readline()
            writer.write(answer)
            writer.close()

        other = await asyncio.start_server(answered, HOST, 0)
        async with other:
            with pytest.raises(Gone, match=said):
                await Caller.call(HOST, other.sockets[0].getsockname()[1], Binding(), "test")

    alone.run(run)
