"""Stores of samples in time order. A live one grows; a replayed one does not; nothing else differs."""

from bisect import bisect_left
from collections import deque
from collections.abc import Iterable, Iterator
from typing import Final, Protocol

from analysis.samples import Sample

KEEP_NS: Final = 900 * 10**9
"""How much of a live session stays in memory; the recorder's files hold the rest."""


class Store(Protocol):
    """Samples by time."""

    def span(self) -> tuple[int, int] | None:
        """Return the first and last sample times in ns, or None while empty."""
        ...

    def between(self, start_ns: int, end_ns: int) -> Iterable[Sample]:
        """Return the samples with start < t <= end, in time order."""
        ...


class LiveStore:
    """The last quarter of an hour, in memory."""

    def __init__(self, keep_ns: int = KEEP_NS) -> None:
        self._samples: deque[Sample] = deque()
        self._keep_ns = keep_ns

    def append(self, sample: Sample) -> None:
        """Add a sample and let go of those that are too old."""
        samples = self._samples
        samples.append(sample)
        oldest = sample.t - self._keep_ns
        while samples[0].t < oldest:
            samples.popleft()

    def span(self) -> tuple[int, int] | None:
        """Return the first and last sample times in ns, or None while empty."""
        return (self._samples[0].t, self._samples[-1].t) if self._samples else None

    def between(self, start_ns: int, end_ns: int) -> Iterator[Sample]:
        """Return the samples with start < t <= end, in the order of their arrival."""
        return (sample for sample in self._samples if start_ns < sample.t <= end_ns)


class ListStore:
    """A fixed set of samples, sorted by time: what tests and small fixtures use."""

    def __init__(self, samples: Iterable[Sample]) -> None:
        self._samples = sorted(samples, key=lambda sample: sample.t)
        self._times = [sample.t for sample in self._samples]

    def span(self) -> tuple[int, int] | None:
        """Return the first and last sample times in ns, or None while empty."""
        return (self._times[0], self._times[-1]) if self._times else None

    def between(self, start_ns: int, end_ns: int) -> list[Sample]:
        """Return the samples with start < t <= end, in time order."""
        return self._samples[bisect_left(self._times, start_ns + 1) : bisect_left(self._times, end_ns + 1)]
