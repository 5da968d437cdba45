"""A whole recorded session at a glance: its columns and everything that happened in it."""

from bisect import insort
from collections.abc import Iterable, Iterator
from operator import attrgetter
from typing import Final

from analysis.buckets import Bucket, worst_of
from analysis.events import Event
from analysis.model import Model
from analysis.outages import Outage, outages, runs_of_loss
from analysis.paths import PathKey, outage_event
from analysis.routing import Routing
from analysis.samples import Check, Mark, Outcome, Ports, Probes, Routes, Series, Service
from analysis.services.fold import Services
from analysis.settings import Settings
from analysis.text import N_, say
from collectors.session.filestore import FileStore
from collectors.session.rollup import MINUTE_NS
from collectors.store import Store

EXACT_NS: Final = 1800 * 10**9
"""Shorter sessions are folded whole, to the second; longer ones are known by the minute from their roll-ups."""
SUSPECT: Final = 2
"""So many losses in one minute may be part of an outage that reaches into the next minute."""
_OUTCOMES: Final = (Outcome.ANSWERED, Outcome.LATE, Outcome.LOST, Outcome.UNREACHABLE)


class Digest:
    """What the scrubber and the list of events show of a recorded session. `events` ascend in time."""

    def __init__(self, store: Store, settings: Settings) -> None:
        span = store.span() or (0, 0)
        self._model: Model | None = None
        self._targets: set[int] = set()
        if span[1] - span[0] <= EXACT_NS or not isinstance(store, FileStore):
            self._model = Model(settings)
            for sample in (*store.definitions(span[0] - 1), *store.between(span[0] - 1, span[1])):
                self._model.fold(sample)
            self.events = self._model.events(span[1])
            return
        self._store = store
        store.scan()
        notes = store.notes()
        series = {note.id: note for note in notes if isinstance(note, Series)}
        self._targets = {number for number, note in series.items() if note.role == "target"}
        found = [*_noted(notes, settings), *_outages(store, series, span)]
        self.events = tuple(sorted(found, key=attrgetter("t")))

    def columns(self, start_ns: int, end_ns: int, step_ns: int) -> tuple[Bucket, ...]:
        """Return all targets' probes as one row of columns; those of a long session are whole minutes."""
        if self._model is not None:
            return self._model.overview(start_ns, end_ns, step_ns)
        by_column: dict[int, list[Bucket]] = {}
        for series, buckets in self._store.columns(start_ns, end_ns, step_ns).items():
            if series in self._targets:
                for bucket in buckets:
                    by_column.setdefault(bucket.start_ns, []).append(bucket)
        return tuple(worst_of(column) for _, column in sorted(by_column.items()))


def _noted(notes: Iterable[object], settings: Settings) -> Iterator[Event]:
    """Yield the marks and the changes of routes and services that an index remembers."""
    routing, services = Routing(settings), Services()
    for note in notes:
        if isinstance(note, Routes):
            yield from routing.change(note)
        elif isinstance(note, Mark):
            text = say(N_("Mark: {text}"), text=note.text) if note.text else say(N_("Mark."))
            yield Event(note.t, "mark", "notice", text)
        elif isinstance(note, Service | Check | Ports):
            yield from services.fold(note)


def _outages(store: FileStore, series: dict[int, Series], span: tuple[int, int]) -> Iterator[Event]:
    """Yield every outage, exact: only the minutes in which the roll-ups show losses in number are read."""
    probes: dict[int, list[tuple[int, int]]] = {}
    for start, end in _suspects(store, span):
        for sample in store.between(start, end):
            if isinstance(sample, Probes):
                _gather(sample, probes)
    for number, rows in probes.items():
        definition = series.get(number)
        if definition is None:
            continue
        sent = [sent_ns for sent_ns, _ in rows]
        runs = runs_of_loss(sent, bytes(outcome for _, outcome in rows))
        for outage in outages(runs):
            yield outage_event(_key(definition), _closed(outage, sent[-1]), span[1])


def _gather(batch: Probes, probes: dict[int, list[tuple[int, int]]]) -> None:
    for number, age_us, outcome in zip(batch.series, batch.age_us, batch.outcome, strict=True):
        if outcome in _OUTCOMES:
            insort(probes.setdefault(number, []), (batch.t - age_us * 1000, outcome))


def _suspects(store: FileStore, span: tuple[int, int]) -> Iterator[tuple[int, int]]:
    """Yield spans of minutes with many losses, each with a minute more at either end."""
    lossy = sorted(
        {
            bucket.start_ns
            for buckets in store.columns(*span, MINUTE_NS).values()
            for bucket in buckets
            if bucket.lost >= SUSPECT
        }
    )
    start = end = 0
    for minute in lossy:
        if minute - MINUTE_NS > end:
            if end:
                yield start, end
            start = minute - MINUTE_NS
        end = minute + 3 * MINUTE_NS
    if end:
        yield start, end


def _closed(outage: Outage, last_ns: int) -> Outage:
    """Return an outage as it looks where reading stopped: it lasted at least until then."""
    return outage if outage.end_ns is not None else Outage(outage.start_ns, last_ns, outage.lost, outage.last_lost_ns)


def _key(series: Series) -> PathKey:
    return PathKey(series.target, series.protocol, series.port, series.route, 6 if ":" in series.address else 4)
