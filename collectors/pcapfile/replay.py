"""Captures as a timeline: folded by the second as live ones are, and their packets again where a person looks."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec
import numpy as np

from analysis.roce.decode import decode
from analysis.roce.frames import Ints
from analysis.roce.merge import FlowKey
from analysis.roce.packets import Batch, Packets
from analysis.roce.pairs import Pairs
from analysis.roce.tick import TickMaker
from analysis.roce.traits import ACK_REQ
from analysis.samples import RoceTick
from analysis.text import Sentence
from collectors.pcapfile.reader import Reader
from collectors.pcapfile.scalar import Record, find
from collectors.pcapfile.source import open_source
from collectors.store import ListStore

SECOND_NS: Final = 10**9
GAP_S: Final = 60
"""A silence longer than this is left out: nothing says that the capture was running."""
FLOWS: Final = 64
"""Flows told one by one: a file is read once, and there is no line to spare."""


class CaptureStore(ListStore):
    """One capture as a store of ticks. `problems`: what the reader could not read. Raises OSError."""

    def __init__(self, path: Path) -> None:
        self.path = path
        with open_source(str(path)) as source:
            reader = Reader(source)
            super().__init__(_ticks(reader, path.name))
            info = reader.finish()
        self.problems: tuple[Sentence, ...] = tuple(info.problems)
        self.truncated = info.truncated

    def again(self) -> "CaptureStore":
        """Return a store for another thread: this one never changes."""
        return self


class PacketRow(msgspec.Struct, frozen=True):
    """One packet of a list. `syndrome`: of an AETH, -1 without one."""

    number: int
    t_ns: int
    length: int
    opcode: int
    dest_qpn: int
    psn: int
    ack_req: bool
    payload_bytes: int
    syndrome: int
    tos: int
    src: str
    dst: str


def packets(path: Path, start_ns: int, end_ns: int, flow: FlowKey | None = None, most: int = 2000) -> list[PacketRow]:
    """Return the RoCE packets of [start, end), both directions of `flow`'s host pair or all; at most `most`."""
    found: list[PacketRow] = []
    pairs = Pairs()
    with open_source(str(path)) as source:
        for frames in Reader(source):
            batch = decode(frames, pairs)
            inside = (batch.packets.t_ns >= start_ns) & (batch.packets.t_ns < end_ns)
            found += _rows(batch.packets.where(inside), pairs, flow)
            if len(found) >= most or (len(frames) and batch.t_min_ns > end_ns):
                break
    return found[:most]


def frame(path: Path, number: int) -> Record | None:
    """Return the frame with a number, as its bytes were captured; None where the file has no such."""
    with open_source(str(path)) as source:
        return find(source, number)


def _rows(some: Packets, pairs: Pairs, flow: FlowKey | None) -> list[PacketRow]:
    hosts = None if flow is None else {flow[0], flow[1]}
    rows = []
    for index in range(len(some)):
        src, dst = pairs.names(int(some.pair[index]))
        if hosts is None or {src, dst} == hosts:
            rows.append(
                PacketRow(
                    int(some.number[index]),
                    int(some.t_ns[index]),
                    int(some.length[index]),
                    int(some.opcode[index]),
                    int(some.qpn[index]),
                    int(some.psn[index]),
                    bool(some.traits[index] & ACK_REQ),
                    int(some.payload[index]),
                    int(some.syndrome[index]),
                    int(some.tos[index]),
                    src,
                    dst,
                )
            )
    return rows


def _ticks(reader: Reader, name: str) -> Iterator[RoceTick]:
    """Yield one tick a second of the capture's own time, silent seconds too."""
    maker = TickMaker(FLOWS)
    clock = _Seconds(name)
    for frames in reader:
        batch = decode(frames, maker.fold.pairs)
        if not batch.frames:
            continue
        clock.seen(batch.t_min_ns, batch.t_max_ns)
        for second, part in _by_second(batch):
            yield from clock.until(second, maker)
            maker.add(part)
    maker.fold.finish()
    yield from clock.last(maker)


class _Seconds:
    """Tells a tick for each second that has passed in the capture."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._second: int | None = None
        self._first_ns: int | None = None
        self._last_ns = 0

    def seen(self, first_ns: int, last_ns: int) -> None:
        """Note how far the capture reaches."""
        self._first_ns = first_ns if self._first_ns is None else self._first_ns
        self._last_ns = max(self._last_ns, last_ns)

    def until(self, second: int, maker: TickMaker) -> Iterator[RoceTick]:
        """Yield the ticks of the seconds before `second`."""
        if self._second is None:
            self._second = second
        if second > self._second + GAP_S:
            yield self._tick(maker, self._second)
            self._second = second
        while self._second < second:
            yield self._tick(maker, self._second)
            self._second += 1

    def last(self, maker: TickMaker) -> Iterator[RoceTick]:
        """Yield the last, shorter tick."""
        if self._second is not None:
            yield self._tick(maker, self._second, self._last_ns + 1)

    def _tick(self, maker: TickMaker, second: int, end_ns: int | None = None) -> RoceTick:
        """Tell a second, or the part of it in which the capture was running."""
        end = (second + 1) * SECOND_NS if end_ns is None else end_ns
        begins = max(second * SECOND_NS, self._first_ns or 0)
        return maker.tick(end, self._name, max(1, end - begins), 0)


def _by_second(batch: Batch) -> Iterator[tuple[int, Batch]]:
    """Yield the parts of a batch by the second of their packets; what is no RoCE packet goes with the first."""
    seconds = _never_back(batch.packets.t_ns // SECOND_NS)
    if not len(seconds):
        yield batch.t_min_ns // SECOND_NS, batch
        return
    starts = np.flatnonzero(np.diff(seconds, prepend=seconds[0] - 1))
    for start, end in zip(starts.tolist(), [*starts.tolist()[1:], len(seconds)], strict=True):
        part = batch.packets.where(slice(start, end))
        whole = msgspec.structs.replace(batch, packets=part) if start == 0 else Batch(part)
        yield int(seconds[start]), whole


def _never_back(seconds: Ints) -> Ints:
    return np.maximum.accumulate(seconds)
