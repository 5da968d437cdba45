"""What each flow did second by second: differences of the fold's running totals. They add up to the totals again."""

from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import Final

import msgspec
import numpy as np

from analysis.roce.fold import Fold
from analysis.roce.frames import Ints
from analysis.roce.packets import Batch, Packets

SECOND_NS: Final = 1_000_000_000


class FlowSecond(msgspec.Struct, frozen=True):
    """One flow in one second (or any other span between two looks at a fold)."""

    flow: int
    """Id in the fold; `Flows.facts` and `Pairs` tell who it is."""
    packets: int
    wire_bytes: int
    payload_bytes: int
    goodput_bytes: int
    messages: int
    repeats: int
    gap_psns: int
    rewinds: int
    acks: int
    naks: int
    rnr_naks: int
    ce: int
    cnps: int
    rtt_p50_us: float | None
    """ACK, READ and atomic round trips that ended in this span; None where there was none."""
    rtt_max_us: float | None


_COUNTS: Final = FlowSecond.__struct_fields__[1:-2]


class Ticker:
    """Looks at a fold now and then and tells what changed."""

    def __init__(self, fold: Fold) -> None:
        self._fold = fold
        self._before = np.zeros((len(_COUNTS), 0), np.int64)
        self._samples = 0

    def tick(self) -> tuple[FlowSecond, ...]:
        """Return what every flow that moved has done since the last look."""
        flows = self._fold.flows
        now = np.array([getattr(flows.counters, name)[: flows.count] for name in _COUNTS])
        before = np.zeros_like(now)
        before[:, : self._before.shape[1]] = self._before
        self._before = now
        change = now - before
        trips = self._round_trips()
        moved = np.flatnonzero(change.any(axis=0))
        return tuple(
            FlowSecond(flow, *change[:, flow].tolist(), *trips.get(flow, (None, None))) for flow in moved.tolist()
        )

    def _round_trips(self) -> dict[int, tuple[float, float]]:
        fresh, self._samples = self._fold.trips.kept.since(self._samples)
        order = np.argsort(fresh.flow, kind="stable")
        flows, first = np.unique(fresh.flow[order], return_index=True)
        parts = np.split(fresh.rtt_ns[order], first[1:]) if len(flows) else []
        return {
            flow: (round(float(np.median(part)) / 1000, 3), round(int(part.max()) / 1000, 3))
            for flow, part in zip(flows.tolist(), parts, strict=True)
        }


def seconds(fold: Fold, batches: Iterable[Batch]) -> Iterator[tuple[int, tuple[FlowSecond, ...]]]:
    """Fold batches and tell, for each second since the first RoCE packet, what the flows did in it.

    Where time goes back in the capture, seconds come again.
    """
    ticker = Ticker(fold)
    start_ns: int | None = None
    current = 0
    for batch in batches:
        packets = batch.packets
        fold.add(msgspec.structs.replace(batch, packets=packets.where(slice(0))))
        if len(packets) and start_ns is None:
            start_ns = int(packets.t_ns[0])
        for second, part in _by_second(packets, start_ns or 0):
            if second != current:
                yield current, ticker.tick()
            current = second
            fold.add(Batch(part))
    fold.finish()
    yield current, ticker.tick()


def _by_second(packets: Packets, start_ns: int) -> Iterator[tuple[int, Packets]]:
    second: Ints = (packets.t_ns - start_ns) // SECOND_NS
    edges = np.flatnonzero(np.diff(second)) + 1
    for begin, end in pairwise([0, *edges.tolist(), len(packets)]):
        if begin < end:
            yield int(second[begin]), packets.where(slice(begin, end))
