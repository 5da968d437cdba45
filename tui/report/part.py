"""What every part of a document for programs is made of."""

import msgspec


class Part(msgspec.Struct, frozen=True):
    """A part of a document: plain data, compared by value."""
