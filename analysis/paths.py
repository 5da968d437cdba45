"""Folds probes into paths: one target over one way out, through every change of address and gateway."""

from collections.abc import Callable, Iterator
from typing import Final, TypeAlias

import msgspec

from analysis.events import Event
from analysis.history import FAR_NS, SeriesHistory
from analysis.outages import Outage
from analysis.probe_log import LONGEST_RTT_US
from analysis.samples import Outcome, ProbeNote, Probes, Series
from analysis.text import N_, Sentence, say
from analysis.units import duration
from analysis.window import Window

SCORE_WINDOW_NS: Final = 600 * 10**9
"""The time that scores and objectives look at."""
NOTE_NS: Final = 10 * 10**9
"""How long what an error said stays on screen."""
_TROUBLE: Final = frozenset({Outcome.FAILED, Outcome.UNREACHABLE, Outcome.FOREIGN})
"""A refusal (TCP reset, UDP port unreachable) has a note too, but it is an answer."""
_HEARD: Final = frozenset({Outcome.ANSWERED, Outcome.LATE})
_FOREIGN: Final = int(Outcome.FOREIGN)
FILE_EVERY: Final = 256
"""So many batches may wait to be filed."""


Takers: TypeAlias = tuple[Callable[[int], None], Callable[[int], None], Callable[[int, int, int | None], None]]
"""What takes the probes of a series: sending times and times of the answered, and `record`."""


class PathKey(msgspec.Struct, frozen=True):
    """What stays the same while addresses and gateways change. `slot` tells parallel addresses of a name apart."""

    target: str
    protocol: str
    port: int | None
    route: str
    family: int
    slot: int = 0

    @property
    def id(self) -> str:
        """A stable text form: the path's name in views, events and selections."""
        parts = (self.target, self.protocol, self.port, self.route, self.family, self.slot)
        return "|".join("" if part is None else str(part) for part in parts)


class Path:
    """What is known of one path. `epochs`: when each of its series began, in ns."""

    def __init__(self, key: PathKey, series: Series) -> None:
        self.key = key
        self.series = series
        self.epochs: list[int] = [series.t]
        self.history = SeriesHistory()
        self.in_flight = 0
        self.trouble: tuple[int, Outcome, ProbeNote] | None = None
        """When the last probe failed, was unreachable or answered from elsewhere, and why."""
        self.foreign = 0
        self.heard = False
        """Whether any probe of the current epoch was answered, in time or late."""

    @property
    def epoch_ns(self) -> int:
        """When the current epoch began: statistics never mix two."""
        return self.epochs[-1]

    def begin(self, series: Series) -> None:
        """Begin a new epoch: what was measured before says nothing of what is now."""
        self.series = series
        self.epochs.append(series.t)
        self.heard = False

    @property
    def is_target(self) -> bool:
        """Whether this is what the person asked for, not a gateway or resolver that tells where a fault is not."""
        return self.series.role == "target"

    def since(self, start_ns: int) -> int:
        """Return `start_ns`, or the beginning of the current epoch where that is later."""
        return max(start_ns, self.epoch_ns)

    def window(self, start_ns: int, end_ns: int) -> Window:
        """Return the statistics of [start_ns, end_ns) within the current epoch."""
        return self.history.window(self.since(start_ns), end_ns, self.in_flight)

    def outages(self, start_ns: int, end_ns: int) -> tuple[Outage, ...]:
        """Return the outages that touch [start_ns, end_ns)."""
        return self.history.outages(start_ns, end_ns)

    def problem(self, now_ns: int) -> Sentence | None:
        """Say what the last failed, unreachable or wrongly answered probe was told, while that is recent."""
        if self.trouble is None or now_ns - self.trouble[0] > NOTE_NS:
            return None
        _, outcome, note = self.trouble
        sender = note.sender or self.series.address
        if outcome is Outcome.FAILED:
            return say(N_("Probes cannot be sent: {reason}."), reason=note.reason)
        if outcome is Outcome.FOREIGN:
            return say(N_("Replies come from {sender}, which was not asked: they do not count."), sender=sender)
        return say(N_("{sender} says: {reason}."), sender=sender, reason=note.reason)

    @property
    def last_rtt_us(self) -> int | None:
        """Round-trip time in µs of the last answered probe."""
        return self.history.last_rtt_us


class Paths:
    """Every path of the session, in order of appearance."""

    def __init__(self) -> None:
        self.by_series: dict[int, Path] = {}
        self.by_key: dict[PathKey, Path] = {}
        self._answering: set[tuple[str, str, str]] = set()
        self._flying: list[Path] = []
        self._takers: dict[int, Takers] = {}
        self._silent: dict[int, Path] = {}
        self._batches = 0
        self.changes = 0
        """Counts whatever may change which paths belong to a route: what rests on that can be kept meanwhile."""
        self.fresh: list[Probes] = []
        """The batches since routes were judged last; whoever judges empties it."""

    def define(self, series: Series, route_name: str) -> None:
        """Begin, continue or end a path."""
        self.changes += 1
        path = self.by_series.get(series.id)
        if path is not None:
            path.series = series
            return
        key = self._key(series, route_name)
        path = self.by_key.get(key)
        if path is None:
            path = self.by_key[key] = Path(key, series)
        else:
            path.begin(series)
        self.by_series[series.id] = path
        history = path.history
        self._takers[series.id] = history.answered_ns.append, history.answered_us.append, history.record
        self._silent[series.id] = path

    def _key(self, series: Series, route_name: str) -> PathKey:
        family = 6 if ":" in series.address else 4
        slot = 0
        while True:
            key = PathKey(series.target, series.protocol, series.port, route_name, family, slot)
            path = self.by_key.get(key)
            if path is None or path.series.ended:
                return key
            slot += 1

    def shown(self) -> list[Path]:
        """Return the paths that are being probed, and ended ones.

        But not those that were probed while the ways out were not known yet, once other paths follow them.
        """
        routed_ns: dict[tuple[str, int], int] = {}
        for key, path in self.by_key.items():
            if key.route:
                place = key.target, key.family
                routed_ns[place] = max(path.epoch_ns, routed_ns.get(place, 0))
        return [
            path
            for key, path in self.by_key.items()
            if key.route or not path.series.ended or path.epoch_ns >= routed_ns.get((key.target, key.family), 0)
        ]

    def is_barred(self, path: Path) -> bool:
        """Tell a path whose protocol is never answered where another one's probes of the same address are.

        Firewalls often let TCP through and ICMP not: what is lost there says nothing of the way.
        """
        return not path.heard and _place(path) in self._answering

    def find(self, path_id: str | None) -> Path | None:
        """Return a path by its id; without one, the first target, or whatever there is."""
        paths = self.shown()
        chosen = (path for path in paths if path.key.id == path_id)
        targets = (path for path in paths if path.series.role == "target")
        return next(chosen, None) or next(targets, None) or next(iter(paths), None)

    def of_route(self, route: str, family: int) -> Iterator[Path]:
        """Yield the paths over one route."""
        return (path for key, path in self.by_key.items() if key.route == route and key.family == family)

    def record(self, probes: Probes) -> None:
        """Take a batch of settled probes; those of unknown series belong to a definition that was lost."""
        t, known = probes.t, self._takers.get
        latest, longest = FAR_NS, LONGEST_RTT_US
        columns = zip(probes.series, probes.age_us, probes.outcome, probes.rtt_us, strict=True)
        # `SeriesHistory.record` written out: most of a jump's time would go into calling it.
        for series, age_us, outcome, rtt_us in columns:
            if (takers := known(series)) is not None:
                answered_ns, answered_us, record = takers
                sent_ns = t - age_us * 1000
                if outcome or rtt_us is None or not 0 <= rtt_us <= longest or not 0 <= sent_ns < latest:
                    record(sent_ns, outcome, rtt_us)
                else:
                    answered_ns(sent_ns)
                    answered_us(rtt_us)
        if _FOREIGN in probes.outcome:
            self._count_foreign(probes)
        if self._silent:
            self._listen(probes)
        self.fresh.append(probes)
        self._batches += 1
        if self._batches % FILE_EVERY == 0:
            for path in self.by_key.values():
                path.history.file()
        self._note(probes)

    def _count_foreign(self, probes: Probes) -> None:
        """Count replies from elsewhere, which settle nothing."""
        for series, outcome in zip(probes.series, probes.outcome, strict=True):
            if outcome == _FOREIGN and (path := self.by_series.get(series)) is not None:
                path.foreign += 1

    def _listen(self, probes: Probes) -> None:
        """Look whether any path is heard of for the first time in its epoch."""
        for series, age_us, outcome in zip(probes.series, probes.age_us, probes.outcome, strict=True):
            path = self._silent.get(series)
            if path is not None and outcome in _HEARD and probes.t - age_us * 1000 >= path.epoch_ns:
                path.heard = True
                self._answering.add(_place(path))
                self.changes += 1
                del self._silent[series]

    def _note(self, probes: Probes) -> None:
        """Remember what errors said, and how many probes of each path are under way."""
        for note in probes.notes:
            path, outcome = self.by_series.get(probes.series[note.row]), Outcome(probes.outcome[note.row])
            if path is not None and outcome in _TROUBLE:
                path.trouble = probes.t, outcome, note
        for path in self._flying:
            path.in_flight = 0
        self._flying = []
        for series, count in probes.in_flight:
            path = self.by_series.get(series)
            if path is not None and path.series.id == series:
                path.in_flight = count
                self._flying.append(path)


def _place(path: Path) -> tuple[str, str, str]:
    return path.key.target, path.key.route, path.series.address


def outage_event(key: PathKey, outage: Outage, now_ns: int) -> Event:
    """Return an outage as an event, with its length so far."""
    return Event(
        outage.start_ns,
        "outage",
        "bad",
        say(
            N_("{target} over {route}: no answer for {length}."),
            target=key.target,
            route=key.route or "–",
            length=duration(outage.length_ns(now_ns)),
        ),
        key.id,
        who=f"{key.target} ({key.route})" if key.route else key.target,
        end_ns=outage.end_ns,
        lost=outage.lost,
    )
