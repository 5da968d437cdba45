"""Two ends over a narrow line: what is told is what arrived, and no more is sent than was agreed."""

import asyncio
import shutil
import socket

import pytest

from analysis.samples import BandwidthRun, FecRun
from analysis.settings import RouteSettings
from collectors.clock import Clock
from collectors.probe.stream import Binding
from collectors.transfer import client, datagrams
from collectors.transfer import measure as measuring
from collectors.transfer.bounds import Limits
from collectors.transfer.client import Caller, Moved
from collectors.transfer.measure import Stage, Wish, measure
from collectors.transfer.server import Server
from collectors.transfer.talk import Gone
from collectors.transfer.way import Way, bound_to, way_to
from collectors.transfer.wire import Ask
from tests.collectors.namespaces import Namespace
from tests.collectors.transfer.conftest import BEYOND, DOWN_BPS, FAR, FAR6, NEAR, PORT, UP_BPS, Line
from tests.lab.turns import others

MUCH = 1 << 28
needs_nft = pytest.mark.skipif(shutil.which("nft") is None, reason="losses are made with nft(8)")


def moves(line: Line, *asks: Ask, address: str = FAR, binding: Binding | None = None) -> list[Moved]:
    """Do some parts in one conversation."""
    found: list[Moved] = []

    async def body() -> None:
        caller = await Caller.call(address, PORT, binding or Binding(), "test")
        try:
            for ask in asks:
                found.append(await caller.move(ask))
        finally:
            caller.close()

    line.near.run(body)
    return found


def udp(*, up: bool, datagrams: int = 100, pace_bps: int = 8_000_000, **fields: object) -> Ask:
    seconds = datagrams * 1200 * 8 / pace_bps
    return Ask("udp", up, not up, 1, seconds, MUCH, pace_bps, **fields)  # type: ignore[arg-type]


@pytest.mark.parametrize("address", [FAR, FAR6])
def test_tcp_is_counted_at_the_receiver_and_never_faster_than_the_line(line: Line, address: str) -> None:
    up, down = moves(
        line, Ask("tcp", True, False, 3, 0.4, MUCH), Ask("tcp", False, True, 2, 0.4, MUCH), address=address
    )
    for arrived, flows, line_bps in ((up.up, 3, UP_BPS), (down.down, 2, DOWN_BPS)):
        assert arrived is not None
        assert arrived.skipped_ns >= 60_000_000
        assert 0 < arrived.bytes * 8e9 / arrived.span_ns < 1.4 * line_bps
        assert len(arrived.flow_bytes) == flows
        assert sum(arrived.flow_bytes) == arrived.bytes < arrived.moved_bytes
    assert up.down is None
    assert down.up is None
    for sender in (up.up_sender, down.down_sender):
        assert sender is not None
        assert sender.bytes_sent
        assert sender.busy_us


def test_both_directions_at_once_are_told_apart(line: Line) -> None:
    (moved,) = moves(line, Ask("tcp", True, True, 1, 0.5, MUCH))
    assert moved.up is not None
    assert moved.down is not None
    assert moved.up.bytes != moved.down.bytes
    assert moved.up_sender is not None
    assert moved.down_sender is not None


def test_the_cap_ends_it_to_the_byte(line: Line) -> None:
    up, down = moves(line, Ask("tcp", True, False, 3, 10.0, 300_001), Ask("tcp", False, True, 2, 10.0, 200_001))
    assert up.up is not None
    assert (up.up.moved_bytes, up.up_bytes, up.up_capped) == (300_001, 300_001, True)
    assert down.down is not None
    assert (down.down.moved_bytes, down.down_bytes, down.down_capped) == (200_001, 200_001, True)
    (few,) = moves(line, Ask("udp", True, False, 1, 10.0, 12_345, 1_000_000))
    assert few.up is not None
    assert few.up.datagrams is not None
    assert (few.up.datagrams.sent, few.up_capped) == (10, True)


@pytest.mark.parametrize("address", [FAR, FAR6])
def test_datagrams_arrive_whole_over_a_sound_line(line: Line, address: str) -> None:
    up, down = moves(line, udp(up=True), udp(up=False), address=address)
    for arrived in (up.up, down.down):
        assert arrived is not None
        assert arrived.datagrams is not None
        counts = arrived.datagrams
        assert (counts.sent, counts.received + counts.overflowed, counts.duplicates) == (100, 100, 0)
        assert counts.jitter_us is not None


@needs_nft
@pytest.mark.parametrize("up", [True, False])
def test_loss_is_counted_where_datagrams_should_have_arrived(line: Line, up: bool) -> None:
    line.drop(line.far if up else line.near, "udp length > 1000 numgen inc mod 10 3")
    (moved,) = moves(line, udp(up=up))
    arrived = moved.up or moved.down
    assert arrived is not None
    assert arrived.datagrams is not None
    assert arrived.datagrams.received + arrived.datagrams.overflowed == 90
    if not arrived.datagrams.overflowed:
        assert arrived.datagrams.bursts == ((1, 10),)
        assert arrived.pattern[1::2] == (1,) * 10
        assert sum(arrived.pattern) == 100


@needs_nft
@pytest.mark.parametrize("up", [True, False])
def test_error_correction_restores_what_the_line_loses(line: Line, up: bool) -> None:
    line.drop(line.far if up else line.near, "udp length > 1000 numgen inc mod 10 3")
    (moved,) = moves(line, udp(up=up, needed=10, block=14))
    arrived = moved.up or moved.down
    assert arrived is not None
    assert arrived.decoded is not None
    told = arrived.decoded
    assert told.sources == 100 // 14 * 10
    assert told.arrived < told.sources
    assert (told.arrived + told.restored, told.wrong) == (told.sources, 0)
    assert told.wait_max_us is not None


@pytest.fixture(autouse=True)
def short_idle(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measuring, "IDLE_S", 0.6)


def results_of(line: Line, wish: Wish) -> tuple[list[BandwidthRun | FecRun], list[str]]:
    found: list[BandwidthRun | FecRun] = []
    stages: list[str] = []

    async def body() -> None:
        await measure(wish, Clock(), "test", lambda stage: stages.append(said(stage)), found.append)

    line.near.run(body)
    return found, stages


def said(stage: Stage) -> str:
    return stage.what


def test_a_full_line_makes_round_trips_long_and_the_route_is_named(line: Line) -> None:
    wish = Wish("far", BEYOND, PORT, ("up",), 0.8, MUCH, pace_bps=2 * UP_BPS)
    (run,), stages = results_of(line, wish)
    assert isinstance(run, BandwidthRun)
    assert stages == ["idle", "up"]
    assert run.route == f"dev wan0 via {FAR}"
    assert run.idle is not None
    assert run.loaded is not None
    assert (run.idle.p50_us or 0) + 10_000 < (run.loaded.p50_us or 0)
    assert run.gateway_loaded is not None
    assert (run.target, run.protocol, run.direction, run.asked_bps) == ("far", "udp", "up", 2 * UP_BPS)


def test_on_the_connected_network_no_way_out_is_measured_unless_it_is_chosen(line: Line) -> None:
    chosen: list[Binding] = []

    async def body() -> None:
        assert await way_to(FAR, NEAR, Binding(), ()) == Way()
        assert await way_to(FAR, NEAR, Binding("wan0"), ()) == Way(f"dev wan0 via {FAR}", FAR)
        assert await way_to(BEYOND, NEAR, Binding(), ()) == Way(f"dev wan0 via {FAR}", FAR)
        chosen.append(await bound_to("office", (RouteSettings("office", interface="wan0"),)))
        with pytest.raises(Gone, match=r"no route nowhere here\. There are: wan0"):
            await bound_to("nowhere", ())

    line.near.run(body)
    assert chosen == [Binding("wan0")]


@needs_nft
def test_error_correction_is_compared_with_the_plain_datagrams_before_it(line: Line) -> None:
    line.drop(line.far, "udp length > 1000 numgen inc mod 20 3")
    wish = Wish("far", FAR, PORT, ("up",), 0.2, MUCH, pace_bps=8_000_000, needed=10, block=13)
    (plain, coded), _ = results_of(line, wish)
    assert isinstance(plain, BandwidthRun)
    assert isinstance(coded, FecRun)
    assert coded.plain == plain.datagrams
    assert coded.plain.received < coded.plain.sent
    assert coded.arrived + coded.restored == coded.sources
    assert sum(coded.pattern) == coded.plain.sent


@pytest.mark.parametrize("up", [True, False])
def test_datagrams_end_in_time_where_the_sender_cannot_keep_the_pace(
    alone: Namespace, monkeypatch: pytest.MonkeyPatch, up: bool
) -> None:
    monkeypatch.setattr(datagrams, "OVERTIME_S", 0.0)
    ask = Ask("udp", up, not up, 1, 0.2, 10**10, pace_bps=100_000_000_000)
    found: list[Moved] = []

    async def body() -> None:
        server = Server(Limits(), "test")
        try:
            server.listen("127.0.0.1", 0)
            running = asyncio.create_task(server.run())
            caller = await Caller.call("127.0.0.1", server.port, Binding(), "test")
            found.append(await caller.move(ask))
            caller.close()
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
        finally:
            server.close()

    alone.run(body)
    arrived = found[0].up or found[0].down
    assert arrived is not None
    assert arrived.datagrams is not None
    assert 0 < arrived.datagrams.sent < datagrams.datagrams_of(ask)


async def test_a_pace_beyond_reach_leaves_the_loop_to_others() -> None:
    ask = Ask("udp", True, False, 1, 60.0, 64 * 20_000, pace_bps=1 << 40, payload_bytes=64)
    with socket.socket(type=socket.SOCK_DGRAM) as there, socket.socket(type=socket.SOCK_DGRAM) as here:
        there.bind(("127.0.0.1", 0))
        here.setblocking(False)
        here.connect(there.getsockname())
        async with others() as turns:
            assert await datagrams.send(here, ask, datagrams.PlainSource(ask, bytes(8))) == 20_000
    assert turns.taken >= 20_000 / datagrams.TURN


def test_a_way_that_ends_in_the_middle_is_told(line: Line) -> None:
    async def body() -> None:
        caller = await Caller.call(FAR, PORT, Binding(), "test")
        try:
            await caller.move(udp(up=True), lambda _: line.near.ip(f"route add unreachable {FAR}"))
        finally:
            caller.close()

    try:
        with pytest.raises(Gone, match=r"The connection to the other end was lost: (No route|Network)"):
            line.near.run(body)
    finally:
        line.near.ip(f"route del unreachable {FAR}")


@needs_nft
def test_a_firewall_that_drops_udp_is_told(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "KNOCKS", 2)
    monkeypatch.setattr(client, "KNOCK_S", 0.05)
    line.drop(line.far, f"udp dport {PORT}")
    with pytest.raises(Gone, match=f"UDP {PORT} of {FAR} does not answer though TCP does"):
        moves(line, udp(up=True))


def test_what_stands_in_the_way_is_told(line: Line) -> None:
    with pytest.raises(Gone, match=f"Start it there: longpipe bandwidth serve --port {PORT}"):
        moves(line, udp(up=True), address=NEAR)
    with pytest.raises(Gone, match="cannot be reached: No such device"):
        moves(line, udp(up=True), binding=Binding("nosuch0"))
    with pytest.raises(Gone, match="up to 10 s at a time"):
        moves(line, Ask("tcp", True, False, 1, 11.0, MUCH))
