"""RoCE as it is captured: ticks folded into flows over a window, a verdict, and each flow second by second."""

from collections import deque
from typing import Final

import msgspec

from analysis.roce.merge import FlowKey, key_of, merge
from analysis.samples import RoceFlow, RoceTick, RoceTrouble, Sample

KEEP_NS: Final = 600 * 10**9
"""How far back flows can be told second by second."""
WINDOW_NS: Final = 60 * 10**9
"""What flows and verdict are about, where nothing else is asked for."""
_NONE: Final = RoceTrouble()


class RocePoint(msgspec.Struct, frozen=True):
    """One flow in the span that ended at `t`. Rates are per second of that span."""

    t: int
    span_ns: int
    wire_bps: float
    goodput_bps: float
    rewinds: int
    naks: int
    rnr_naks: int
    ce: int
    cnps: int
    repeats: int
    rtt_p50_us: float | None
    rtt_max_us: float | None
    """ACK round trips, else those of READ or atomic requests; None where none ended in the span."""


class RoceWatch:
    """The ticks of every interface over the last `keep_ns`. The same samples give the same answers."""

    def __init__(self, keep_ns: int = KEEP_NS) -> None:
        self._keep_ns = keep_ns
        self._ticks: dict[str, deque[RoceTick]] = {}

    def fold(self, sample: Sample) -> bool:
        """Take a sample if it is a tick; return whether it was."""
        if not isinstance(sample, RoceTick):
            return False
        ticks = self._ticks.setdefault(sample.interface, deque())
        ticks.append(sample)
        while ticks[0].t <= sample.t - self._keep_ns:
            ticks.popleft()
        return True

    @property
    def interfaces(self) -> tuple[str, ...]:
        """The interfaces that are or were captured on."""
        return tuple(self._ticks)

    def window(self, interface: str, end_ns: int, window_ns: int = WINDOW_NS) -> RoceTick | None:
        """Return everything in the window as one tick, None where nothing was captured then.

        `analysis.roce.tick_report.report_of` makes a report of it, `analysis.roce.verdict.judge` judges that.
        """
        ticks = self._within(interface, end_ns - window_ns, end_ns)
        return merge(ticks) if ticks else None

    def series(self, interface: str, key: FlowKey, start_ns: int, end_ns: int) -> tuple[RocePoint, ...]:
        """Return one flow second by second: zeros where it was silent, nothing where that cannot be told.

        A flow that was not among those told one by one may have been among the rest.
        """
        points = []
        for tick in self._within(interface, start_ns, end_ns):
            flow = next((flow for flow in tick.flows if key_of(tick, flow) == key), None)
            if flow is not None or tick.rest is None:
                points.append(_point(tick, flow))
        return tuple(points)

    def _within(self, interface: str, start_ns: int, end_ns: int) -> list[RoceTick]:
        return [tick for tick in self._ticks.get(interface, ()) if start_ns < tick.t <= end_ns]


def _point(tick: RoceTick, flow: RoceFlow | None) -> RocePoint:
    trouble = (flow.trouble if flow else None) or _NONE
    wire, payload = (flow.wire_bytes, flow.payload_bytes) if flow else (0, 0)
    per_s = 8e9 / tick.span_ns if tick.span_ns else 0.0
    rtt = _round_trip(flow)
    return RocePoint(
        t=tick.t,
        span_ns=tick.span_ns,
        wire_bps=wire * per_s,
        goodput_bps=(payload - trouble.repeated_bytes) * per_s,
        **{name: getattr(trouble, name) for name in ("rewinds", "naks", "rnr_naks", "ce", "cnps", "repeats")},
        rtt_p50_us=rtt[0] if rtt else None,
        rtt_max_us=rtt[1] if rtt else None,
    )


def _round_trip(flow: RoceFlow | None) -> tuple[float, float] | None:
    by_kind = {rtt.kind: rtt for rtt in flow.rtt} if flow else {}
    found = by_kind.get("ack") or by_kind.get("read") or by_kind.get("atomic")
    return (found.p50_us, found.max_us) if found else None
