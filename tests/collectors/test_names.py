"""Names, resolvers and gateways become addresses, and stay sensible when looking up does not work."""

import asyncio
import contextlib
import socket
from collections.abc import Callable, Coroutine
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.samples import Name, Route
from analysis.services.url import is_address
from analysis.settings import TargetSettings
from collectors import names
from collectors.clock import Clock
from collectors.names import choose, follow, follow_resolvers, gateways, parse_resolv_conf, read_resolvers

ADDRESS = st.ip_addresses().map(str)
HOST = TargetSettings("gpu.example")


FAMILY = st.sampled_from(["any", "4", "6", "both"])


@given(st.lists(ADDRESS, unique=True), st.lists(ADDRESS, unique=True), st.integers(1, 4), FAMILY)
@settings(max_examples=50)
def test_at_most_so_many_addresses_of_each_family_and_those_in_use_stay(
    known: list[str], found: list[str], limit: int, family: str
) -> None:
    target = TargetSettings("x", family=family, addresses=limit)
    chosen = choose(choose((), known, target), found, target)
    for colon in (True, False):
        of_family = [address for address in chosen if (":" in address) is colon]
        assert len(of_family) <= limit
        assert set(of_family) <= set(found)
    assert choose(chosen, reversed(found), target) == chosen, "a shuffled answer changes nothing"


@settings(max_examples=30)
@given(st.text() | st.lists(ADDRESS.map("nameserver {}".format)).map("\n".join))
def test_a_resolv_conf_gives_addresses_or_nothing(text: str) -> None:
    for server in parse_resolv_conf(text):
        assert is_address(server)


def test_the_servers_behind_a_stub_stand_in_its_place(tmp_path: Path) -> None:
    conf, behind = tmp_path / "resolv.conf", tmp_path / "resolved.conf"
    conf.write_text("# by resolved\nnameserver 127.0.0.53\noptions edns0\n")
    assert read_resolvers(conf, behind) == ("127.0.0.53",)
    behind.write_text("nameserver 192.0.2.53\nnameserver fe80::1%eth0\nnameserver 192.0.2.53\n")
    assert read_resolvers(conf, behind) == ("192.0.2.53", "fe80::1%eth0")
    assert read_resolvers(tmp_path / "none", behind) == ()


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(names, "AGAIN_S", 0.001)
    monkeypatch.setattr(names, "RETRY_S", (0.001,))


async def published(coroutine_for: Callable, enough: Callable[[list[Name]], bool]) -> list[Name]:
    """Return what is published until there is enough of it."""
    seen: list[Name] = []
    done = asyncio.Event()

    def publish(name: Name) -> None:
        seen.append(name)
        if enough(seen):
            done.set()

    task = asyncio.create_task(coroutine_for(publish))
    async with asyncio.timeout(90):
        await done.wait()
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
    return seen


def answers(*script: tuple[str, ...] | OSError) -> Callable:
    """A look-up that gives one answer after the other, and the last one for ever."""
    left = list(script)

    async def lookup(host: str) -> tuple[str, ...]:
        assert host == HOST.host
        answer = left.pop(0) if len(left) > 1 else left[0]
        if isinstance(answer, OSError):
            raise answer
        return answer

    return lookup


DEAD = socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")


@pytest.mark.usefixtures("hurried")
async def test_only_changes_are_told_and_dead_dns_keeps_what_was_known() -> None:
    script = answers(DEAD, DEAD, ("192.0.2.1",), ("192.0.2.1",), DEAD, DEAD, ("192.0.2.2",))
    seen = await published(lambda publish: follow(HOST, script, Clock(), publish), lambda seen: len(seen) == 5)
    assert [(name.addresses, name.error is None) for name in seen] == [
        ((), True),
        ((), False),
        (("192.0.2.1",), True),
        (("192.0.2.1",), False),
        (("192.0.2.2",), True),
    ]
    assert "no answer from the resolvers" in str(seen[1].error)


@pytest.mark.usefixtures("hurried")
async def test_a_name_without_an_address_of_the_wanted_family_says_so() -> None:
    target = TargetSettings(HOST.host, family="6")
    answer = answers(("192.0.2.1",))
    seen = await published(lambda publish: follow(target, answer, Clock(), publish), lambda seen: len(seen) == 2)
    assert seen[1].addresses == ()
    assert "IPv6" in str(seen[1].error)


async def test_a_name_is_told_while_the_resolvers_are_silent() -> None:
    async def never(host: str) -> tuple[str, ...]:
        await asyncio.Event().wait()
        raise AssertionError(host)

    seen = await published(lambda publish: follow(HOST, never, Clock(), publish), bool)
    assert [(name.target, name.addresses, name.error) for name in seen] == [(HOST.host, (), None)]


async def test_an_address_is_never_looked_up() -> None:
    async def lookup(host: str) -> tuple[str, ...]:
        raise AssertionError(host)

    for host in ("192.0.2.7", "2001:db8::7", "fe80::1%eth0"):
        seen: list[Name] = []
        await follow(TargetSettings(host, name="x"), lookup, Clock(), seen.append)
        assert [(name.target, name.addresses) for name in seen] == [("x", (host,))]


async def test_the_systems_resolver_is_asked_off_the_loop() -> None:
    assert "127.0.0.1" in await names.system_lookup()("localhost")
    with pytest.raises(OSError, match=r"."):
        await names.system_lookup()("no such host")


@pytest.mark.usefixtures("hurried")
async def test_resolvers_are_read_again() -> None:
    script = [(), ("192.0.2.53",), ("192.0.2.53",), ("192.0.2.54",)]

    def read() -> tuple[str, ...]:
        return script.pop(0) if len(script) > 1 else script[0]

    def following(publish: Callable) -> Coroutine:
        return follow_resolvers(TargetSettings("resolvers"), Clock(), publish, read)

    seen = await published(following, lambda seen: len(seen) == 3)
    assert [name.addresses for name in seen] == [(), ("192.0.2.53",), ("192.0.2.54",)]
    assert seen[0].error


def test_gateways_come_from_the_routes_with_their_zone_where_they_need_one() -> None:
    routes = (
        Route("a", "a", 4, "eth0", gateway="192.0.2.1"),
        Route("b", "b", 6, "eth1", gateway="fe80::1"),
        Route("c", "c", 4, "ppp0"),
        Route("d", "d", 4, "eth2", gateway="192.0.2.9", standby=True),
    )
    target = TargetSettings("gateway")
    assert gateways(target, routes, 1).addresses == ("192.0.2.1", "fe80::1%eth1")
    assert "nothing beyond" in str(gateways(target, (), 1).error)
    assert "point-to-point" in str(gateways(target, routes[2:3], 1).error)
