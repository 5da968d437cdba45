"""Round trips that were measured: the newest as they are, older ones as histograms, ambiguous ones taken back."""

import math
from typing import Final

import numpy as np

from analysis.roce.frames import Ints, among, distinct
from analysis.roce.rows import Samples, all_samples

MOST_SAMPLES: Final = 1 << 20
AGED_STEP: Final = 0.02
"""Relative width of the bins in which older samples are counted."""


class Kept:
    """Samples of all flows. By Karn, a PSN that its flow carries more than once gives none, even if only later on."""

    def __init__(self) -> None:
        self.aged: dict[tuple[int, int], dict[int, int]] = {}
        """Round trips too many to keep: (flow, kind), then count by ns, within `AGED_STEP` of the truth."""
        self._samples: list[Samples] = []
        self._held = 0
        self._taken = 0
        self._repeated: list[Ints] = []

    def add(self, fresh: Samples) -> None:
        """Take in new samples."""
        self._samples.append(fresh)
        self._taken += len(fresh.flow)
        self._held += len(fresh.flow)

    @property
    def full(self) -> bool:
        """Tell whether it is time to `age`."""
        return self._held > MOST_SAMPLES

    def repeated(self, flow: Ints, at: Ints) -> None:
        """Take in requests that came again: their samples are ambiguous."""
        self._repeated.append(_key(flow, at))

    def since(self, count: int) -> tuple[Samples, int]:
        """Return the samples taken after the first `count` ever taken, and how many there were up to now.

        Unlike `samples` these are what was known at the time: a later repeat does not take them back.
        """
        fresh: list[Samples] = []
        missing = self._taken - count
        for part in reversed(self._samples):
            if missing <= 0:
                break
            fresh.append(part.where(slice(-missing, None)))
            missing -= len(part.flow)
        return all_samples(fresh[::-1]), self._taken

    def samples(self) -> Samples:
        """Return the newest samples, all of them up to `MOST_SAMPLES`, without those whose PSN came again."""
        kept = all_samples(self._samples)
        if self._repeated:
            self._repeated = [distinct(np.concatenate(self._repeated))]
            kept = kept.where(~among(_key(kept.flow, kept.at), self._repeated[0]))
        return kept

    def age(self) -> None:
        """Turn the older half of too many samples into histograms."""
        kept = self.samples()
        half = len(kept.flow) // 2
        old = kept.where(slice(half))
        self._samples, self._repeated = [kept.where(slice(half, None))], []
        self._held = len(kept.flow) - half
        key = (old.flow << 2 | old.kind) << 16 | np.round(np.log(np.maximum(old.rtt_ns, 1)) / AGED_STEP).astype(
            np.int64
        )
        for one, n in zip(*(column.tolist() for column in np.unique(key, return_counts=True)), strict=True):
            bins = self.aged.setdefault((one >> 18, one >> 16 & 3), {})
            value = round(math.exp((one & 0xFFFF) * AGED_STEP))
            bins[value] = bins.get(value, 0) + n


def _key(flow: Ints, at: Ints) -> Ints:
    return flow << 44 | at & (1 << 44) - 1
