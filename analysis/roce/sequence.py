"""Packets sorted by flow, what is remembered of each flow's PSNs, and what walking them tells."""

from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from analysis.roce.columns import Columns
from analysis.roce.frames import Flags, Ints
from analysis.roce.holes import Coverage


class Segments(msgspec.Struct, frozen=True):
    """Packets sorted by flow, in capture order within each: where each flow begins and ends."""

    flow: Ints
    first: Ints
    end: Ints
    of_row: Ints
    """Segment of each packet."""

    @classmethod
    def of(cls, flows: Ints) -> "Segments":
        """Find the runs of equal flow ids."""
        edge = np.flatnonzero(flows[1:] != flows[:-1]) + 1
        first = np.concatenate([np.zeros(1, np.int64), edge])
        end = np.append(edge, len(flows))
        return cls(flows[first], first, end, np.repeat(np.arange(len(first)), end - first))


class Sequence(Columns):
    """What the walk remembers of each flow."""

    started: Ints
    expected: Ints
    """Next PSN, unwrapped: the flow's first PSN counts from itself."""
    last: Ints
    last_end: Ints
    stepped_back: Ints
    """The last packet was a step back."""
    pending: Ints
    """The flow went back with its last packets, and no PSN has come again yet since."""
    low: Ints
    uneven: Ints
    """The flow has holes or READ spans, see `Coverage.simple`."""

    def __init__(self) -> None:
        super().__init__()
        self.coverage: dict[int, Coverage] = {}
        """Of flows that were ever out of order or sent READ requests."""


class Walk(msgspec.Struct, frozen=True):
    """What the walk says of each packet, in the order it was given."""

    at: Ints
    """Unwrapped PSN."""
    ahead: Ints
    """PSNs away from the expected one: > 0 a gap, < 0 behind."""
    expected: Ints
    """Unwrapped PSN expected after the packet."""
    repeat: Flags
    """The flow has carried this PSN before."""
    step_back: Flags
    """Begins again at or before the packet that came before it."""
    rewind: Flags
    """The packet by which a step back turned out to be a rewind: PSNs come again after it."""
    odd: Ints
    """Rows of the packets out of order: `ahead` is 0 for all others, and the flags are false."""


def before(segments: Segments, previous: NDArray[Any], kept: Ints, rows: Ints) -> NDArray[Any]:
    """Make the rows `previous` to some packets those of their flows: of first ones what was `kept` of the last batch.

    Changes `previous`, and returns it.
    """
    segment = segments.of_row[rows]
    first = rows == segments.first[segment]
    previous[first] = kept[segments.flow[segment[first]]]
    return previous
