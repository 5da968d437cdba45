"""What a collector is: something that observes, says what it needs, and emits samples until cancelled."""

from collections.abc import Callable, Sequence
from typing import Protocol, TypeAlias, runtime_checkable

import msgspec

from analysis.samples import Sample
from analysis.text import Sentence

Emit: TypeAlias = Callable[[Sample], None]
"""Hand a sample over. Never blocks, never raises."""


class Need(msgspec.Struct, frozen=True):
    """Something a collector lacks on this box: what is lost without it, and the exact command that allows it."""

    what: Sentence
    command: str | None = None
    """To be run by the person; None where nothing on this box would help."""


class Unavailable(Exception):
    """A collector cannot observe here and now; the sentence is shown in its pane.

    `permanent` tells the hub that trying again is pointless (no such hardware, no permission).
    """

    def __init__(self, problem: Sentence, *, permanent: bool = False) -> None:
        super().__init__(str(problem))
        self.problem = problem
        self.permanent = permanent


@runtime_checkable
class Watching(Protocol):
    """A collector that follows what the others emit."""

    def see(self, sample: Sample) -> None:
        """Take a sample, on the hub's thread. Never blocks, never raises."""
        ...


class Collector(Protocol):
    """A source of samples, live or replayed."""

    @property
    def name(self) -> str:
        """Short and stable: it names the collector in health samples and in session files."""
        ...

    def needs(self) -> Sequence[Need]:
        """Return what is missing on this box, empty when everything is there. Cheap; no privileges needed."""
        ...

    async def run(self, emit: Emit) -> None:
        """Emit samples until cancelled. Raise `Unavailable` or OSError to be shown and started again later."""
        ...
