"""Round times for a time axis."""

from datetime import datetime
from typing import Final

SECOND_NS: Final = 10**9
_STEPS_S: Final = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400)
MOST: Final = 8


def ticks(start_ns: int, end_ns: int) -> list[tuple[int, str]]:
    """Return (time in ns, label) at round times of the reader's clock within [start_ns, end_ns], at most nine."""
    length_s = max(1, (end_ns - start_ns) // SECOND_NS)
    step = next(
        (step for step in _STEPS_S if length_s / step <= MOST), -(-length_s // MOST // 86400) * 86400 or 86400
    )
    offset = datetime.fromtimestamp(start_ns / 1e9).astimezone().utcoffset()
    shift = int(offset.total_seconds()) if offset else 0
    first = -(-(start_ns // SECOND_NS + shift) // step) * step - shift
    return [
        (at * SECOND_NS, _label(at, step))
        for at in range(first, end_ns // SECOND_NS + 1, step)
        if at * SECOND_NS >= start_ns
    ]


def _label(at: int, step: int) -> str:
    when = datetime.fromtimestamp(at).astimezone()
    if step >= 86400:
        return f"{when:%m-%d}"
    return f"{when:%H:%M:%S}" if step < 60 else f"{when:%H:%M}"
