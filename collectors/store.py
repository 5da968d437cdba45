"""Stores of samples in time order. A live one grows; a replayed one does not; nothing else differs."""

from bisect import bisect_right, insort
from collections.abc import Hashable, Iterable, Sequence
from heapq import merge
from operator import attrgetter
from typing import Final, Protocol

from analysis.definitions import definition_key, in_force
from analysis.samples import Sample

KEEP_NS: Final = 900 * 10**9
"""How much of a live session stays in memory; the recorder's files hold the rest."""

_TIME: Final = attrgetter("t")


class Store(Protocol):
    """Samples by time."""

    def span(self) -> tuple[int, int] | None:
        """Return the first and last sample times in ns, or None while empty."""
        ...

    def between(self, start_ns: int, end_ns: int) -> Iterable[Sample]:
        """Return the samples with start < t <= end, in time order."""
        ...

    def definitions(self, at_ns: int) -> Iterable[Sample]:
        """Return the definitions in force at a time: what must be folded before the samples after it."""
        ...


class ListStore:
    """Samples held in memory, sorted by time: fixtures, and the base of a live store."""

    def __init__(self, samples: Iterable[Sample] = ()) -> None:
        self._samples = sorted(samples, key=_TIME)
        self._before: dict[Hashable, Sample] = {}

    def span(self) -> tuple[int, int] | None:
        """Return the first and last sample times in ns, or None while empty."""
        return (self._samples[0].t, self._samples[-1].t) if self._samples else None

    def between(self, start_ns: int, end_ns: int) -> list[Sample]:
        """Return the samples with start < t <= end, in time order."""
        return self._samples[self._after(start_ns) : self._after(end_ns)]

    def definitions(self, at_ns: int) -> list[Sample]:
        """Return the definitions in force at a time, oldest key first."""
        known = self._before | in_force(self._samples[: self._after(at_ns)])
        return list(known.values())

    def _after(self, t: int) -> int:
        return bisect_right(self._samples, t, key=_TIME)


class MergedStore:
    """Several stores of one time, seen as one: a session and the captures made beside it."""

    def __init__(self, stores: Sequence[Store]) -> None:
        self._stores = tuple(stores)

    def span(self) -> tuple[int, int] | None:
        """Return the first and last sample times in ns, or None while empty."""
        spans = [span for store in self._stores if (span := store.span()) is not None]
        return (min(first for first, _ in spans), max(last for _, last in spans)) if spans else None

    def between(self, start_ns: int, end_ns: int) -> Iterable[Sample]:
        """Yield the samples with start < t <= end, in time order."""
        return merge(*(store.between(start_ns, end_ns) for store in self._stores), key=_TIME)

    def definitions(self, at_ns: int) -> Iterable[Sample]:
        """Return the definitions in force at a time."""
        return [sample for store in self._stores for sample in store.definitions(at_ns)]


class LiveStore(ListStore):
    """The last quarter of an hour, growing at one end and forgetting at the other."""

    def __init__(self, keep_ns: int = KEEP_NS) -> None:
        super().__init__()
        self._keep_ns = keep_ns

    def append(self, sample: Sample) -> None:
        """Add a sample in its place: collectors hand over samples of one moment in any order."""
        if self._samples and sample.t < self._samples[-1].t:
            insort(self._samples, sample, key=_TIME)
        else:
            self._samples.append(sample)
        self._forget(self._samples[-1].t - self._keep_ns)

    def _forget(self, before_ns: int) -> None:
        """Let go of old samples, a tenth of the time kept at once, and remember the definitions among them."""
        if self._samples[0].t >= before_ns - self._keep_ns // 10:
            return
        cut = self._after(before_ns)
        for sample in self._samples[:cut]:
            if (key := definition_key(sample)) is not None:
                self._before[key] = sample
        del self._samples[:cut]
