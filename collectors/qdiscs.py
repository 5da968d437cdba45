"""Counters of queueing disciplines, by pyroute2, which knows their names, handles and statistics."""

import asyncio
import importlib
from collections.abc import Mapping, Sequence
from typing import Any, Final

from analysis.samples import QdiscCounters, Qdiscs
from collectors.base import Emit, Need
from collectors.clock import Clock
from collectors.rtnetlink import read_links
from collectors.ticks import ticks

_ROOT: Final = 0xFFFFFFFF
_INGRESS: Final = 0xFFFFFFF1


def handle_text(handle: int) -> str:
    """Return a handle as `tc` prints it: "root", "ingress", "8001:", "1:10"."""
    if handle in (_ROOT, _INGRESS):
        return "root" if handle == _ROOT else "ingress"
    minor = handle & 0xFFFF
    return f"{handle >> 16:x}:{minor:x}" if minor else f"{handle >> 16:x}:"


def qdisc_row(message: Mapping[str, Any], interface: str) -> QdiscCounters:
    """Return the counters of one decoded tcmsg; a discipline without statistics (noqueue) has none to lose."""
    statistics: dict[str, Any] = dict((message.get_attr("TCA_STATS2") or {}).get("attrs", ()))  # type: ignore[attr-defined]
    basic, queue = statistics.get("TCA_STATS_BASIC", {}), statistics.get("TCA_STATS_QUEUE", {})
    return QdiscCounters(
        interface=interface,
        kind=str(message.get_attr("TCA_KIND")),  # type: ignore[attr-defined]
        handle=handle_text(message["handle"]),
        parent=handle_text(message["parent"]),
        packets=basic.get("packets", 0),
        drops=queue.get("drops", 0),
        overlimits=queue.get("overlimits", 0),
        requeues=queue.get("requeues", 0),
        backlog_bytes=queue.get("backlog", 0),
    )


class QdiscsCollector:
    """Emits `Qdiscs`. Starts late: loading pyroute2 takes some 0.2 s of a processor."""

    name = "qdiscs"

    def __init__(self, clock: Clock, *, interval_s: float = 10.0, delay_s: float = 2.0) -> None:
        self._clock = clock
        self._interval_s = interval_s
        self._delay_s = delay_s

    def needs(self) -> Sequence[Need]:
        """Reading queueing disciplines needs no privilege."""
        return ()

    async def run(self, emit: Emit) -> None:
        """Emit until cancelled."""
        await asyncio.sleep(self._delay_s)
        pyroute2 = await asyncio.to_thread(importlib.import_module, "pyroute2")
        async with pyroute2.AsyncIPRoute() as kernel:
            async for _ in ticks(self._interval_s):
                names = {index: link.name for index, link in (await read_links()).items()}
                rows = [
                    qdisc_row(message, names[message["index"]])
                    async for message in await kernel.get_qdiscs()
                    if message["index"] in names
                ]
                emit(Qdiscs(self._clock.now_ns(), tuple(rows)))
