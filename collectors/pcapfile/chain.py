"""Following a chain of records without a loop over records."""

from bisect import bisect_left

import numpy as np

from analysis.roce.frames import Ints


class Chain:
    """Places where a record could be, and where each of them would end.

    A real record begins exactly where the one before it ends. So from one known record the chain finds precisely
    those that a reader going record by record would find, whatever else happens to look like a record.
    """

    def __init__(self, at: Ints, after: Ints) -> None:
        self._at, self._after = at, after
        self._breaks = np.flatnonzero(at[1:] != after[:-1]).tolist()

    def follow(self, start: int) -> tuple[list[slice], int]:
        """Return which candidates are records from `start` on, and the first place where no candidate stands."""
        at, after, breaks = self._at, self._after, self._breaks
        pieces: list[slice] = []
        while True:
            first = int(np.searchsorted(at, start))
            if first == len(at) or at[first] != start:
                return pieces, start
            next_break = bisect_left(breaks, first)
            last = breaks[next_break] if next_break < len(breaks) else len(at) - 1
            pieces.append(slice(first, last + 1))
            start = int(after[last])
