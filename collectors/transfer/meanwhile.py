"""Round trips beside a test, by the project's own prober: to the host, and to the first hop where there is one."""

import asyncio
from typing import Final

from analysis.samples import Outcome, Probes, RttQuantiles, Series
from collectors.clock import Clock
from collectors.probe.engine import Engine
from collectors.probe.stream import Binding, Family

INTERVAL_NS: Final = 50_000_000
TIMEOUT_NS: Final = 2_000_000_000
TICK_S: Final = 0.2
ICMP, TCP, GATEWAY = 1, 2, 3
"""Series: echo requests to the host, connections to the test's port, echo requests to the next hop."""

Settled = tuple[int, Outcome, int | None]
"""When a probe was sent (sample time), what became of it, its round trip in µs."""


class Latency:
    """Probes until closed. What waits in this box's own queue counts: a program's packets wait there too."""

    def __init__(
        self, clock: Clock, address: str, port: int | None, binding: Binding, gateway: str | None = None
    ) -> None:
        """`port`: where connections are tried beside ICMP, for hosts that drop it; None: nowhere."""
        self._clock = clock
        self._engine = Engine(clock, own_queue=True)
        self._seen: dict[int, list[Settled]] = {ICMP: [], TCP: [], GATEWAY: []}
        family: Family = 6 if ":" in address else 4
        icmp = self._engine.icmp(family).socket != "none"
        if icmp:
            self._engine.add(_series(ICMP, address, "icmp"), binding)
        if icmp and gateway not in (None, address):
            self._engine.add(_series(GATEWAY, gateway or "", "icmp"), binding)
        if port is not None:
            self._engine.add(_series(TCP, address, "tcp", port), binding)
        self._port = port
        self._ticking = asyncio.create_task(self._tick_on())

    async def idle(self, seconds: float) -> tuple[int, int]:
        """Probe the idle line; return from when to when. Of ICMP and TCP the one that is answered goes on."""
        start_ns = self._clock.now_ns()
        await asyncio.sleep(seconds)
        span = start_ns, self._clock.now_ns()
        await self.settle(span[1])
        if self._port is not None and self._answered(ICMP):
            self._engine.remove(TCP)
            self._port = None
        return span

    async def settle(self, end_ns: int) -> None:
        """Wait until what was sent before a time is answered or lost."""
        while self._clock.now_ns() < end_ns + TIMEOUT_NS + INTERVAL_NS:
            self._take()
            if any(sent_ns >= end_ns for sent_ns, outcome, _ in self._seen[self.told] if outcome == Outcome.ANSWERED):
                return
            await asyncio.sleep(TICK_S / 4)
        self._take()

    @property
    def told(self) -> int:
        """The series that stands for the host: ICMP, unless only TCP is answered."""
        return ICMP if self._answered(ICMP) or not self._answered(TCP) else TCP

    def rtt(self, span: tuple[int, int], series: int | None = None) -> RttQuantiles | None:
        """Return the round trips of probes sent in [start, end); None where none was answered."""
        return quantiles(self._seen[self.told if series is None else series], *span)

    async def close(self) -> None:
        """Stop probing."""
        self._ticking.cancel()
        await asyncio.gather(self._ticking, return_exceptions=True)
        self._engine.close()

    def _answered(self, series: int) -> bool:
        return any(outcome == Outcome.ANSWERED for _, outcome, _ in self._seen[series])

    async def _tick_on(self) -> None:
        while True:
            await asyncio.sleep(TICK_S)
            self._take()

    def _take(self) -> None:
        batch: Probes = self._engine.tick()
        columns = zip(batch.series, batch.age_us, batch.outcome, batch.rtt_us, strict=True)
        for series, age_us, outcome, rtt_us in columns:
            self._seen[series].append((batch.t - age_us * 1000, Outcome(outcome), rtt_us))


def quantiles(settled: list[Settled], start_ns: int, end_ns: int) -> RttQuantiles | None:
    """Return the quantiles of the round trips of a stretch (nearest rank), None where none was measured."""
    within = [(outcome, rtt_us) for sent_ns, outcome, rtt_us in settled if start_ns <= sent_ns < end_ns]
    rtts = sorted(rtt_us for outcome, rtt_us in within if outcome == Outcome.ANSWERED and rtt_us is not None)
    lost = sum(outcome == Outcome.LOST for outcome, _ in within)
    late = sum(outcome == Outcome.LATE for outcome, _ in within)
    if not rtts:
        return None
    p50, p95 = (rtts[max(0, -(-len(rtts) * percent // 100) - 1)] for percent in (50, 95))
    return RttQuantiles(len(rtts) + lost, lost - late, rtts[0], p50, p95, rtts[-1])


def _series(number: int, address: str, protocol: str, port: int | None = None) -> Series:
    return Series(
        0,
        number,
        address,
        address,
        protocol="tcp" if protocol == "tcp" else "icmp",
        port=port,
        interval_ns=INTERVAL_NS,
        timeout_ns=TIMEOUT_NS,
    )
