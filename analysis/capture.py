"""Folds captured RoCE into what is seen of it: a report with its verdict for each interface, flows over time."""

from analysis.roce.live import WINDOW_NS, RocePoint, RoceWatch
from analysis.roce.merge import FlowKey, key_of
from analysis.samples import RoceTick, Sample
from analysis.view import RoceRow


class Captures:
    """The ticks of every interface that is captured on."""

    def __init__(self) -> None:
        self._watch = RoceWatch()

    def fold(self, sample: Sample) -> bool:
        """Take a sample if it is a tick; return whether it was."""
        return self._watch.fold(sample)

    def rows(self, at_ns: int) -> tuple[RoceRow, ...]:
        """Return what was captured on each interface in the last minute."""
        ticks = (self._watch.window(interface, at_ns, WINDOW_NS) for interface in self._watch.interfaces)
        return tuple(_row(tick) for tick in ticks if tick is not None)

    def points(self, wanted: tuple[str, FlowKey] | None, start_ns: int, end_ns: int) -> tuple[RocePoint, ...]:
        """Return one flow second by second."""
        if wanted is None or wanted[0] not in self._watch.interfaces:
            return ()
        return self._watch.series(*wanted, start_ns, end_ns)


def first_flow(rows: tuple[RoceRow, ...]) -> tuple[str, FlowKey] | None:
    """Return the flow that is looked at where none was chosen: the first one of the first interface with any."""
    return next(((row.interface, row.keys[0]) for row in rows if row.keys), None)


def _row(tick: RoceTick) -> RoceRow:
    # Reports are made of arrays: a box without RoCE never loads them.
    from analysis.roce.tick_report import report_of
    from analysis.roce.verdict import judge

    report = report_of(tick)
    keys = tuple(key_of(tick, flow) for flow in tick.flows)
    return RoceRow(tick.interface, report, judge(report), keys, tick.dropped)
