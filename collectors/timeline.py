"""The one idea: a store seen through a time cursor.

Live is a cursor that follows the end; paused, rewound and replayed are a cursor that stands elsewhere. The model is
a fold of the store up to the cursor, so what is shown depends on where the cursor stands and on nothing else.
"""

from collections.abc import Iterable
from typing import Final

from analysis.model import Model
from analysis.samples import Sample
from analysis.settings import Settings
from analysis.view import Lens, View
from collectors.store import LiveStore, Store

HORIZON_NS: Final = 900 * 10**9
"""How far before the cursor a model begins when the cursor goes back: what the longest judgement needs."""


class Timeline:
    """A store, a cursor in it, and the model of everything up to the cursor."""

    def __init__(self, store: Store, settings: Settings) -> None:
        self.store = store
        self.settings = settings
        self._model = Model(settings)
        self._at_ns = 0

    @property
    def at_ns(self) -> int:
        """Return the time at which the cursor stands; 0 before there is anything to see."""
        return self._at_ns

    def advance(self, to_ns: int) -> None:
        """Move the cursor forward, folding what lies between."""
        for sample in self.store.between(self._at_ns, to_ns):
            self._model.fold(sample)
        self._at_ns = max(self._at_ns, to_ns)

    def seek(self, to_ns: int) -> None:
        """Put the cursor at any time."""
        if to_ns < self._at_ns:
            self._model = Model(self.settings)
            self._at_ns = to_ns - HORIZON_NS
            for sample in self.store.definitions(self._at_ns):
                self._model.fold(sample)
        self.advance(to_ns)

    def view(self, lens: Lens) -> View:
        """Return what is to be seen at the cursor."""
        return self._model.view(self._at_ns, lens)


class LiveTimeline(Timeline):
    """A timeline whose store grows; its cursor follows the end until it is held."""

    store: LiveStore

    def __init__(self, store: LiveStore, settings: Settings) -> None:
        super().__init__(store, settings)
        self.following = True

    def take(self, samples: Iterable[Sample]) -> None:
        """Store new samples and fold those that the cursor has reached, also when they come late."""
        for sample in samples:
            self.store.append(sample)
            if self.following or sample.t <= self._at_ns:
                self._model.fold(sample)
                self._at_ns = max(self._at_ns, sample.t)

    def hold(self) -> None:
        """Let the cursor stand still while the store grows."""
        self.following = False

    def follow(self) -> None:
        """Go to the end and stay there."""
        span = self.store.span()
        if span is not None:
            self.seek(span[1])
        self.following = True
