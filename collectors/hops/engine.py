"""Sends the hop probes of every path when they are due, at a bounded rate, and reads what comes back."""

import asyncio
import heapq
from collections.abc import Callable
from typing import Final

from analysis.samples import HopAnswer, HopKind, Hops
from collectors.clock import Clock
from collectors.hops.book import Book, HopFlight
from collectors.hops.course import Step
from collectors.hops.inbound import Inbound
from collectors.hops.route import TracedPath
from collectors.hops.sockets import Sender
from collectors.probe.stream import Family, errno_name

MOST_PPS: Final = 500
"""Probes a second that all paths together send at most."""
GROUP_NS: Final = 4_000_000
"""Probes due within this are sent at one waking."""
BURST_GAP_NS: Final = 2_000_000
"""Between the probes of a path's beginning: thirty of them leave in 60 ms."""
AGAIN_NS: Final = (350_000_000, 800_000_000)
"""When after the beginning hops without an answer are asked again."""
SPREAD: Final = 0.95
"""The part of the interval over which a round's probes are spread."""


class HopEngine:
    """All paths being traced. Use inside a running loop; call `tick` some times a second, and `close`."""

    def __init__(self, clock: Clock, pps: int = MOST_PPS) -> None:
        self._clock = clock
        self._loop = asyncio.get_running_loop()
        self._gap_ns = 1_000_000_000 // pps
        self._book = Book()
        self._paths: dict[int, TracedPath] = {}
        self._runs: dict[int, int] = {}
        self._senders: dict[Family, Sender] = {}
        self._inbound = Inbound(self._book, self._paths, self._loop, clock)
        self._due: list[tuple[int, int, Callable[[], None]]] = []
        self._count = 0
        self._free_ns = 0
        self._timer: asyncio.TimerHandle | None = None

    @staticmethod
    def check() -> None:
        """Raise OSError where raw sockets are not allowed."""
        Sender(4).sock.close()

    def add(self, traced: TracedPath) -> None:
        """Get ready to trace. Raises OSError without CAP_NET_RAW; the path is closed then."""
        try:
            if traced.family not in self._senders:
                self._senders[traced.family] = Sender(traced.family)
            self._inbound.open(traced, self._senders[traced.family])
        except OSError:
            traced.close()
            raise
        self._paths[traced.path.id] = traced

    def begin(self, path: int, rounds: int | None = None) -> None:
        """Ask every hop at once, then in rounds: `rounds` of them in all, None until `pause` or `remove`."""
        traced, run = self._paths[path], self._next_run(path)
        now_ns = self._clock.reading().mono_ns
        for at, step in enumerate(traced.course.first()):
            self._send_at(now_ns + at * BURST_GAP_NS, path, step)
        for after_ns in AGAIN_NS:
            self._at(now_ns + min(after_ns, traced.path.interval_ns), lambda: self._again(path))
        self._plan_round(now_ns + traced.path.interval_ns, path, run, rounds)
        self._wake()

    def pause(self, path: int) -> None:
        """Send no further rounds; answers to what was sent are still told."""
        self._next_run(path)

    def remove(self, path: int) -> None:
        """Stop tracing; what is on its way is not told any more."""
        traced = self._paths.pop(path)
        self._runs.pop(path, None)
        self._book.end(path)
        self._inbound.forget(traced)
        traced.close()

    def probe(
        self,
        path: int,
        ttl: int,
        size: int,
        judge: Callable[[HopAnswer | None, int | None], None],
        timeout_ns: int,
    ) -> str | None:
        """Send one echo request of `size` bytes whose answer goes to `judge`, apart from everything told of hops.

        Return an errno name where it could not leave ("EMSGSIZE"), None where it did.
        """
        return self._send(path, (ttl, 0), size, judge, timeout_ns, echo=True)

    def local_mtu(self, path: int) -> int | None:
        """Return what the interface lets out, as the last packet that was too long for it told."""
        sender = self._senders[self._paths[path].family]
        self._inbound.stamps(sender)
        return sender.local_mtu

    def distance(self, path: int) -> int | None:
        """Return the TTL at which the target answers, None while that is not known."""
        return self._paths[path].course.distance.get(0)

    def known(self, path: int) -> bool:
        """Tell whether every hop of a path up to the target has answered."""
        return self._paths[path].course.known

    @property
    def is_idle(self) -> bool:
        """Whether nothing is left to send and no answer is waited for."""
        return not self._due and self._book.is_idle

    def path(self, path: int) -> TracedPath:
        """Return a path that is being traced."""
        return self._paths[path]

    def tick(self) -> Hops | None:
        """Read everything, judge what has run out of time, and return what was settled since the last tick."""
        self._inbound.read_all()
        now_ns = self._clock.reading().mono_ns
        self._book.expire(now_ns)
        return self._book.batch(now_ns, self._clock.at_mono_ns(0))

    def close(self) -> None:
        """Close every socket."""
        if self._timer is not None:
            self._timer.cancel()
        for path in list(self._paths):
            self.remove(path)
        self._inbound.close()
        for sender in self._senders.values():
            sender.sock.close()
        self._senders.clear()

    def _at(self, due_ns: int, act: Callable[[], None]) -> None:
        self._count += 1
        heapq.heappush(self._due, (due_ns, self._count, act))

    def _send_at(self, due_ns: int, path: int, step: Step) -> None:
        self._at(due_ns, lambda: self._step(path, step))

    def _step(self, path: int, step: Step) -> None:
        traced = self._paths.get(path)
        if traced is not None and traced.course.is_worth(*step):
            self._send(path, step, 0, None, traced.path.timeout_ns, echo=False)

    def _again(self, path: int) -> None:
        traced = self._paths.get(path)
        if traced is not None:
            now_ns = self._clock.reading().mono_ns
            for at, step in enumerate(traced.course.again()):
                self._send_at(now_ns + at * BURST_GAP_NS, path, step)

    def _next_run(self, path: int) -> int:
        self._runs[path] = self._runs.get(path, 0) + 1
        return self._runs[path]

    def _plan_round(self, due_ns: int, path: int, run: int, rounds: int | None) -> None:
        """Have the next round sent; `rounds` counts the one before it too."""
        if rounds is None or rounds > 1:
            left = None if rounds is None else rounds - 1
            self._at(due_ns, lambda: self._round(path, run, left))

    def _round(self, path: int, run: int, left: int | None) -> None:
        """Spread a round over the interval, or over longer where the bounded rate wants that."""
        traced = self._paths.get(path)
        if traced is None or self._runs[path] != run:
            return
        steps = traced.course.round()
        interval_ns = max(traced.path.interval_ns, len(steps) * self._gap_ns)
        gap_ns = int(interval_ns * SPREAD) // max(1, len(steps))
        now_ns = max(self._clock.reading().mono_ns, self._free_ns)
        for at, step in enumerate(steps):
            self._send_at(now_ns + at * gap_ns, path, step)
        self._plan_round(now_ns + interval_ns, path, run, left)

    def _wake(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if self._due:
            now_ns = self._clock.reading().mono_ns
            wait = max(self._due[0][0], self._free_ns) - now_ns
            self._timer = self._loop.call_later(max(0, wait) / 1e9, self._turn)

    def _turn(self) -> None:
        """Do what is due now or in a moment, as far as the rate allows."""
        now_ns = self._clock.reading().mono_ns
        while self._due and max(self._due[0][0], self._free_ns) <= now_ns + GROUP_NS:
            heapq.heappop(self._due)[2]()
        for sender in self._senders.values():
            self._inbound.stamps(sender)
        self._wake()

    def _send(
        self,
        path: int,
        step: Step,
        size: int,
        judge: Callable[[HopAnswer | None, int | None], None] | None,
        timeout_ns: int,
        *,
        echo: bool,
    ) -> str | None:
        traced, now = self._paths[path], self._clock.reading()
        flight = self._book.open(path, traced.address, now.mono_ns, timeout_ns)
        if flight is None:
            return "ENOBUFS"
        flight.ttl, flight.flow = step
        flight.size, flight.judge, flight.clock_offset_ns = size, judge, now.offset_ns
        self._free_ns = max(self._free_ns, now.mono_ns) + self._gap_ns
        try:
            self._out(traced, flight, echo=echo)
        except OSError as problem:
            traced.forget_way()
            self._book.failed(flight, errno_name(problem))
            return errno_name(problem)
        return None

    def _out(self, traced: TracedPath, flight: HopFlight, *, echo: bool) -> None:
        traced.look(flight.sent_ns)
        packet = traced.template(flight.flow, flight.size, echo=echo).packet(flight.seq, flight.ttl)
        address, zone, control = traced.way
        self._senders[traced.family].send(packet, address, zone, control, flight.seq)


def reached(answer: HopAnswer | None) -> bool:
    """Tell whether an answer is the target's own."""
    return answer is not None and answer.kind in (HopKind.TARGET, HopKind.REFUSED)
