"""The collector: series begin and end as names and routes do, and every probe is told under the right one."""

from collections.abc import Sequence

import pytest

from analysis.samples import Name, Outcome, Prober, Probes, Route, Sample, Series
from analysis.settings import TargetSettings
from collectors import names
from collectors.clock import Clock
from collectors.nearby import is_nearby
from collectors.probe import paths
from collectors.probe.once import check_once
from collectors.probe.paths import PathProber
from collectors.routebook import RouteBook
from tests.lab.bed import Bed, inside
from tests.lab.path import add_targets
from tests.lab.probing import collect, rows
from tests.lab.responder import Behaviour

pytestmark = pytest.mark.netns
FAR = "10.9.9.9"
ROUTES = tuple(Route(f"r{n}", f"way{n}", 4, f"tun{n}", source=f"10.20{n}.0.1") for n in (0, 1))


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paths, "TICK_S", 0.02)
    monkeypatch.setattr(paths, "ROUTES_WAIT_S", 0.05)


def of(samples: Sequence[Sample], kind: type) -> list:
    return [sample for sample in samples if isinstance(sample, kind)]


def answered(samples: Sequence[Sample], series: int) -> int:
    told = [row for batch in of(samples, Probes) for row in rows(batch)]
    return sum(row.series == series and row.outcome is Outcome.ANSWERED for row in told)


def target(host: str, **fields: object) -> TargetSettings:
    return TargetSettings(host, **{"interval_s": 0.02, "timeout_s": 0.1} | fields)


async def test_series_follow_the_routes_and_ids_are_never_used_again(bed: Bed) -> None:
    namespace = bed.namespace()
    for number in (0, 1):
        addresses = (f"10.20{number}.0.1/24",)
        there = {FAR: Behaviour(delay_ms=5 + 30 * number)}
        add_targets(bed, namespace, there, device=f"tun{number}", addresses=addresses)
        bed.ip(namespace, f"route add default dev tun{number} metric {number + 1}")
    book = RouteBook()
    book.publish(ROUTES)
    steps = [
        lambda samples: book.publish(ROUTES[1:]) if answered(samples, 1) and answered(samples, 2) else None,
        lambda samples: book.publish(ROUTES) if answered(samples, 3) else None,
    ]

    def act(samples: Sequence[Sample]) -> None:
        before = book.version
        if steps:
            steps[0](samples)
        if book.version != before:
            steps.pop(0)

    samples = await collect(
        PathProber([target(FAR)], book, Clock()),
        lambda samples: answered(samples, 4) > 0 and answered(samples, 5) > 0,
        namespace=namespace,
        meanwhile=act,
    )
    history = [(one.id, one.route, one.ended) for one in of(samples, Series)]
    assert history[:2] == [(1, "r0", False), (2, "r1", False)]
    assert sorted(history[2:4]) == [(1, "r0", True), (2, "r1", True)]
    # A way that is alone is not bound to, so its series is another one.
    assert history[4:7] == [(3, "r1", False), (3, "r1", True), (4, "r0", False)]
    assert {(4, True), (5, True)} == {(number, ended) for number, _, ended in history[-2:]}
    fast = [row.rtt_ms for batch in of(samples, Probes) for row in rows(batch) if row.series == 1 and row.rtt_ms]
    slow = [row.rtt_ms for batch in of(samples, Probes) for row in rows(batch) if row.series == 2 and row.rtt_ms]
    assert min(fast) < 35 <= min(slow)


async def test_an_address_on_a_connected_network_is_never_put_on_a_default_route(
    bed: Bed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor while the routes change just as the kernel is asked, or while more addresses become known."""
    namespace = bed.namespace()
    near = ("10.200.0.1", "10.200.0.2")
    add_targets(bed, namespace, {address: Behaviour() for address in near})
    bed.ip(namespace, "route add default dev tun0")
    book = RouteBook()
    later = iter([ROUTES[:1], ROUTES[1:], ROUTES])

    def asked(address: str) -> bool:
        book.publish(next(later, book.routes))
        return is_nearby(address)

    monkeypatch.setattr(paths, "is_nearby", asked)
    samples = await collect(
        PathProber([target(address) for address in near], book, Clock()),
        lambda samples: sum(answered(samples, number) for number in range(1, 20)) > 8,
        namespace=namespace,
    )
    assert [(one.address, one.route) for one in of(samples, Series) if not one.ended] == [(one, "") for one in near]


async def test_tcp_is_tried_beside_icmp_that_is_never_answered(bed: Bed) -> None:
    namespace = bed.namespace()
    silent, talking = "10.200.0.1", "10.200.0.2"
    add_targets(bed, namespace, {silent: Behaviour(silent=True, tcp="open"), talking: Behaviour(tcp="open")})
    samples = await collect(
        PathProber([target(silent), target(talking)], RouteBook(), Clock()),
        lambda samples: answered(samples, 3) >= 3 and answered(samples, 2) >= 3,
        namespace=namespace,
    )
    started = [(one.id, one.address, one.protocol, one.port) for one in of(samples, Series) if not one.ended]
    assert started == [(1, silent, "icmp", None), (2, talking, "icmp", None), (3, silent, "tcp", 443)]
    lost = [row for batch in of(samples, Probes) for row in rows(batch) if row.series == 1]
    assert len(lost) > paths.SILENT_PROBES, "the silent one goes on beside it"
    assert {row.outcome for row in lost} == {Outcome.LOST}


async def test_a_name_that_moves_ends_its_series(bed: Bed, monkeypatch: pytest.MonkeyPatch) -> None:

    monkeypatch.setattr(names, "AGAIN_S", 0.01)
    namespace = bed.namespace()
    now = ["127.0.0.1"]

    async def lookup(host: str) -> tuple[str, ...]:
        return tuple(now)

    def act(samples: Sequence[Sample]) -> None:
        if answered(samples, 1):
            now[:] = ["127.0.0.2"]

    samples = await collect(
        PathProber([target("gpu.example")], RouteBook(), Clock(), lookup),
        lambda samples: answered(samples, 2) > 0,
        namespace=namespace,
        meanwhile=act,
    )
    history = [(one.id, one.address, one.ended) for one in of(samples, Series)]
    assert history == [
        (1, "127.0.0.1", False),
        (1, "127.0.0.1", True),
        (2, "127.0.0.2", False),
        (2, "127.0.0.2", True),
    ]
    assert [one.addresses for one in of(samples, Name)] == [(), ("127.0.0.1",), ("127.0.0.2",)]


async def test_what_cannot_be_resolved_is_one_sentence_and_no_series(bed: Bed) -> None:
    async def lookup(host: str) -> tuple[str, ...]:
        raise OSError(None, "no such name")

    book = RouteBook()
    samples = await collect(
        PathProber([target("gone.example"), target("gateway"), target("127.0.0.1")], book, Clock(), lookup),
        lambda samples: answered(samples, 1) > 5,
        namespace=bed.namespace(),
    )
    assert {one.target: one.error is not None for one in of(samples, Name)} == {
        "gone.example": True,
        "gateway": True,
        "127.0.0.1": False,
    }
    assert len([one for one in of(samples, Name) if one.addresses or one.error is not None]) == 3
    assert {one.target for one in of(samples, Series)} == {"127.0.0.1"}
    assert [(one.family, one.socket) for one in of(samples, Prober)] == [(4, "raw"), (6, "raw")]


async def test_one_off_checks_answer_or_say_why(bed: Bed) -> None:

    namespace = bed.namespace()
    with inside(namespace):
        assert isinstance(await check_once("127.0.0.1"), int)
        assert "Network is unreachable" in str(await check_once("203.0.113.1", 0.1))
