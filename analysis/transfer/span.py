"""The stretch of a transfer that its rate is taken from: slow start is left out."""

from collections.abc import Sequence
from typing import Final, NamedTuple

SLOT_NS: Final = 20_000_000
"""Bytes are counted by slots of this length."""
LEFT_OUT: Final = 0.2
"""The first fifth of a transfer is slow start or may be: two seconds of ten."""
LEAST_SLOTS: Final = 3
"""A transfer shorter than this tells no rate."""


class Span(NamedTuple):
    """Bytes that arrived in `span_ns`, all flows and by flow, after the first `skipped_ns`."""

    bytes: int
    flow_bytes: tuple[int, ...]
    span_ns: int
    skipped_ns: int


def steady(slots: Sequence[Sequence[int]], length_ns: int) -> Span:
    """Return what arrived after the first fifth of `length_ns`; `slots`: for each slot, bytes by flow.

    `span_ns` is 0 where the whole was too short to tell a rate.
    """
    whole = -(-length_ns // SLOT_NS)
    skipped = -(-int(length_ns * LEFT_OUT) // SLOT_NS)
    if whole < LEAST_SLOTS:
        return Span(0, (), 0, 0)
    flows = tuple(map(sum, zip(*slots[skipped:whole], strict=True)))
    return Span(sum(flows), flows, length_ns - skipped * SLOT_NS, skipped * SLOT_NS)
