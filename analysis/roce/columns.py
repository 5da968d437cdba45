"""State of many flows as one column per field, so that a batch updates all flows at once."""

import numpy as np

_LEAST = 64


class Columns:
    """Base of classes whose annotated fields are int64 columns indexed by flow id, zero until set."""

    def __init__(self) -> None:
        for name in self.names():
            setattr(self, name, np.zeros(_LEAST, np.int64))

    @classmethod
    def names(cls) -> tuple[str, ...]:
        """Return the names of the columns."""
        return tuple(cls.__annotations__)

    def grow(self, flows: int) -> None:
        """Make room for flow ids below `flows`."""
        have = len(getattr(self, self.names()[0]))
        if flows > have:
            for name in self.names():
                column = np.zeros(max(flows, 2 * have), np.int64)
                column[:have] = getattr(self, name)
                setattr(self, name, column)
