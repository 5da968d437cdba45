"""The time axis that graphs and scrubbers share: which column a moment falls into."""

from collections.abc import Sequence

import msgspec

from analysis.buckets import Bucket


class Timeline(msgspec.Struct, frozen=True):
    """`columns` slots of `slot_ns` each, the first one starting at `start_ns`."""

    start_ns: int
    slot_ns: int
    columns: int

    def column(self, t_ns: int) -> int | None:
        """Return the column of a moment, None outside."""
        index = (t_ns - self.start_ns) // self.slot_ns
        return index if 0 <= index < self.columns else None

    def time(self, column: int) -> int:
        """Return when a column begins, in ns since the epoch."""
        return self.start_ns + column * self.slot_ns

    def finer(self, parts: int) -> "Timeline":
        """Return the same time in `parts` times as many columns."""
        return Timeline(self.start_ns, self.slot_ns // parts, self.columns * parts)


def timeline(start_ns: int, end_ns: int, columns: int) -> Timeline:
    """Return the columns that show [start_ns, end_ns], the last one holding `end_ns`.

    Slots begin at whole multiples of their length since the epoch. A window that follows the clock therefore moves by
    whole columns, seldom: between two moves only the last column changes, which is what keeps the line quiet.
    """
    columns = max(1, columns)
    slot_ns = 2 * max(1, -(-(end_ns - start_ns) // (2 * columns)))
    first = end_ns // slot_ns - columns + 1
    return Timeline(first * slot_ns, slot_ns, columns)


def spread(buckets: Sequence[Bucket], line: Timeline) -> list[list[Bucket]]:
    """Return for each column the buckets that overlap it.

    By time, never by position: a missing bucket leaves its column empty, one longer than a column fills several.
    """
    slots: list[list[Bucket]] = [[] for _ in range(line.columns)]
    for bucket in buckets:
        first = max(0, (bucket.start_ns - line.start_ns) // line.slot_ns)
        last = min(line.columns - 1, (bucket.start_ns + bucket.step_ns - 1 - line.start_ns) // line.slot_ns)
        for column in range(first, last + 1):
            slots[column].append(bucket)
    return slots
