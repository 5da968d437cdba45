"""Lines out of chunks of bytes, with a bound: a line of 100 MB is passed over, never held."""

import re
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

LINE_LIMIT: Final = 4 << 20
"""Longest line that is read. The longest that longpipe writes (every route of a large box) is far below."""

_HEAD: Final = re.compile(rb'\{"k":"([^"\\]{1,64})","t":(-?\d{1,19})[,}]')

TOO_LONG: Final = b""
"""Stands for a line that was longer than the limit: no real line is empty once its end is cut off."""


class Stamp(NamedTuple):
    """What the first bytes of a sample's line say."""

    kind: bytes
    t: int


def stamp_of(line: bytes) -> Stamp | None:
    """Return kind and time of a line as longpipe writes it, without decoding the rest; None for any other line."""
    found = _HEAD.match(line)
    return Stamp(found[1], int(found[2])) if found else None


def split_lines(chunks: Iterable[bytes], limit: int = LINE_LIMIT) -> Iterator[tuple[bytes, bool]]:
    """Yield (line without its end, whether the end was there). Empty lines are left out, too long ones `TOO_LONG`.

    Only the very last line can lack its end.
    """
    rest: list[bytes] = []
    held = 0
    skipping = False
    for chunk in chunks:
        first, newline, after = chunk.partition(b"\n")
        held += len(first)
        if not skipping:
            rest.append(first)
        if held > limit:
            rest.clear()
            skipping = True
        if not newline:
            continue
        if skipping or (line := b"".join(rest)):
            yield (TOO_LONG if skipping else line), True
        *lines, last = after.split(b"\n")
        for line in lines:
            if line:
                yield (line if len(line) <= limit else TOO_LONG), True
        rest, held, skipping = [last], len(last), len(last) > limit
    if skipping:
        yield TOO_LONG, False
    elif line := b"".join(rest):
        yield line, False
