"""Counters and properties of interfaces, in a namespace with a veth pair."""

import socket

import pytest

from analysis.samples import LinkCounters, LinkInfo, LinkInfos, Links, QdiscCounters, Qdiscs
from collectors.clock import Clock
from collectors.links import LinksCollector
from collectors.qdiscs import QdiscsCollector, handle_text
from tests.collectors.namespaces import Namespace
from tests.collectors.watching import watching
from tests.lab.bed import Bed

pytestmark = pytest.mark.netns


@pytest.fixture
def box(bed: Bed) -> Namespace:
    made = Namespace(bed.namespace())
    made.ip(
        "link add near address 02:00:00:00:00:07 type veth peer name far",
        "addr add 10.1.0.2/24 dev near",
        "link set near mtu 1400",
        "link set near up",
        "link set far up",
    )
    return made


def row(sample: Links, name: str) -> LinkCounters:
    return next(row for row in sample.rows if row.name == name)


def info(sample: LinkInfos, name: str) -> LinkInfo:
    return next(link for link in sample.links if link.name == name)


def send(payload: bytes) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        sock.sendto(payload, ("10.1.0.255", 9))


def test_what_is_sent_is_counted_at_both_ends(box: Namespace) -> None:
    async def body() -> None:
        async with watching(LinksCollector(Clock(), interval_s=0.01)) as watcher:
            before = await watcher.until(Links, lambda s: row(s, "near").up)
            send(b"x" * 1000)
            after = await watcher.until(Links, lambda s: row(s, "far").rx_bytes - row(before, "far").rx_bytes >= 1042)
            assert row(after, "near").tx_bytes - row(before, "near").tx_bytes >= 1042
            assert row(after, "near").tx_packets > row(before, "near").tx_packets

    box.run(body)


def test_what_changes_seldom_is_told_when_it_changes(box: Namespace) -> None:
    async def body() -> None:
        async with watching(LinksCollector(Clock(), interval_s=0.01)) as watcher:
            first = info(await watcher.until(LinkInfos, lambda s: info(s, "near").operstate == "up"), "near")
            assert (first.mtu, first.kind, first.mac) == (1400, "veth", "02:00:00:00:00:07")
            assert "10.1.0.2/24" in first.addresses
            box.ip("link set near mtu 1300", "addr add 10.3.0.2/16 dev near")
            await watcher.until(
                LinkInfos, lambda s: info(s, "near").mtu == 1300 and "10.3.0.2/16" in info(s, "near").addresses
            )
            carriers = row(await watcher.until(Links), "near").carrier_changes
            assert carriers is not None
            box.ip("link set far down")
            await watcher.until(LinkInfos, lambda s: info(s, "near").operstate in ("down", "lowerlayerdown"))
            lost = await watcher.until(Links, lambda s: row(s, "near").carrier_changes == carriers + 1)
            assert not row(lost, "near").up

    box.run(body)


def test_nothing_is_told_twice_while_nothing_changes(box: Namespace) -> None:
    async def body() -> None:
        async with watching(LinksCollector(Clock(), interval_s=0.01)) as watcher:
            await watcher.until(LinkInfos, lambda s: all(link.operstate != "down" for link in s.links))
            told = [s for s in watcher.samples if isinstance(s, LinkInfos)]
            now = len(watcher.samples)
            await watcher.until(Links, lambda _: len(watcher.samples) > now + 3)
            assert [s for s in watcher.samples[:now] if isinstance(s, LinkInfos)] == told

    box.run(body)


def test_an_interface_that_goes_away_is_no_longer_told(box: Namespace) -> None:
    async def body() -> None:
        async with watching(LinksCollector(Clock(), interval_s=0.01)) as watcher:
            await watcher.until(LinkInfos, lambda s: len(s.links) == 3)
            box.ip("link del near")
            await watcher.until(LinkInfos, lambda s: [link.name for link in s.links] == ["lo"])
            await watcher.until(Links, lambda s: [link.name for link in s.rows] == ["lo"])

    box.run(body)


def test_a_queue_that_overflows_tells_its_drops(box: Namespace) -> None:
    box.tc("qdisc add dev near root handle 1: tbf rate 8kbit burst 1600 limit 3000")

    def near(sample: Qdiscs) -> QdiscCounters:
        return next(row for row in sample.rows if row.interface == "near")

    async def body() -> None:
        async with watching(QdiscsCollector(Clock(), interval_s=0.01, delay_s=0)) as watcher:
            quiet = near(await watcher.until(Qdiscs))
            assert (quiet.kind, quiet.handle, quiet.parent, quiet.drops) == ("tbf", "1:", "root", 0)
            for _ in range(10):
                send(b"x" * 1000)
            busy = near(await watcher.until(Qdiscs, lambda s: near(s).drops > 0))
            assert busy.backlog_bytes > 0

    box.run(body)


@pytest.mark.parametrize(
    ("handle", "text"),
    [(0xFFFFFFFF, "root"), (0xFFFFFFF1, "ingress"), (0x80010000, "8001:"), (0x10010, "1:10"), (0, "0:")],
)
def test_handles_read_as_tc_prints_them(handle: int, text: str) -> None:
    assert handle_text(handle) == text
