"""How far the reading of captures has come."""

import sys
import time
from collections.abc import Sequence
from typing import Final, Self

_PATIENCE_S: Final = 1.0
_EVERY_S: Final = 0.2


class Progress:
    """A line on stderr while a long file is read, where that is a terminal."""

    def __init__(self, names: Sequence[str]) -> None:
        self._names = names
        self._next = time.monotonic() + _PATIENCE_S
        self._shown = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._shown:
            sys.stderr.write("\r\x1b[K")

    def __call__(self, done: int) -> None:
        """Draw how far reading is, in bytes, now and then."""
        now = time.monotonic()
        if now < self._next or not sys.stderr.isatty():
            return
        self._next, self._shown = now + _EVERY_S, True
        total = _sizes(self._names)
        share = f"{100 * done / total:3.0f} %" if total else ""
        sys.stderr.write(f"\r\x1b[K{share} {done / 1e6:.0f} MB")
        sys.stderr.flush()


def _sizes(names: Sequence[str]) -> int | None:
    """Return the bytes to be read, None where one of them is no plain file."""
    from pathlib import Path

    paths = [Path(name) for name in names]
    return sum(path.stat().st_size for path in paths) if all(path.is_file() for path in paths) else None
