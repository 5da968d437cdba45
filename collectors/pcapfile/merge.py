"""Several captures as one: packets in order of time, numbered anew."""

from collections.abc import Iterator, Sequence

import msgspec
import numpy as np

from analysis.roce.decode import decode
from analysis.roce.packets import Batch, Packets, joined
from analysis.roce.pairs import Pairs
from collectors.pcapfile.reader import Reader


class _File:
    """One capture, and those of its packets that are not due yet."""

    def __init__(self, reader: Reader, pairs: Pairs) -> None:
        self._batches = (decode(frames, pairs) for frames in reader)
        self.waiting: Packets | None = None
        self.ended = False

    def more(self) -> Batch | None:
        """Decode the next batch and keep its packets back; return what else it holds."""
        batch = next(self._batches, None)
        if batch is None:
            self.ended = True
            return None
        self.waiting = batch.packets if self.waiting is None else joined(self.waiting, batch.packets)
        # frames are numbered anew, and what CM says may come before the packets it is about
        connects = tuple(msgspec.structs.replace(one, number=0) for one in batch.connects)
        return msgspec.structs.replace(batch, packets=batch.packets.where(slice(0)), connects=connects)

    @property
    def until_ns(self) -> int:
        """Return the time up to which all packets of this file are known."""
        return int(self.waiting.t_ns[-1]) if self.waiting is not None and len(self.waiting) else 0

    def take(self, until_ns: int | None) -> Packets | None:
        """Return the packets up to a time (None: all there are)."""
        waiting = self.waiting
        if waiting is None:
            return None
        later = np.flatnonzero(waiting.t_ns > until_ns) if until_ns is not None else np.zeros(0, np.int64)
        due = int(later[0]) if len(later) else len(waiting)
        self.waiting = waiting.where(slice(due, None))
        return waiting.where(slice(due))


def merged(readers: Sequence[Reader], pairs: Pairs) -> Iterator[Batch]:
    """Yield the batches of all captures."""
    if len(readers) == 1:
        for frames in readers[0]:
            yield decode(frames, pairs)
        return
    files = [_File(reader, pairs) for reader in readers]
    number = 1
    while True:
        open_files = [file for file in files if not file.ended]
        slowest = min(open_files, key=lambda file: file.until_ns, default=None)
        rest = slowest.more() if slowest is not None else None
        open_files = [file for file in files if not file.ended]
        until_ns = min((file.until_ns for file in open_files), default=None)
        parts = [part for file in files if (part := file.take(until_ns)) is not None and len(part)]
        if rest is not None and not parts:
            yield rest
        elif parts:
            packets = parts[0]
            for part in parts[1:]:
                packets = joined(packets, part)
            packets = packets.where(np.argsort(packets.t_ns, kind="stable"))
            packets = msgspec.structs.replace(packets, number=np.arange(number, number + len(packets)))
            number += len(packets)
            yield msgspec.structs.replace(rest if rest is not None else Batch(packets), packets=packets)
        if slowest is None:
            return
