"""Ways out of the box, as a person with `ip route` makes and breaks them."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from analysis.samples import Route, Routes
from analysis.settings import RouteSettings
from collectors.changes import Changes
from collectors.clock import Clock
from collectors.netlink import dump
from collectors.routebook import RouteBook
from collectors.routes import RoutesCollector, read_tables
from collectors.rtnetlink import read_defaults, read_links
from collectors.ways import ways_out
from tests.collectors.namespaces import Namespace
from tests.collectors.watching import Watcher, watching
from tests.lab.bed import Bed

pytestmark = pytest.mark.netns

TWO_LINKS = (
    "link add up0 type veth peer name far0",
    "link add up1 type veth peer name far1",
    "addr add 10.1.0.2/24 dev up0",
    "addr add 10.2.0.2/24 dev up1",
    "addr add fd01::2/64 dev up0 nodad",
    *(f"link set {name} up" for name in ("up0", "up1", "far0", "far1")),
)


@pytest.fixture
def box(bed: Bed) -> Namespace:
    made = Namespace(bed.namespace())
    made.ip(*TWO_LINKS)
    made.run(carrier)
    return made


async def carrier() -> None:
    """Wait until the kernel has seen that every link has carrier: it looks a little later."""
    with Changes() as changes:
        while not all(link.running for link in (await read_links()).values()):
            await changes.wait(1)
            changes.drain()


def routes_now(box: Namespace, *settings: RouteSettings) -> tuple[Route, ...]:
    found: list[Route] = []

    async def read() -> None:
        found.extend(ways_out(await read_tables(), settings))

    box.run(read)
    return tuple(found)


def told(routes: tuple[Route, ...]) -> list[tuple[str, str | None]]:
    return [(route.name, route.gateway) for route in routes]


def test_a_box_without_a_default_route_has_no_way_out(box: Namespace) -> None:
    assert routes_now(box) == ()


def test_every_default_route_of_both_families_is_found_the_preferred_one_first(box: Namespace) -> None:
    box.ip(
        "route add default via 10.2.0.1 metric 200",
        "route add default via 10.1.0.1 metric 100",
        "route add ::/0 via fd01::1",
    )
    routes = routes_now(box)
    assert [(r.family, r.interface, r.gateway, r.metric, r.up, r.standby) for r in routes] == [
        (4, "up0", "10.1.0.1", 100, True, False),
        (4, "up1", "10.2.0.1", 200, True, False),
        (6, "up0", "fd01::1", 1024, True, False),
    ]


def test_each_next_hop_of_a_multipath_route_is_a_way_out(box: Namespace) -> None:
    box.ip("route add default nexthop via 10.1.0.1 weight 3 nexthop via 10.2.0.1")
    assert told(routes_now(box)) == [("up0", "10.1.0.1"), ("up1", "10.2.0.1")]


def test_a_tunnel_that_takes_both_halves_is_the_way_that_plain_packets_take(box: Namespace) -> None:
    box.ip(
        "route add default via 10.1.0.1",
        "route add 0.0.0.0/1 via 10.2.0.1",
        "route add 128.0.0.0/1 via 10.2.0.1",
    )
    assert told(routes_now(box)) == [("up1", "10.2.0.1"), ("up0", "10.1.0.1")]


def test_of_two_gateways_on_one_interface_the_lesser_stands_by(box: Namespace) -> None:
    box.ip("route add default via 10.1.0.1", "route add default via 10.1.0.9 metric 50")
    best, other = routes_now(box)
    assert (best.name, best.standby) == ("up0", False)
    assert (other.name, other.standby) == ("up0 via 10.1.0.9", True)


def test_a_table_behind_a_mark_is_reached_with_that_mark(box: Namespace) -> None:
    box.ip("route add default via 10.2.0.1 table 100", "rule add fwmark 0x64 lookup 100")
    assert routes_now(box) == (
        Route("dev up1 via 10.2.0.1 table 100 mark 0x64", "up1 mark 0x64", 4, "up1", "10.2.0.1", None, 100, 0x64),
    )


def test_a_table_behind_a_source_prefix_is_reached_from_our_address_in_it(box: Namespace) -> None:
    box.ip("route add default via 10.2.0.1 table 100", "rule add from 10.2.0.0/16 lookup 100")
    (route,) = routes_now(box)
    assert (route.source, route.table, route.name) == ("10.2.0.2", 100, "up1 from 10.2.0.2")


@pytest.mark.parametrize(
    "rule", ["from 172.16.0.1 lookup 100", "iif up0 lookup 100", "to 9.9.9.9 lookup 100", "ipproto tcp lookup 100"]
)
def test_a_table_that_our_packets_cannot_be_made_to_take_is_no_way_out(box: Namespace, rule: str) -> None:
    box.ip("route add default via 10.2.0.1 table 100", f"rule add {rule}")
    assert routes_now(box) == ()


def test_a_default_that_drops_packets_is_no_way_out(box: Namespace) -> None:
    box.ip("route add blackhole default", "route add unreachable ::/0")
    assert routes_now(box) == ()


def test_the_config_names_routes_and_adds_those_that_netlink_cannot_show(box: Namespace) -> None:
    box.ip("route add default via 10.1.0.1")
    named = RouteSettings("fibre", interface="up0")
    added = RouteSettings("tunnel", interface="up1", mark=7)
    missing = RouteSettings("gone", interface="up9")
    assert [(r.name, r.interface, r.mark, r.up) for r in routes_now(box, named, added, missing)] == [
        ("fibre", "up0", 0, True),
        ("tunnel", "up1", 7, True),
        ("gone", "up9", 0, False),
    ]


Step = Callable[[Watcher], Awaitable[None]]


def watch(box: Namespace, step: Step, book: RouteBook | None = None) -> None:
    async def body() -> None:
        async with watching(RoutesCollector(Clock(), book or RouteBook(), again_s=0.1)) as watcher:
            await step(watcher)

    box.run(body)


def test_a_new_gateway_is_told_by_an_event(box: Namespace) -> None:
    box.ip("route add default via 10.1.0.1")

    async def step(watcher: Watcher) -> None:
        await watcher.until(Routes, lambda s: told(s.routes) == [("up0", "10.1.0.1")])
        box.ip("route replace default via 10.1.0.9")
        await watcher.until(Routes, lambda s: told(s.routes) == [("up0", "10.1.0.9")])

    watch(box, step)


def test_a_link_set_down_takes_its_route_away_and_a_lost_carrier_marks_it(box: Namespace) -> None:
    box.ip("route add default via 10.1.0.1", "route add default via 10.2.0.1 metric 5")

    async def step(watcher: Watcher) -> None:
        await watcher.until(Routes, lambda s: [r.up for r in s.routes] == [True, True])
        box.ip("link set far1 down")
        await watcher.until(
            Routes, lambda s: [(r.interface, r.up) for r in s.routes] == [("up0", True), ("up1", False)]
        )
        box.ip("link set up0 down")
        await watcher.until(Routes, lambda s: [r.interface for r in s.routes] == ["up1"])

    watch(box, step)


def test_a_lost_address_takes_away_the_route_that_starts_from_it(box: Namespace) -> None:
    box.ip("route add default via 10.2.0.1 table 100", "rule add from 10.2.0.2 lookup 100")

    async def step(watcher: Watcher) -> None:
        await watcher.until(Routes, lambda s: len(s.routes) == 1)
        box.ip("addr del 10.2.0.2/24 dev up1")
        await watcher.until(Routes, lambda s: s.routes == ())

    watch(box, step)


def test_probes_are_offered_every_route_but_those_standing_by(box: Namespace) -> None:
    box.ip("route add default via 10.1.0.1", "route add default via 10.1.0.9 metric 50")
    book = RouteBook()

    async def step(watcher: Watcher) -> None:
        everything = await watcher.until(Routes)
        assert len(everything.routes) == 2
        assert told(book.routes) == [("up0", "10.1.0.1")]

    watch(box, step, book)


def test_a_hundred_thousand_routes_let_the_loop_turn_and_hide_no_default(box: Namespace) -> None:
    box.ip(
        "route add default via 10.1.0.1",
        *(f"route add 20.{i >> 16}.{i >> 8 & 255}.{i & 255} via 10.2.0.1" for i in range(100_000)),
        "route add default via 10.2.0.1 metric 9",
    )
    largest, turns = 0, 0

    async def count() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    async def body() -> None:
        nonlocal largest
        counting = asyncio.create_task(count())
        assert [str(d.gateway) for d in await read_defaults(2)] == ["10.1.0.1", "10.2.0.1"]
        counting.cancel()
        request = bytes((2, *[0] * 11))
        async for _, found in dump(0, 26, request):
            largest = max(largest, len(found))

    box.run(body)
    assert turns > 100
    assert largest < 1000


def test_routes_that_are_no_default_wake_nobody(box: Namespace) -> None:
    box.ip("route add default via 10.1.0.1")

    async def step(watcher: Watcher) -> None:
        await watcher.until(Routes)
        book_looks = looks.count
        box.ip(*(f"route add 20.0.0.{i} via 10.2.0.1" for i in range(200)))
        box.ip("route add default via 10.2.0.1 metric 9")
        await watcher.until(Routes, lambda s: len(s.routes) == 2)
        assert looks.count - book_looks < 5

    looks = CountingBook()
    watch(box, step, looks)


class CountingBook(RouteBook):
    """Counts how often the routes were read."""

    count = 0

    def publish(self, routes: tuple[Route, ...]) -> None:
        self.count += 1
        super().publish(routes)
