"""One bandwidth test from beginning to end: idle round trips, then each direction with round trips beside it."""

import socket
from collections.abc import Callable, Sequence
from typing import Final, Literal, NamedTuple, TypeAlias

import msgspec

from analysis.samples import BandwidthRun, Direction, FecRun, SenderAccount
from analysis.settings import RouteSettings
from analysis.text import N_, say
from analysis.transfer.span import LEFT_OUT
from collectors.clock import Clock
from collectors.probe.stream import Binding
from collectors.transfer import iperf3
from collectors.transfer.client import Caller, Moved, Moving, connected
from collectors.transfer.meanwhile import GATEWAY, Latency
from collectors.transfer.talk import Gone
from collectors.transfer.way import Way, way_to
from collectors.transfer.wire import Arrived, Ask

IDLE_S: Final = 1.5
"""How long the idle line is looked at."""
Span: TypeAlias = tuple[int, int]


class Wish(msgspec.Struct, frozen=True):
    """What the person asked for and agreed to."""

    target: str
    address: str
    port: int
    directions: tuple[Direction, ...]
    seconds: float
    """Of each part."""
    most_bytes: int
    """Of all parts together."""
    flows: int = 1
    together: bool = False
    binding: Binding = Binding()
    pace_bps: int | None = None
    """Datagrams at this pace; None: TCP."""
    payload_bytes: int = 1200
    needed: int | None = None
    """Forward error correction: so much data in each `block`."""
    block: int | None = None
    iperf3: bool = False
    routes: tuple[RouteSettings, ...] = ()

    @property
    def parts(self) -> int:
        """How many times something is moved."""
        return (1 if self.together else len(self.directions)) * (2 if self.needed else 1)

    @property
    def each_bytes(self) -> int:
        """What one direction of one part may move."""
        return max(1, self.most_bytes // (self.parts * (2 if self.together else 1)))


class Stage(NamedTuple):
    """What is being done now, for how long, and how much it has moved."""

    what: Literal["idle", "up", "down", "both"]
    seconds: float
    moving: Moving


Tell: TypeAlias = Callable[[Stage], None]
Emit: TypeAlias = Callable[[BandwidthRun | FecRun], None]


async def measure(wish: Wish, clock: Clock, tool: str, tell: Tell, emit: Emit) -> None:
    """Do the test; each result is emitted as it is there. Raises `Gone` where it cannot go on."""
    caller = None if wish.iperf3 else await Caller.call(wish.address, wish.port, wish.binding, tool)
    try:
        local = caller.local if caller else await _local(wish)
        way = await way_to(wish.address, local, wish.binding, wish.routes)
        latency = _latency(wish, clock, way)
        try:
            test = _Test(wish, clock, caller, latency, way, tell, emit)
            tell(Stage("idle", IDLE_S, int))
            await test.run(await latency.idle(IDLE_S))
        finally:
            await latency.close()
    finally:
        if caller:
            caller.close()


def _latency(wish: Wish, clock: Clock, way: Way) -> Latency:
    port = None if wish.iperf3 else wish.port
    return Latency(clock, wish.address, port, wish.binding, way.gateway)


async def _local(wish: Wish) -> str:
    """Return the address that packets to the target leave from."""
    with await connected(wish.address, wish.port, wish.binding, socket.SOCK_DGRAM) as sock:
        return str(sock.getsockname()[0])


class _Test:
    """The parts of one test."""

    def __init__(
        self, wish: Wish, clock: Clock, caller: Caller | None, latency: Latency, way: Way, tell: Tell, emit: Emit
    ) -> None:
        self._wish = wish
        self._clock = clock
        self._caller = caller
        self._latency = latency
        self._way = way
        self._tell = tell
        self._emit = emit
        self._idle: Span = (0, 0)
        self._began_ns = 0

    async def run(self, idle: Span) -> None:
        """Do every part."""
        self._idle = idle
        wish = self._wish
        for directions in (wish.directions,) if wish.together else tuple((one,) for one in wish.directions):
            plain = await self._part(directions)
            if wish.needed and plain:
                self._emit(await self._coded(directions[0], plain[0]))

    async def _part(self, directions: Sequence[Direction]) -> list[tuple[BandwidthRun, Arrived]]:
        """Move something, with round trips beside it; emit and return what was counted in each direction."""
        ask = self._ask(directions)
        moved = await self._move(ask, directions)
        ended_ns = self._clock.now_ns()
        # What UDP waits for at its end is not load.
        until_ns = min(ended_ns, self._began_ns + int(ask.seconds * 1e9))
        await self._latency.settle(until_ns)
        since_ns = self._began_ns + int((until_ns - self._began_ns) * LEFT_OUT)
        results = []
        for direction, arrived, sender, sent, capped in _by_direction(moved):
            run = self._result(ask, direction, arrived, sender, ended_ns, (since_ns, until_ns))
            run = msgspec.structs.replace(run, moved_bytes=max(sent, arrived.moved_bytes), capped=capped)
            self._emit(run)
            results.append((run, arrived))
        return results

    def _ask(self, directions: Sequence[Direction], *, coded: bool = False) -> Ask:
        wish = self._wish
        return Ask(
            protocol="udp" if wish.pace_bps else "tcp",
            up="up" in directions,
            down="down" in directions,
            flows=wish.flows,
            seconds=wish.seconds,
            most_bytes=wish.each_bytes,
            pace_bps=wish.pace_bps,
            payload_bytes=wish.payload_bytes,
            needed=wish.needed if coded else None,
            block=wish.block if coded else None,
        )

    async def _move(self, ask: Ask, directions: Sequence[Direction]) -> Moved:
        what: Literal["up", "down", "both"] = "both" if len(directions) > 1 else directions[0]

        def watch(moving: Moving) -> None:
            self._began_ns = self._clock.now_ns()
            self._tell(Stage(what, ask.seconds, moving))

        if self._caller is not None:
            return await self._caller.move(ask, watch)
        watch(int)
        wish = self._wish
        words = iperf3.command(wish.address, wish.port, ask, directions[0], wish.binding)
        return iperf3.moved(await iperf3.run(words, ask), ask, directions[0])

    def _result(
        self,
        ask: Ask,
        direction: Direction,
        arrived: Arrived,
        sender: SenderAccount | None,
        ended_ns: int,
        loaded: Span,
    ) -> BandwidthRun:
        wish, latency = self._wish, self._latency
        return BandwidthRun(
            t=ended_ns,
            ended_ns=ended_ns,
            target=wish.target,
            address=wish.address,
            port=wish.port,
            protocol=ask.protocol,
            direction=direction,
            flows=ask.flows,
            span_us=arrived.span_ns // 1000,
            skipped_us=arrived.skipped_ns // 1000,
            bytes=arrived.bytes,
            moved_bytes=0,
            flow_bytes=arrived.flow_bytes,
            tool="iperf3" if wish.iperf3 else "longpipe",
            route=self._way.route,
            together=wish.together,
            asked_bps=ask.pace_bps,
            payload_bytes=ask.payload_bytes if ask.pace_bps else None,
            sender=sender,
            datagrams=arrived.datagrams,
            idle=latency.rtt(self._idle),
            loaded=latency.rtt(loaded),
            gateway_idle=latency.rtt(self._idle, GATEWAY),
            gateway_loaded=latency.rtt(loaded, GATEWAY),
        )

    async def _coded(self, direction: Direction, plain: tuple[BandwidthRun, Arrived]) -> FecRun:
        """Move datagrams with error correction; return how that compares with the `plain` ones before."""
        ask = self._ask((direction,), coded=True)
        moved = await self._move(ask, (direction,))
        arrived = moved.up or moved.down
        run, before = plain
        if arrived is None or arrived.decoded is None or not arrived.datagrams or not before.datagrams:
            raise Gone(say(N_("The other end counted nothing.")))
        wish, decoded, ended_ns = self._wish, arrived.decoded, self._clock.now_ns()
        return FecRun(
            t=ended_ns,
            ended_ns=ended_ns,
            target=wish.target,
            address=wish.address,
            port=wish.port,
            direction=direction,
            needed=ask.needed or 0,
            block=ask.block or 0,
            paced_bps=ask.pace_bps or 0,
            payload_bytes=ask.payload_bytes,
            plain_us=run.span_us,
            plain=before.datagrams,
            coded=arrived.datagrams,
            sources=decoded.sources,
            arrived=decoded.arrived,
            restored=decoded.restored,
            wrong=decoded.wrong,
            wait_p50_us=decoded.wait_p50_us,
            wait_max_us=decoded.wait_max_us,
            decode_p50_us=decoded.decode_p50_us,
            pattern=before.pattern,
            route=self._way.route,
        )


def _by_direction(moved: Moved) -> list[tuple[Direction, Arrived, SenderAccount | None, int, bool]]:
    found: list[tuple[Direction, Arrived, SenderAccount | None, int, bool]] = []
    if moved.up is not None:
        found.append(("up", moved.up, moved.up_sender, moved.up_bytes, moved.up_capped))
    if moved.down is not None:
        found.append(("down", moved.down, moved.down_sender, moved.down_bytes, moved.down_capped))
    return found
