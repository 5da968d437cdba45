"""One question to one resolver: every way in which it can be answered, or not."""

import asyncio
import socket

import dns.message
import pytest
from dns.message import Message
from hypothesis import given, settings
from hypothesis import strategies as st

from collectors.services.dns import ask
from tests.lab.name_server import Script, always, answer, name_server
from tests.lab.turns import others

V4, V6 = "192.0.2.1", "2001:db8::1"


async def asked(udp: Script, tcp: Script | None = None, *, record="A", timeout_s=20.0, linger_s=0.02):
    async with name_server(udp, tcp) as resolver:
        return await ask(resolver, "far.example", record, timeout_s, linger_s)


async def test_an_answer_is_told_with_its_addresses_and_time() -> None:
    for record, address in (("A", V4), ("AAAA", V6)):
        found = await asked(always(V4, V6), record=record)
        assert (found.rcode, found.addresses, found.failure, found.over_tcp) == ("NOERROR", (address,), None, False)
        assert found.took_us is not None
        assert found.took_us > 0
        assert found.resolver.startswith("127.0.0.1:")


@pytest.mark.parametrize("rcode", ["NXDOMAIN", "SERVFAIL", "REFUSED"])
async def test_a_refusal_in_dns_is_an_answer_with_its_code(rcode: str) -> None:
    found = await asked(always(rcode=rcode))
    assert (found.rcode, found.addresses, found.failure) == (rcode, (), None)


async def test_an_answer_that_does_not_fit_is_fetched_over_tcp() -> None:
    found = await asked(lambda question: [answer(question, truncated=True)], always(V4))
    assert (found.addresses, found.over_tcp, found.failure) == ((V4,), True, None)


async def test_tcp_that_ends_early_or_says_nonsense_is_a_failure_that_is_named() -> None:
    cut = [lambda question: [], lambda question: [b"nonsense" * 3]]
    found = [await asked(lambda question: [answer(question, truncated=True)], tcp) for tcp in cut]
    assert [(one.failure, one.over_tcp, one.rcode) for one in found] == [
        ("closed", True, None),
        ("protocol", True, None),
    ]


async def test_silence_is_a_timeout_and_a_closed_port_a_refusal() -> None:
    silent = await asked(lambda question: [], timeout_s=0.05)
    assert (silent.failure, silent.rcode, silent.took_us) == ("timeout", None, None)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        nobody = sock.getsockname()
    assert (await ask(nobody, "far.example", "A", 20)).failure == "refused"


def with_id(wire: bytes, number: int) -> bytes:
    return number.to_bytes(2, "big") + wire[2:]


async def test_forged_answers_with_a_wrong_id_or_name_are_passed_over() -> None:
    def script(question: Message) -> list[bytes]:
        other = dns.message.make_query("other.example", "A", id=question.id)
        good = answer(question, V4)
        return [with_id(good, question.id ^ 1), answer(other, "203.0.113.9"), b"", b"\xff" * 40, good]

    found = await asked(script)
    assert (found.addresses, found.also) == ((V4,), ())


async def test_only_nonsense_is_told_as_nonsense_not_as_silence() -> None:
    found = await asked(lambda question: [b"\xff" * 40], timeout_s=0.5)
    assert (found.failure, found.rcode) == ("protocol", None)


async def test_addresses_of_another_network_than_the_internet_are_none() -> None:
    internet, elsewhere = b"\0\x01\0\x01\0\0\0\x3c", b"\0\x01\x12\x34\0\0\0\x3c"
    found = await asked(lambda question: [answer(question, V4).replace(internet, elsewhere)])
    assert (found.rcode, found.addresses) == ("NOERROR", ())


async def test_a_second_different_answer_shows_that_somebody_else_answers_too() -> None:
    found = await asked(lambda question: [answer(question, "203.0.113.9"), answer(question, V4)])
    assert (found.addresses, found.also) == (("203.0.113.9",), ((V4,),))
    repeated = await asked(lambda question: [answer(question, V4)] * 3)
    assert (repeated.addresses, repeated.also) == ((V4,), ())


@settings(max_examples=25, deadline=None)
@given(st.binary(max_size=200))
def test_whatever_comes_back_is_no_crash(data: bytes) -> None:
    def script(question: Message) -> list[bytes]:
        wire = answer(question, V4)
        return [data, wire[: len(data)], with_id(wire[:12] + data, question.id), wire]

    found = asyncio.run(asked(script, linger_s=0.001))
    assert found.failure is None
    assert found.rcode == "NOERROR"


async def test_a_flood_of_nonsense_leaves_the_loop_to_others() -> None:
    began = 0
    async with others() as turns:

        def flood(question: Message) -> list[bytes]:
            nonlocal began
            began = turns.taken
            return [b"nonsense"] * 50 + [answer(question, V4)]

        found = await asked(flood, linger_s=0.0)
    assert found.addresses == (V4,)
    assert turns.taken - began >= 50
