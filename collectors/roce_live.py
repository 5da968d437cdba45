"""RoCE packets of this box, live: a capture helper on each interface with an RDMA device, or on those asked for."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Sequence
from typing import Final, TypeAlias

from analysis.samples import Health, RdmaPort, RoceTick
from collectors.base import Emit, Need, Unavailable
from collectors.capture.interface import index
from collectors.capture.options import Options, health_name
from collectors.capture.start import Capture
from collectors.clock import Clock
from collectors.hub import BACKOFF_S
from collectors.offload import LEAST, does_roce_in_hardware, moved, offloaded
from collectors.privilege import capture_need, look
from collectors.rdma import read_ports
from collectors.root import Root
from collectors.ticks import ticks

LOOK_S: Final = 5.0
"""How often RDMA devices and their counters are looked at."""
REST_S: Final = 600.0
"""After this time it is tried again whether a card that offloads RoCE lets some of it be seen."""
GONE_S: Final = 0.5
_STEADY_NS: Final = 60 * 10**9
Start: TypeAlias = Callable[[Options, Clock], Awaitable[Capture]]


class RoceLive:
    """Emits `RoceTick` every second for each interface, and `Health` under `health_name` of it."""

    name = "roce"

    def __init__(
        self,
        clock: Clock,
        root: Root | None = None,
        interfaces: Sequence[str] = (),
        *,
        start: Start = Capture.start,
        look_s: float = LOOK_S,
        rest_s: float = REST_S,
    ) -> None:
        self._clock = clock
        self._root = root or Root()
        self._asked = frozenset(interfaces)
        self._start = start
        self._look_s = look_s
        self._rest_s = rest_s
        self._captured: dict[str, int] = {}
        """Frames captured on each interface by the helper that runs now; no entry before its first tick."""
        self._seen: dict[tuple[str, int], tuple[RdmaPort, int | None]] = {}
        self._resting: dict[str, int] = {}
        """Until when it is taken for granted that a card does RoCE without the kernel."""

    def needs(self) -> Sequence[Need]:
        """Capturing needs CAP_NET_RAW, once, for the helper."""
        need = capture_need(look())
        return () if need is None else (need,)

    async def run(self, emit: Emit) -> None:
        """Capture until cancelled, on interfaces as they come and go; `Unavailable` where it is not allowed."""
        tasks: dict[str, asyncio.Task[None]] = {}
        try:
            while True:
                ports = await asyncio.to_thread(read_ports, self._root)
                chosen = self._wanted(ports, tasks, emit)
                wanted = self._asked or chosen
                for name in tasks.keys() - wanted:
                    await _end([tasks.pop(name)])
                for name in sorted(wanted - tasks.keys()):
                    tasks[name] = asyncio.create_task(self._keep(name, emit), name=health_name(name))
                if not tasks:
                    await asyncio.sleep(self._look_s)
                    continue
                done, _ = await asyncio.wait(
                    tasks.values(), timeout=self._look_s, return_when=asyncio.FIRST_COMPLETED
                )
                for task in done:
                    task.result()
        finally:
            await _end(list(tasks.values()))

    async def _keep(self, interface: str, emit: Emit) -> None:
        """Capture on one interface for ever, through its coming and going and the helper's failures."""
        failures = 0
        while True:
            started = self._clock.now_ns()
            try:
                await self._capture(interface, emit)
            except Unavailable as problem:
                if problem.permanent:
                    raise
                emit(Health(self._clock.now_ns(), health_name(interface), "failed", problem.problem))
            failures = 0 if self._clock.now_ns() - started > _STEADY_NS else failures + 1
            was_there = index(interface) is not None
            if was_there:
                await asyncio.sleep(BACKOFF_S[min(failures, len(BACKOFF_S) - 1)])
            async for _ in ticks(GONE_S):
                if index(interface) is not None:
                    break

    async def _capture(self, interface: str, emit: Emit) -> None:
        capture = await self._start(Options(interface), self._clock)
        try:
            async for sample in capture.samples():
                if isinstance(sample, RoceTick):
                    self._captured[interface] = self._captured.get(interface, 0) + sample.captured
                emit(sample)
        finally:
            self._captured.pop(interface, None)
            await capture.stop()

    def _wanted(self, ports: Sequence[RdmaPort], running: Collection[str], emit: Emit) -> set[str]:
        """Return the interfaces to capture on.

        A helper takes 80 MiB and a box may have eight cards that do RoCE in hardware, so theirs run only while it is
        not known yet whether the kernel sees any of what they carry.
        """
        now = self._clock.now_ns()
        wanted = set()
        for port in ports:
            was, before = self._seen.get((port.device, port.port), (port, None))
            captured = self._captured.get(port.netdev or "")
            self._seen[port.device, port.port] = port, captured
            if port.netdev is None or port.link_layer != "Ethernet" or now < self._resting.get(port.netdev, 0):
                continue
            problem = None if captured is None or before is None else offloaded(was, port, captured - before)
            if problem is not None:
                self._resting[port.netdev] = now + int(self._rest_s * 1e9)
                emit(Health(now, health_name(port.netdev), "missing", problem, self._rest_s))
            elif port.netdev in running or not does_roce_in_hardware(port) or moved(was, port) >= LEAST:
                wanted.add(port.netdev)
        return wanted


async def _end(tasks: Sequence["asyncio.Task[None]"]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
