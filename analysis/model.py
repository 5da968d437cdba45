"""The model: a fold of samples up to the cursor, and the view of it. The same samples give the same model."""

from collections import deque
from collections.abc import Iterable
from operator import attrgetter
from typing import Final

from analysis.advice.engine import advise
from analysis.advice.plan import Goal, Plan
from analysis.advice.situation import Path as AdvicePath
from analysis.advice.situation import Situation
from analysis.advice.sizing import measured_bps
from analysis.box import Box
from analysis.box_trouble import counted
from analysis.buckets import Bucket, worst_of
from analysis.capture import Captures, first_flow
from analysis.events import Event
from analysis.path.hops import path_view
from analysis.path.locate import locate
from analysis.path.trace import Traces
from analysis.path.view import PathView
from analysis.path_names import telling
from analysis.paths import SCORE_WINDOW_NS, Path, Paths, outage_event
from analysis.routing import Routing
from analysis.samples import (
    Check,
    Dropped,
    Health,
    Mark,
    Name,
    Ports,
    Prober,
    Probes,
    Routes,
    Sample,
    Series,
    Service,
)
from analysis.services.fold import Services
from analysis.services.rows import ports_rows, service_rows, told
from analysis.settings import Settings
from analysis.text import N_, Sentence, say
from analysis.verdict import verdict
from analysis.verdicts import gravest, located, with_services
from analysis.view import Graph, Lens, PathRow, PathSpan, RouteRow, Verdict, View

EVENTS_KEPT: Final = 500
ADVISE_EVERY_NS: Final = 10 * 10**9


class Model:
    """Everything that is known at the time of the last sample folded."""

    def __init__(
        self,
        settings: Settings,
        *,
        goal: Goal = "none",
        wanted_bps: int | None = None,
        events_kept: int | None = EVENTS_KEPT,
    ) -> None:
        self._settings = settings
        self._goal: Goal = goal
        self._wanted_bps = wanted_bps
        self._paths = Paths()
        self._routing = Routing(settings)
        self._box = Box()
        self._captures = Captures()
        self._traces = Traces()
        self._services = Services()
        self._probers: dict[int, Prober] = {}
        self._names: dict[str, Name] = {}
        self._health: dict[str, Health] = {}
        self._events: deque[Event] = deque(maxlen=events_kept)
        self._dropped = 0
        self._plan: tuple[tuple[int, int], Plan] | None = None

    def fold(self, sample: Sample) -> None:
        """Take the next sample."""
        if self._box.fold(sample) or self._captures.fold(sample) or self._traces.fold(sample):
            return
        match sample:
            case Probes():
                self._paths.record(sample)
                if self._routing.due(sample.t):
                    self._events.extend(self._routing.judge(sample.t, self._paths, self._box))
            case Series():
                self._paths.define(sample, self._routing.name_of(sample.route))
            case Routes():
                self._events.extend(self._routing.change(sample))
            case Prober():
                self._probers[sample.family] = sample
            case Name():
                self._names[sample.target] = sample
            case Health():
                self._health[sample.collector] = sample
            case Mark():
                self._events.append(Event(sample.t, "mark", "notice", _mark_text(sample)))
            case Service() | Check() | Ports():
                self._events.extend(self._services.fold(sample))
            case Dropped():
                self._dropped += sample.count
            case _:
                pass

    def view(self, at_ns: int, lens: Lens) -> View:
        """Return what is to be seen at `at_ns`, the time of the cursor."""
        start = at_ns - SCORE_WINDOW_NS
        paths = tuple(self._path_row(path, at_ns, start) for path in self._paths.shown())
        routes = self._routing.rows(at_ns, self._paths, self._box)
        names = telling(self._names.values(), paths)
        roce = self._captures.rows(at_ns)
        wrong = counted(self._box, self._routing.routes or (), at_ns)
        end = (at_ns // lens.step_ns + 1) * lens.step_ns
        span = end - lens.span_ns, end
        of_paths = self._verdict(paths, routes, names, at_ns)
        services, ports = service_rows(self._services, at_ns), ports_rows(self._services)
        of_all = with_services(of_paths, services, tuple(told(services, ports, at_ns)), paths)
        last_rdma = self._box.rdma[-1] if self._box.rdma else None
        return View(
            at_ns=at_ns,
            window_ns=SCORE_WINDOW_NS,
            paths=paths,
            graph=self._graph(at_ns, lens),
            routes=routes,
            links=self._box.link_rows(),
            rdma=self._box.rdma_rows(),
            rdma_absent=last_rdma.absent if last_rdma else None,
            nics=self._box.nic_rates(),
            counted=wrong,
            roce=roce,
            roce_points=self._captures.points(lens.flow or first_flow(roce), *span),
            span_ns=span,
            host=self._box.host_row(),
            verdict=gravest(of_all, roce, wrong, alone=not self._paths.by_key),
            trace=self._trace(self._paths.find(lens.path), at_ns) if lens.trace else None,
            plan=self._advice(at_ns),
            probers=tuple(self._probers.values()),
            names=names,
            health=tuple(self._health.values()),
            events=self.events(at_ns),
            facts=self._box.facts,
            services=services,
            ports=ports,
            dropped=self._dropped,
            routes_known=self._routing.routes is not None,
        )

    def _verdict(
        self, paths: tuple[PathRow, ...], routes: tuple[RouteRow, ...], names: tuple[Name, ...], at_ns: int
    ) -> Verdict:
        """Return the verdict on the paths; where loss starts is said if the hops are known well enough."""
        found = verdict(paths, self._known(routes), names, at_ns)
        if found.path is None or found.severity not in {"warn", "bad"}:
            return found
        trace = self._trace(self._paths.find(found.path), at_ns)
        where = locate(trace) if trace is not None else None
        return found if where is None else located(found, where)

    def _trace(self, path: Path | None, at_ns: int) -> PathView | None:
        if path is None:
            return None
        traces = self._traces.of(path.series.address, path.series.route)
        trace = next(traces, None)
        return path_view(trace, at_ns) if trace is not None else None

    def _known(self, routes: tuple[RouteRow, ...]) -> tuple[RouteRow, ...] | None:
        """Return the routes, or None while they have not been read."""
        return None if self._routing.routes is None else routes

    def overview(self, start_ns: int, end_ns: int, step_ns: int) -> tuple[Bucket, ...]:
        """Return all targets' probes as one row of time-aligned columns: the whole session at a glance."""
        shown = [path for path in self._telling() if path.is_target]
        rows = [path.history.buckets(start_ns, end_ns, step_ns) for path in shown]
        return tuple(worst_of(column) for column in zip(*rows, strict=True))

    def spans(self, start_ns: int, end_ns: int, step_ns: int) -> tuple[PathSpan, ...]:
        """Return every path over [start_ns, end_ns), its graph in columns of `step_ns` that cover all of it."""
        first, after = start_ns // step_ns * step_ns, -(-end_ns // step_ns) * step_ns
        return tuple(
            PathSpan(self._path_row(path, end_ns, start_ns), self._drawn(path, first, after, step_ns))
            for path in self._paths.shown()
        )

    def events(self, at_ns: int) -> tuple[Event, ...]:
        """Return what has happened until `at_ns`, in time order."""
        return tuple(sorted(self._all_events(at_ns), key=attrgetter("t")))

    def _telling(self) -> list[Path]:
        """Return the paths whose losses say something of the way."""
        return [path for path in self._paths.shown() if not self._paths.is_barred(path)]

    def _path_row(self, path: Path, at_ns: int, start: int) -> PathRow:
        barred = self._paths.is_barred(path)
        return PathRow(
            id=path.key.id,
            target=path.key.target,
            route=path.key.route,
            series=path.series,
            window=path.window(start, at_ns),
            last_rtt_us=path.last_rtt_us,
            in_flight=path.in_flight,
            epoch_ns=path.epoch_ns,
            outages=path.outages(start, at_ns),
            problem=_barred(path) if barred else path.problem(at_ns),
            foreign=path.foreign,
            barred=barred,
        )

    def _graph(self, at_ns: int, lens: Lens) -> Graph | None:
        path = self._paths.find(lens.path)
        if path is None:
            return None
        end = (at_ns // lens.step_ns + 1) * lens.step_ns
        return self._drawn(path, end - lens.span_ns, end, lens.step_ns)

    def _drawn(self, path: Path, start: int, end: int, step_ns: int) -> Graph:
        events = tuple(event for event in self._events if start <= event.t < end and event.kind in {"mark", "route"})
        return Graph(
            path=path.key.id,
            start_ns=start,
            end_ns=end,
            step_ns=step_ns,
            buckets=path.history.buckets(start, end, step_ns),
            epochs=tuple(t for t in path.epochs[1:] if start <= t < end),
            events=events,
        )

    def _all_events(self, at_ns: int) -> Iterable[Event]:
        yield from self._events
        for path in self._telling():
            for outage in path.outages(0, at_ns):
                yield outage_event(path.key, outage, at_ns)

    def _advice(self, at_ns: int) -> Plan:
        slot = at_ns // ADVISE_EVERY_NS, self._box.facts_ns
        if self._plan is None or self._plan[0] != slot:
            self._plan = slot, advise(self.situation(at_ns))
        return self._plan[1]

    def situation(self, at_ns: int) -> Situation:
        """Return what advice rests on at `at_ns`."""
        box = self._box
        return Situation(
            time_ns=box.facts_ns,
            facts=box.facts,
            goal=self._goal,
            flows=box.flows.flows if box.flows else None,
            growth=box.growth(),
            bandwidth_bps=measured_bps(box.flows.flows) if box.flows else None,
            wanted_bps=self._wanted_bps,
            paths=tuple(self._advice_path(path, at_ns) for path in self._telling()),
        )

    def _advice_path(self, path: Path, at_ns: int) -> AdvicePath:
        window = path.window(at_ns - SCORE_WINDOW_NS, at_ns)
        traces = self._traces.of(path.series.address, path.series.route)
        mtu = next((trace.mtu for trace in traces if trace.mtu is not None), None)
        return AdvicePath(
            target=path.key.target,
            address=path.series.address,
            route=path.key.route,
            interface=self._routing.interface_of(path.series.route),
            rtt_us=window.p50_us,
            min_rtt_us=window.min_us,
            settled=window.settled,
            lost=window.lost,
            largest_bytes=mtu.mtu if mtu else None,
            capped=mtu is not None and mtu.mtu is not None and mtu.refused is None,
            silent_above_bytes=mtu.mtu if mtu and mtu.black_hole else None,
        )


def _barred(path: Path) -> Sentence:
    return say(N_("{protocol} is never answered here, other probes are."), protocol=path.key.protocol.upper())


def _mark_text(mark: Mark) -> Sentence:
    return say(N_("Mark: {text}"), text=mark.text) if mark.text else say(N_("Mark."))
