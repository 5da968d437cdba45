"""Services are checked again and again, each at its own pace, and what comes of it is recorded like anything else."""

import asyncio
import gc
import weakref
from collections.abc import Callable
from pathlib import Path

from analysis.events import Event
from analysis.samples import Check, DnsAnswer, PortRow, Ports, Sample, Service
from analysis.services.fold import Services
from analysis.services.settings import PortSettings, ServiceSettings
from analysis.settings import Settings
from collectors.clock import Clock
from collectors.services.check import Checker, whom
from collectors.services.collector import OneAtATime, PortsCollector, ServicesCollector
from collectors.session.digest import Digest
from collectors.session.filestore import FileStore
from collectors.session.index import index_path
from collectors.session.reader import SessionFile
from collectors.session.redact import Redactor
from tests.collectors.services.visits import check, home, nowhere
from tests.collectors.session.samples import TOOL, a_header, write_session
from tests.lab.name_server import always, name_server
from tests.lab.web import page, server
from tests.samples import at
from tui.live import live_collectors


async def run_until(
    collector: ServicesCollector | PortsCollector, enough: Callable[[list[Sample]], bool]
) -> list[Sample]:
    """Return what a collector emits until there is enough of it."""
    seen: list[Sample] = []
    done = asyncio.Event()

    def emit(sample: Sample) -> None:
        seen.append(sample)
        if enough(seen):
            done.set()

    task = asyncio.create_task(collector.run(emit))
    async with asyncio.timeout(25):
        await done.wait()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    return seen


def events(samples: list[Sample]) -> list[Event]:
    services = Services()
    return [event for sample in samples for event in services.fold(sample)]


async def test_a_service_that_fails_and_comes_back_goes_down_and_up_by_its_thresholds() -> None:
    asked = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal asked
        asked += 1
        await reader.readuntil(b"\r\n\r\n")
        writer.write(page("503 Service Unavailable" if 4 <= asked <= 8 else "200 OK"))
        await writer.drain()

    async with server(serve) as port:
        web = ServiceSettings(f"http://127.0.0.1:{port}/health", "web", interval_s=0.01, timeout_s=20)
        collector = ServicesCollector((web,), Clock(), Checker(Clock(), nowhere, tuple))
        seen = await run_until(collector, lambda seen: len(events(seen)) >= 2)
    assert isinstance(seen[0], Service)
    down, up = events(seen)
    assert str(down.text).endswith("at last: status 503")
    assert str(up.text).startswith("web is up again")
    assert [sample.failure for sample in seen[1:7] if isinstance(sample, Check)] == [None] * 3 + ["status"] * 3


async def test_ports_are_looked_at_again_and_again() -> None:
    hosts = (
        PortSettings(("127.0.0.1",), reachable=(1,), interval_s=0.01),
        PortSettings(("x.example", "y.example"), unreachable=(1,), interval_s=0.01),
    )
    seen = await run_until(
        PortsCollector(hosts, Clock(), home), lambda seen: len({s.host for s in seen}) == 3 and len(seen) > 4
    )
    assert {sample.host: sample.rows[0].wanted for sample in seen if isinstance(sample, Ports)} == {
        "127.0.0.1": True,
        "x.example": False,
        "y.example": False,
    }


async def test_resolvers_are_asked_side_by_side_and_those_that_fail_are_named() -> None:
    async with name_server(always("192.0.2.1", "2001:db8::1")) as good, name_server(always(rcode="NXDOMAIN")) as bad:
        told = [f"{address}:{port}" for address, port in (good, bad)]
        seen = await check("dns:far.example", resolvers=("system", told[1]), system=(told[0], told[1]))
    assert [(answer.resolver, answer.record) for answer in seen.answers] == [
        (resolver, record) for resolver in told for record in ("A", "AAAA")
    ]
    assert (seen.failure, str(seen.why)) == ("answer", f"{told[1]}: NXDOMAIN; resolvers that have an address: 1")
    assert seen.phases.whole_us == max(answer.took_us or 0 for answer in seen.answers)


async def test_a_box_without_resolvers_says_so() -> None:
    seen = await check("dns:far.example")
    assert (seen.failure, str(seen.why)) == ("answer", "this box has no resolvers in /etc/resolv.conf")


def test_whom_to_ask_is_whom_the_box_asks_and_the_chosen_ones_each_once() -> None:
    assert whom(("system", "8.8.8.8", "[2001:db8::1]:5353", "10.0.0.1"), ("10.0.0.1", "2001:db8::2")) == [
        ("10.0.0.1", 53),
        ("2001:db8::2", 53),
        ("8.8.8.8", 53),
        ("2001:db8::1", 5353),
    ]


async def test_dead_dns_does_not_pile_up_questions() -> None:
    asked: list[str] = []
    answer = asyncio.Event()

    async def slow(host: str) -> tuple[str, ...]:
        asked.append(host)
        await answer.wait()
        return ("192.0.2.1",)

    lookup = OneAtATime(slow)
    waiting = [asyncio.ensure_future(lookup("x")) for _ in range(5)]
    for task in waiting[:2]:
        task.cancel()
    answer.set()
    assert await asyncio.gather(*waiting[2:]) == [("192.0.2.1",)] * 3
    assert asked == ["x"]


async def test_names_that_were_looked_up_are_forgotten_however_many_redirects_invent() -> None:
    looks: weakref.WeakSet[asyncio.Task[object]] = weakref.WeakSet()

    async def look(host: str) -> tuple[str, ...]:
        if (task := asyncio.current_task()) is not None:
            looks.add(task)
        await asyncio.sleep(0)
        return (host,)

    lookup = OneAtATime(look)
    assert [await lookup(host) for host in ("x", "y", "x")] == [("x",), ("y",), ("x",)]
    gc.collect()
    assert not looks


def test_nothing_is_checked_that_was_not_asked_for() -> None:
    names = {collector.name for collector in live_collectors(Settings(), Clock())}
    assert not names & {"services", "ports"}
    asked = Settings(
        services=(ServiceSettings("tcp://127.0.0.1:1"),), ports=(PortSettings(("127.0.0.1",), "cluster"),)
    )
    assert {"services", "ports"} <= {collector.name for collector in live_collectors(asked, Clock())}


def recorded() -> list[Sample]:
    """An hour in which a service goes down and up again."""
    samples: list[Sample] = [Service(at(0), "secret-web", "https", "https://secret.example/health")]
    for n in range(1, 720):
        failed = 300 <= n < 310
        samples.append(
            Check(at(5 * n), "secret-web", "refused" if failed else None, address="198.51.100.7", by="198.51.100.7")
        )
        if n % 12 == 0:
            row = PortRow(8265, False, "open" if n == 360 else "filtered", listener=None)
            samples.append(Ports(at(5 * n), "secret-head.example", "198.51.100.8", rows=(row,)))
    return samples


def test_a_long_recorded_session_tells_the_same_events_as_it_told_live(tmp_path: Path) -> None:
    samples = recorded()
    live = events(samples)
    assert len(live) == 4
    for indexed in (True, False):
        path = write_session(tmp_path / f"{indexed}.lps", samples)
        if not indexed:
            index_path(path).unlink()
        store = FileStore([SessionFile(path, TOOL)])
        assert list(Digest(store, Settings()).events) == live
        store.close()


def test_an_export_without_names_holds_none_of_services_and_ports() -> None:
    answers = (DnsAnswer("203.0.113.53", "A", "NOERROR", ("198.51.100.7",), also=(("198.51.100.9",),)),)
    samples = [*recorded()[:3], Check(at(9), "secret-web", answers=answers), recorded()[-1]]
    redactor = Redactor()
    redactor.learn_header(a_header())
    for sample in samples:
        redactor.learn(sample)
    hidden = [redactor.sample(sample) for sample in samples]
    assert [answer.rcode for one in hidden if isinstance(one, Check) for answer in one.answers] == ["NOERROR"]
    text = "".join(map(str, hidden))
    for secret in ("secret", "198.51.100", "203.0.113"):
        assert secret not in text
