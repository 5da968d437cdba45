"""An HTTP service is met as a client would meet it, and nothing that it sends does harm."""

import asyncio
import socket

import pytest

from collectors.services.http import BODY_LIMIT
from collectors.services.line import Line
from tests.collectors.services.visits import check
from tests.lab.turns import others
from tests.lab.web import page, resets, says, server, silent


async def test_a_good_answer_has_a_status_and_every_phase_is_timed() -> None:
    async with server(says(page("200 OK", body=b"fine"))) as port:
        seen = await check(f"http://health.example:{port}/health?deep=1")
    assert (seen.failure, seen.status, seen.address, seen.cut) == (None, 200, "127.0.0.1", False)
    phases = seen.phases
    assert phases.tls_us is None
    parts = [phases.name_us, phases.connect_us, phases.first_byte_us, phases.whole_us]
    assert None not in parts
    assert sum(part or 0 for part in parts[:-1]) <= (phases.whole_us or 0)


async def test_the_request_names_the_host_and_asks_for_one_answer_only() -> None:
    heads: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(page("204 No Content"))
        await writer.drain()

    async with server(serve) as port:
        assert (await check(f"http://health.example:{port}/a%20b?x=ü")).status == 204
    lines = heads[0].decode().split("\r\n")
    assert lines[0] == "GET /a%20b?x=%C3%BC HTTP/1.1"
    assert {f"Host: health.example:{port}", "User-Agent: longpipe/test", "Connection: close"} <= set(lines)


async def test_an_address_is_not_looked_up() -> None:
    async def lookup(host: str) -> tuple[str, ...]:
        raise AssertionError(host)

    async with server(says(page("200 OK"))) as port:
        seen = await check(f"http://127.0.0.1:{port}/", lookup=lookup)
    assert (seen.failure, seen.phases.name_us) == (None, None)


@pytest.mark.parametrize(
    ("status", "statuses", "failure"),
    [
        ("200 OK", (), None),
        ("302 Found", (), None),
        ("404 Not Found", (), "status"),
        ("503 Service Unavailable", (), "status"),
        ("503 Service Unavailable", (503,), None),
        ("200 OK", (204,), "status"),
    ],
)
async def test_200_to_399_are_good_unless_others_are_wanted(status: str, statuses, failure: str | None) -> None:
    async with server(says(page(status))) as port:
        seen = await check(f"http://127.0.0.1:{port}/", statuses=statuses)
    assert (seen.failure, seen.status) == (failure, int(status[:3]))
    assert (status[:3] in str(seen.why)) == (failure is not None)


async def test_redirects_are_the_answer_unless_they_are_to_be_followed() -> None:
    async with server(says(page("200 OK"))) as good, server(says(page("503 Down"))) as bad:
        for target, followed in ((good, (None, 200)), (bad, ("status", 503))):
            async with server(says(page("301 Moved", f"Location: http://127.0.0.1:{target}/x"))) as port:
                url = f"http://127.0.0.1:{port}/"
                left = await check(url)
                assert (left.failure, left.status) == (None, 301)
                seen = await check(url, redirects=1)
                assert (seen.failure, seen.status) == followed


@pytest.mark.parametrize(
    "where", ["file:///etc/passwd", "gopher://x/?token=pass", "http://user:pass@x/", "http://[", "\x1b]0;x\x07://"]
)
async def test_a_redirect_to_anything_but_the_web_is_not_followed(where: str) -> None:
    async with server(says(page("302 Found", f"Location: {where}"))) as port:
        seen = await check(f"http://127.0.0.1:{port}/", redirects=3)
    assert seen.failure in ("protocol", "name")
    assert "pass@" not in str(seen.why)
    assert "token" not in str(seen.why)


async def test_a_redirect_in_a_circle_ends() -> None:
    async with server(says(page("302 Found", "Location: /again"))) as port:
        seen = await check(f"http://127.0.0.1:{port}/", redirects=3)
    assert (seen.failure, seen.status) == (None, 302)


@pytest.mark.parametrize(
    "parts",
    [
        (b"SSH-2.0-OpenSSH_9.2\r\n",),
        (b"\x00\xff" * 100,),
        (b"HTTP/1.1 999999 What\r\n\r\n",),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort",),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",),
        (b"HTTP/1.1 100 Continue\r\n\r\n" * 20,),
        (b"HTTP/1.1 200 OK\r\n", *[b"X-Long: " + b"x" * 1000 + b"\r\n"] * 100),
    ],
)
async def test_what_is_not_http_is_told_as_such(parts: tuple[bytes, ...]) -> None:
    async with server(says(*parts)) as port:
        seen = await check(f"http://127.0.0.1:{port}/")
    assert seen.failure in ("protocol", "reset")
    assert str(seen.why).isprintable()


async def test_of_an_endless_body_only_the_beginning_is_read() -> None:
    sent = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n")
        while sent < 100_000_000:
            writer.write(b"x" * 65536)
            await writer.drain()
            sent += 65536

    async with server(serve) as port:
        seen = await check(f"http://127.0.0.1:{port}/")
    assert (seen.failure, seen.status, seen.cut) == (None, 200, True)
    assert BODY_LIMIT < sent < 50_000_000


async def test_chunks_are_read_to_their_end() -> None:
    body = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nfine\r\n0\r\n\r\n"
    async with server(says(*(body[n : n + 1] for n in range(len(body))))) as port:
        seen = await check(f"http://127.0.0.1:{port}/")
    assert (seen.failure, seen.status, seen.cut) == (None, 200, False)


async def test_silence_is_a_timeout_that_says_what_was_waited_for() -> None:
    async with server(silent) as port:
        seen = await check(f"http://127.0.0.1:{port}/", timeout_s=0.5)
    assert (seen.failure, seen.status, seen.phases.whole_us) == ("timeout", None, None)
    assert seen.phases.connect_us is not None
    assert str(seen.why) == "no answer within 0.5 s; missing is the HTTP answer"


async def test_a_reset_and_a_refusal_are_told_apart_from_silence() -> None:
    async with server(resets) as port:
        assert (await check(f"http://127.0.0.1:{port}/")).failure == "reset"
    refused = await check(f"http://127.0.0.1:{port}/")
    assert (refused.failure, refused.by) == ("refused", "127.0.0.1")
    assert str(refused.why) == "127.0.0.1 refused the connection"


async def test_an_address_that_refuses_is_followed_by_the_next_one() -> None:
    async def lookup(host: str) -> tuple[str, ...]:
        return ("127.0.0.9", "127.0.0.1")

    async with server(says(page("200 OK"))) as port:
        seen = await check(f"http://two.example:{port}/", lookup=lookup)
    assert (seen.failure, seen.address) == (None, "127.0.0.1")


async def test_a_name_without_an_address_is_a_failure_of_its_own() -> None:
    async def lookup(host: str) -> tuple[str, ...]:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    seen = await check("tcp://gone.example:80", lookup=lookup)
    assert (seen.failure, str(seen.why)) == ("name", "its name cannot be looked up (Name or service not known)")


async def test_tcp_only_connects() -> None:
    async with server(silent) as port:
        seen = await check(f"tcp://127.0.0.1:{port}")
    assert (seen.failure, seen.status, seen.certificate) == (None, None, None)
    assert seen.phases.first_byte_us is None


async def test_a_body_in_crumbs_is_cut_by_what_came_over_the_line() -> None:
    crumbs = b"1\r\nx\r\n" * (BODY_LIMIT // 4)
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    async with server(says(head, crumbs, b"0\r\n\r\n")) as port:
        seen = await check(f"http://127.0.0.1:{port}/")
    assert (seen.failure, seen.status, seen.cut) == (None, 200, True)


async def test_a_connection_that_ends_without_a_word_is_told_as_closed() -> None:
    async with server(says()) as port:
        seen = await check(f"http://127.0.0.1:{port}/")
    assert (seen.failure, str(seen.why)) == ("closed", "the connection ended without an answer")


async def test_what_is_there_already_is_read_in_turns_with_others() -> None:
    here, there = socket.socketpair()
    with here, there:
        here.setblocking(False)
        line = Line(here)
        async with others() as turns:
            for _ in range(50):
                there.send(b"x")
                assert await line.receive() == b"x"
    assert turns.taken >= 50
