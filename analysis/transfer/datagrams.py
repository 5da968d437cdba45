"""Counts datagrams by their sequence numbers: loss, its pattern, order, duplicates and jitter."""

from collections.abc import Iterable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from analysis.samples import DatagramCounts

Numbers = NDArray[np.int64]
Flags = NDArray[np.bool_]
_SMOOTHING: Final = 16
_CHUNK: Final = 256
_WEIGHTS: Final = (1 - 1 / _SMOOTHING) ** np.arange(_CHUNK - 1, -1, -1) / _SMOOTHING


class Arrivals:
    """What has arrived of datagrams numbered from 0; a number from `limit` up is not of this test."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._seen: Flags = np.zeros(min(limit, 4096), dtype=np.bool_)
        self._highest = -1
        self._transit_ns: int | None = None
        self.received = 0
        self.duplicates = 0
        self.reordered = 0
        self.foreign = 0
        self.jitter_us: float | None = None

    def take(self, numbers: Numbers, sent_ns: Numbers, received_ns: Numbers) -> None:
        """Take datagrams in order of arrival. Times of the two ends need not be of one clock."""
        own = (numbers >= 0) & (numbers < self._limit)
        if not own.all():
            self.foreign += int(len(own) - np.count_nonzero(own))
            numbers, sent_ns, received_ns = numbers[own], sent_ns[own], received_ns[own]
        if not len(numbers):
            return
        self._grow(int(numbers.max()) + 1)
        fresh = ~self._seen[numbers]
        if len(numbers) > 1 and (numbers[1:] <= numbers[:-1]).any():
            first = np.zeros(len(numbers), dtype=np.bool_)
            first[np.unique(numbers, return_index=True)[1]] = True
            fresh &= first
        self._seen[numbers] = True
        before = np.maximum.accumulate(np.concatenate(([self._highest], numbers)))[:-1]
        count = int(np.count_nonzero(fresh))
        self.received += count
        self.duplicates += len(numbers) - count
        self.reordered += int(np.count_nonzero(fresh & (numbers < before)))
        self._highest = max(self._highest, int(numbers.max()))
        self._jitter((received_ns - sent_ns)[fresh])

    def _grow(self, size: int) -> None:
        if size > len(self._seen):
            grown = np.zeros(min(self._limit, max(size, 2 * len(self._seen))), dtype=np.bool_)
            grown[: len(self._seen)] = self._seen
            self._seen = grown

    def _jitter(self, transit_ns: Numbers) -> None:
        """J += (|D| - J) / 16 for each one, many at a time: the sum of |D| with falling weights."""
        if not len(transit_ns):
            return
        first = transit_ns[0] if self._transit_ns is None else self._transit_ns
        known = self._transit_ns is not None
        steps = np.abs(np.diff(transit_ns, prepend=first))[0 if known else 1 :] / 1000
        self._transit_ns = int(transit_ns[-1])
        for start in range(0, len(steps), _CHUNK):
            chunk = steps[start : start + _CHUNK]
            weights = _WEIGHTS[_CHUNK - len(chunk) :]
            kept = (self.jitter_us or 0.0) * (1 - 1 / _SMOOTHING) ** len(chunk)
            self.jitter_us = float(kept + weights @ chunk)

    def lost(self, sent: int) -> Flags:
        """Return for each of the datagrams that were sent whether it never came."""
        lost = np.ones(min(sent, self._limit), dtype=np.bool_)
        known = self._seen[: len(lost)]
        lost[: len(known)] = ~known
        return lost

    def counts(self, sent: int, overflowed: int = 0) -> DatagramCounts:
        """Return everything counted; `sent` is the sender's word and never less than what was seen.

        `overflowed`: what the receiver's socket had no room for.
        """
        sent = max(sent, self._highest + 1)
        lengths, often = np.unique(runs(self.lost(sent))[1::2], return_counts=True)
        jitter = None if self.jitter_us is None else round(self.jitter_us, 1)
        return DatagramCounts(
            sent,
            self.received,
            self.duplicates,
            self.reordered,
            overflowed,
            self.foreign,
            jitter,
            tuple(zip(lengths.tolist(), often.tolist(), strict=True)),
        )


def runs(lost: Flags) -> Numbers:
    """Return lengths of runs: arrived, lost, arrived, …; the first may be 0."""
    if not len(lost):
        return np.zeros(0, dtype=np.int64)
    edges = np.flatnonzero(lost[1:] != lost[:-1]) + 1
    begin = [0, 0] if lost[0] else [0]
    return np.diff(np.concatenate((begin, edges, [len(lost)])))


def of_runs(lengths: Iterable[int]) -> Flags:
    """Return what `runs` was made from."""
    counts = np.fromiter((max(0, length) for length in lengths), dtype=np.int64)
    return np.repeat(np.arange(len(counts)) % 2 == 1, counts)
