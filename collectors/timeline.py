"""The one idea: a store seen through a time cursor.

Live is a cursor that follows the end; paused, rewound and replayed are a cursor that stands elsewhere. The model is
a fold of the store up to the cursor, so what is shown depends on where the cursor stands and on nothing else.
"""

import gc
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Final, Protocol, runtime_checkable

from analysis.advice.situation import Situation
from analysis.model import Model
from analysis.samples import Sample
from analysis.settings import Settings
from analysis.view import SPANS_NS, Lens, View
from collectors.store import LiveStore, Store

HORIZON_NS: Final = 620 * 10**9
"""How far before the cursor a model begins when the cursor jumps: more than the longest judgement needs."""


class Timeline:
    """A store, a cursor in it, and the model of everything up to the cursor."""

    def __init__(self, store: Store, settings: Settings) -> None:
        self.store = store
        self.settings = settings
        self._model = Model(settings)
        self._at_ns = 0
        self._wide = False
        """Whether somebody looks at more than the shortest span, for which all has to be read."""
        self._whole = True
        """Whether the model knows all of its horizon, not just what the shortest span shows."""

    @property
    def at_ns(self) -> int:
        """Return the time at which the cursor stands; 0 before there is anything to see."""
        return self._at_ns

    def advance(self, to_ns: int) -> None:
        """Move the cursor forward, folding what lies between."""
        self._fold(self.store.between(self._at_ns, to_ns), to_ns)

    def seek(self, to_ns: int) -> None:
        """Put the cursor at any time. Far ahead is a jump too: only the horizon before it is read."""
        if self._at_ns <= to_ns <= self._at_ns + HORIZON_NS:
            self.advance(to_ns)
        else:
            self._jump(to_ns)

    def again(self) -> None:
        """Fold anew: samples were added before the cursor."""
        self._jump(self._at_ns)

    def bounds(self, to_ns: int) -> tuple[int, int] | None:  # noqa: ARG002 - a live one reaches further for it
        """Return between which times the cursor can stand, for one that wants to go to `to_ns`; None while empty."""
        return self.store.span()

    def stretch(self) -> tuple[int, int] | None:
        """Return the times to show at a glance, None while empty."""
        return self.store.span()

    def view(self, lens: Lens) -> View:
        """Return what is to be seen at the cursor."""
        self._wide = lens.span_ns > SPANS_NS[0]
        if self._wide and not self._whole:
            self.again()
        return self._model.view(self._at_ns, lens)

    def situation(self) -> Situation:
        """Return what advice rests on at the cursor."""
        return self._model.situation(self._at_ns)

    def _jump(self, to_ns: int) -> None:
        """Begin a new model one horizon before a time and fold what it rests on then."""
        self._model = Model(self.settings)
        self._at_ns = to_ns - HORIZON_NS
        for sample in self.store.definitions(self._at_ns):
            self._model.fold(sample)
        if self._wide or not isinstance(self.store, Leading):
            self._whole, samples = True, self.store.between(self._at_ns, to_ns)
        else:
            self._whole, samples = False, self.store.leading_to(self._at_ns, to_ns)
        self._fold(samples, to_ns)

    def _fold(self, samples: Iterable[Sample], to_ns: int) -> None:
        with uncollected():
            for sample in samples:
                self._model.fold(sample)
        self._at_ns = max(self._at_ns, to_ns)


@contextmanager
def uncollected() -> Iterator[None]:
    """Look for no cycles meanwhile: nothing that is folded has any, and looking takes a third of a jump's time."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


@runtime_checkable
class Leading(Protocol):
    """A store that need not read everything for a view with the shortest span."""

    def leading_to(self, start_ns: int, end_ns: int) -> Iterable[Sample]:
        """Return what `between` does, as far as a view at `end_ns` looks at it."""
        ...


@runtime_checkable
class Reaching(Protocol):
    """A store that can look further back than it does."""

    def reach(self) -> None:
        """Look at the sessions before this one too."""
        ...


class LiveTimeline(Timeline):
    """A timeline that grows; its cursor follows the end until it is held.

    `live` takes new samples; `store` is what the cursor moves in, which may reach further back. The model of the end
    goes on while the cursor stands elsewhere, with a model of its own.
    """

    def __init__(self, live: LiveStore, settings: Settings, store: Store | None = None) -> None:
        super().__init__(live if store is None else store, settings)
        self.live = live
        self.following = True
        self.end = self._model
        self.begun_ns = 0
        self.end_ns = 0

    def take(self, samples: Iterable[Sample]) -> None:
        """Store new samples; those that a held cursor has passed belong to its past, also when they come late."""
        for sample in samples:
            self.live.append(sample)
            self.end.fold(sample)
            self.begun_ns = min(self.begun_ns or sample.t, sample.t)
            self.end_ns = max(self.end_ns, sample.t)
            if not self.following and sample.t <= self._at_ns:
                self._model.fold(sample)
        if self.following:
            self._at_ns = self.end_ns

    def bounds(self, to_ns: int) -> tuple[int, int] | None:
        """Return between which times the cursor can stand; before this session the recordings of earlier ones."""
        span = self.store.span()
        if span is None or to_ns >= span[0] or not isinstance(self.store, Reaching):
            return span
        self.store.reach()
        return self.store.span()

    def stretch(self) -> tuple[int, int] | None:
        """Return this session's times, and those of earlier ones where the cursor stands there."""
        span = self.store.span()
        return (max(span[0], self.begun_ns), span[1]) if span and self._at_ns >= self.begun_ns else span

    def seek(self, to_ns: int) -> None:
        """Put the cursor at any time; it stays there."""
        if self.following:
            self.following = False
            self._jump(to_ns)
        else:
            super().seek(to_ns)

    def hold(self) -> None:
        """Let the cursor stand still while the store grows."""
        self.seek(self._at_ns)

    def follow(self) -> None:
        """Go to the end and stay there."""
        self.following = True
        self._model, self._whole = self.end, True
        self._at_ns = self.end_ns
