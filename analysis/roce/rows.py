"""Requests, responses and round trips, as parallel columns."""

from typing import Final

import msgspec
import numpy as np

from analysis.roce.frames import Flags, Ints

_NUMBER_BITS: Final = 21

ACK, READ, ATOMIC = range(3)
"""What a round trip consists of: request and ACK, READ request and its first response, atomic and its ACK."""


class Rows(msgspec.Struct, frozen=True):
    """Requests or responses, in capture order."""

    flow: Ints
    """Request flow; for responses the flow of the response."""
    kind: Ints
    psn: Ints
    at: Ints
    """Unwrapped PSN of requests; 0 for responses."""
    number: Ints
    t_ns: Ints

    def where(self, wanted: Flags | Ints) -> "Rows":
        """Return some of the rows."""
        return Rows(*(getattr(self, name)[wanted] for name in self.__struct_fields__))

    def __len__(self) -> int:
        return len(self.flow)


def joined_rows(*parts: Rows) -> Rows:
    """Return rows one part after the other."""
    return Rows(*(np.concatenate([getattr(part, name) for part in parts]) for name in Rows.__struct_fields__))


def no_rows() -> Rows:
    """Return nothing."""
    return Rows(*(np.zeros(0, np.int64) for _ in Rows.__struct_fields__))


class Samples(msgspec.Struct, frozen=True):
    """Round trips; `flow` is that of the request, `number` the response's frame."""

    flow: Ints
    kind: Ints
    at: Ints
    number: Ints
    rtt_ns: Ints

    def where(self, wanted: Flags | Ints | slice) -> "Samples":
        """Return some of the samples."""
        return Samples(*(getattr(self, name)[wanted] for name in self.__struct_fields__))


def all_samples(parts: list[Samples]) -> Samples:
    """Return samples one part after the other."""
    nothing = Samples(*(np.zeros(0, np.int64) for _ in Samples.__struct_fields__))
    names = Samples.__struct_fields__
    return Samples(*(np.concatenate([getattr(part, name) for part in (nothing, *parts)]) for name in names))


def in_order(key: Ints, number: Ints) -> Ints:
    """Return the order of rows by key (0 to 2^42 - 1), then by frame number; frames of one key differ.

    One sort of both as one number is several times as fast as `lexsort`, where they fit.
    """
    if not len(key):
        return np.zeros(0, np.int64)
    first = number.min()
    if number.max() - first >= 1 << _NUMBER_BITS:
        return np.lexsort((number, key))
    return np.argsort(key << _NUMBER_BITS | number - first)
