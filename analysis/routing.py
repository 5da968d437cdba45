"""Folds the ways out of the box: what changed, how good each one is, which one is the best and since when."""

from collections.abc import Iterator
from itertools import chain
from typing import Final

from analysis.bandwidth import Bandwidth, bandwidth, link_bps
from analysis.box import Box
from analysis.events import Event, route_changes, route_key
from analysis.objectives import Judgement, Objective, judge, keep
from analysis.outages import availability_ratio
from analysis.paths import SCORE_WINDOW_NS, Path, Paths
from analysis.samples import Route, Routes
from analysis.score import RouteScore, best_route, score
from analysis.settings import Settings
from analysis.sliding import Pool
from analysis.text import N_, Sentence, say
from analysis.throughput import Control, Prediction, predict
from analysis.view import RouteRow
from analysis.window import Window, merged, window_of

JUDGE_EVERY_NS: Final = 5 * 10**9
"""How often best route and objectives are judged anew, at multiples of this in sample time."""
OBJECTIVES: Final[dict[Objective, Sentence]] = {
    "latency": say(N_("latency")),
    "loss": say(N_("loss")),
    "bandwidth": say(N_("bandwidth")),
    "availability": say(N_("availability")),
}
CONTROLS: Final[tuple[Control, ...]] = ("cubic", "bbr")


def route_id(route: Route) -> str:
    """Return the name of a route in views and events, the same whatever its gateway is now."""
    return "|".join(str(part) for part in route_key(route))


class Routing:
    """Every route of the box and what is thought of it."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.routes: tuple[Route, ...] | None = None
        self.names: dict[str, str] = {}
        self.best: dict[int, str | None] = {4: None, 6: None}
        self.judgements: dict[str, tuple[Judgement, ...]] = {}
        self._judged_ns = 0
        self._pools: dict[str, Pool] = {}
        self._found: dict[tuple[str, int], tuple[int, list[Path], dict[int, int]]] = {}

    def name_of(self, kernel_id: str) -> str:
        """Return a route's shown name by the id that series carry."""
        return self.names.get(kernel_id, kernel_id)

    def interface_of(self, kernel_id: str) -> str | None:
        """Return the interface of the route that series carry as `kernel_id`."""
        return next((route.interface for route in self.routes or () if route.id == kernel_id), None)

    def change(self, sample: Routes) -> Iterator[Event]:
        """Take a new list of routes and yield what changed; the first list is no change."""
        before, self.routes = self.routes, sample.routes
        self.names.update((route.id, route.name) for route in sample.routes)
        if before is None:
            return
        for route, severity, text in route_changes(before, sample.routes):
            yield Event(sample.t, "route", severity, text, route_id(route), who=route.name)

    def due(self, t: int) -> bool:
        """Return whether routes are to be judged anew at `t`."""
        return t // JUDGE_EVERY_NS != self._judged_ns // JUDGE_EVERY_NS

    def judge(self, t: int, paths: Paths, box: Box) -> Iterator[Event]:
        """Judge every route at `t`; yield a change of the best one and objectives newly missed or met."""
        self._judged_ns = t
        scores: dict[int, dict[str, RouteScore]] = {4: {}, 6: {}}
        for route in self.routes or ():
            key = route_id(route)
            window = self._recent(route, paths, t)
            carried = bandwidth(route, box, t)
            if route.up and not route.standby:
                scores[route.family][key] = self._score(window, carried)
            yield from self._objectives(route, key, window, carried, paths, box, t)
        paths.fresh.clear()
        self._pools = {key: self._pools[key] for key in map(route_id, self.routes or ())}
        for family, found in scores.items():
            yield from self._best(family, found, t)

    def _recent(self, route: Route, paths: Paths, t: int) -> Window:
        """Return the scoring window as it is judged."""
        start, key = t - SCORE_WINDOW_NS, route_id(route)
        targets, members = self._members(route, paths)
        if (pool := self._pools.get(key)) is None or members != pool.members:
            settled = (path.history.settled(path.since(start)) for path in targets)
            pool = self._pools[key] = Pool(SCORE_WINDOW_NS, members, chain.from_iterable(settled), t)
        else:
            pool.add(paths.fresh, t)
        return pool.window(start, t)

    def _objectives(
        self, route: Route, key: str, window: Window, carried: Bandwidth, paths: Paths, box: Box, t: int
    ) -> Iterator[Event]:
        before = self.judgements.get(key, ())
        gpus = gpu_count(self._settings, box.value("gpu.count"))
        mbps = carried.judged(self._settings.objectives.bandwidth_mbps_per_gpu * (gpus or 1))
        now = keep(
            before,
            judge(self._settings.objectives, window, mbps, gpus, self._availability(route, paths, t)),
            t,
        )
        self.judgements[key] = now
        was = {judgement.objective: judgement.state for judgement in before}
        for judgement in now:
            if judgement.state == "missed" and was.get(judgement.objective) not in (None, "missed"):
                text = say(
                    N_("{route}: the objective for {objective} is missed."),
                    route=route.name,
                    objective=OBJECTIVES[judgement.objective],
                )
                yield Event(t, "objective", "warn", text, key, who=route.name)

    def _score(self, window: Window, carried: Bandwidth) -> RouteScore:
        settings = self._settings.score
        return score(window, carried.judged(settings.bandwidth_full_mbps), settings)

    def _best(self, family: int, scores: dict[str, RouteScore], t: int) -> Iterator[Event]:
        before = self.best[family]
        now = self.best[family] = best_route(scores, before, self._settings.score.hysteresis)
        if before is not None and now is not None and now != before:
            text = say(
                N_("The best way out is {now} now, before it was {before}."),
                now=now.partition("|")[0],
                before=before.partition("|")[0],
            )
            yield Event(t, "best", "notice", text, now)

    def window(self, route: Route, paths: Paths, t: int) -> Window:
        """Return the probes to all targets over `route` in the scoring window; gateways are not targets."""
        chosen = self._targets(route, paths)
        start = t - SCORE_WINDOW_NS
        tally = merged(path.history.tally(path.since(start), t) for path in chosen)
        return window_of(tally, start, t, sum(path.in_flight for path in chosen))

    def _targets(self, route: Route, paths: Paths) -> list[Path]:
        """Return the paths to targets over `route`: those being probed, or at a session's end those that were."""
        return self._members(route, paths)[0]

    def _members(self, route: Route, paths: Paths) -> tuple[list[Path], dict[int, int]]:
        """Return those paths, and by their series when each began."""
        key = route.name, route.family
        changes, found, members = self._found.get(key, (-1, [], {}))
        if changes != paths.changes:
            over = paths.of_route(*key)
            targets = [path for path in over if path.is_target and not paths.is_barred(path)]
            found = [path for path in targets if not path.series.ended] or targets
            members = {path.series.id: path.epoch_ns for path in found}
            self._found[key] = paths.changes, found, members
        return found, members

    def _availability(self, route: Route, paths: Paths, t: int) -> float | None:
        """Return the share of probes not lost in outages, by the target that fared best: the route's own part."""
        start, best = t - SCORE_WINDOW_NS, None
        for path in self._targets(route, paths):
            settled = path.history.settled_count(path.since(start), t)
            ratio = availability_ratio(path.outages(start, t), start, t, settled)
            if ratio is not None:
                best = ratio if best is None else max(best, ratio)
            if best == 1.0:
                break
        return best

    def rows(self, t: int, paths: Paths, box: Box) -> tuple[RouteRow, ...]:
        """Return every route as it is shown."""
        return tuple(self._row(route, t, paths, box) for route in self.routes or ())

    def _row(self, route: Route, t: int, paths: Paths, box: Box) -> RouteRow:
        key = route_id(route)
        window = self.window(route, paths, t)
        carried = bandwidth(route, box, t)
        return RouteRow(
            id=key,
            name=route.name,
            family=route.family,
            interface=route.interface,
            gateway=route.gateway,
            source=route.source,
            up=route.up,
            standby=route.standby,
            best=self.best[route.family] == key,
            window=window,
            score=self._score(window, carried),
            bandwidth_mbps=carried.mbps,
            bandwidth_at_least=carried.at_least,
            bandwidth_source=carried.source,
            predictions=tuple(predictions(window, link_bps(route, box))),
            objectives=self.judgements.get(key, ()),
            tests=box.tests.over(route.id),
        )


def predictions(window: Window, narrowest_bps: float | None) -> Iterator[Prediction]:
    """Yield what one TCP flow can be expected to carry, by congestion control."""
    for control in CONTROLS:
        prediction = predict(control, window, narrowest_bps)
        if prediction is not None:
            yield prediction


def gpu_count(settings: Settings, seen: str | None) -> int | None:
    """Return how many GPUs the bandwidth objective counts."""
    if settings.gpus is not None:
        return settings.gpus
    return int(seen) if seen is not None and seen.isdigit() else None
