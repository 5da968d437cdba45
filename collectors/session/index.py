"""What is known of a session file without reading it: where its frames are, its roll-ups, its marks.

The recorder leaves it as `FILE.lps.idx` when it closes a file. It is a cache: whoever finds none, or one that does
not fit the file, scans the file instead. Replay never writes one.
"""

import os
import sys
from array import array
from collections.abc import Iterable
from pathlib import Path
from typing import Final
from zlib import compress, decompressobj, error

import msgspec

from analysis.samples import Probes, Sample
from analysis.services.fold import Tersely
from collectors.session.frames import Frame
from collectors.session.header import Header
from collectors.session.rollup import ROWS_LIMIT, WIDTH, RollupBuilder, Rollups

SUFFIX: Final = ".idx"
NOTED: Final = frozenset(("series", "mark", "routes"))
"""Kinds whose samples the index keeps, beside services: what a timeline of the whole session names."""
NOTES_LIMIT: Final = 20_000
SIZE_LIMIT: Final = 64 << 20
"""A larger index is not read. A week of 100 series makes some 15 MiB."""
_VERSION: Final = 1


class Place(msgspec.Struct, frozen=True, array_like=True):
    """A frame and the time of its first sample."""

    t: int
    frame: Frame


class Outline(msgspec.Struct, frozen=True):
    """What a whole pass over the samples tells."""

    notes: tuple[Sample, ...]
    rollups: Rollups


class Index(msgspec.Struct, frozen=True):
    """Everything in an index file."""

    places: tuple[Place, ...]
    end_ns: int
    """Time of the last sample."""
    outline: Outline


class _Head(msgspec.Struct, frozen=True):
    """First line of an index file; roll-ups follow as little-endian 32-bit numbers, packed by zlib."""

    index: int
    session: str
    part: int
    size: int
    """Bytes of the session file that this index describes."""
    end_ns: int
    rows: int
    """How many roll-ups there are."""
    places: tuple[tuple[int, int, int], ...]
    notes: tuple[msgspec.Raw, ...]


class OutlineBuilder:
    """Collects an outline, sample by sample."""

    def __init__(self, before: Iterable[Sample] = ()) -> None:
        self._rollups = RollupBuilder()
        self._tersely = Tersely()
        self._notes = [sample for sample in before if self._is_noted(sample)]

    def add(self, sample: Sample) -> None:
        """Add a sample."""
        if type(sample) is Probes:
            self._rollups.add(sample)
        elif self._is_noted(sample) and len(self._notes) < NOTES_LIMIT:
            self._notes.append(sample)

    def _is_noted(self, sample: Sample) -> bool:
        return _kind(sample) in NOTED or self._tersely.is_needed(sample)

    def finish(self) -> Outline:
        """Return everything added so far."""
        return Outline(tuple(self._notes), self._rollups.finish())


def _kind(sample: Sample) -> object:
    return type(sample).__struct_config__.tag


def index_path(path: Path) -> Path:
    """Return where the index of a session file lies."""
    return path.with_name(path.name + SUFFIX)


def write_index(path: Path, header: Header, size: int, index: Index) -> None:
    """Write the index of the session file at `path`, which has `size` bytes. Raises OSError."""
    flat = index.outline.rollups.flat
    head = _Head(
        index=_VERSION,
        session=header.session,
        part=header.part,
        size=size,
        end_ns=index.end_ns,
        rows=len(flat) // WIDTH,
        places=tuple((place.t, place.frame.offset, place.frame.size) for place in index.places),
        notes=tuple(msgspec.Raw(msgspec.json.encode(note)) for note in index.outline.notes),
    )
    target = index_path(path)
    target.unlink(missing_ok=True)
    fd = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(fd, "wb") as file:
        file.write(msgspec.json.encode(head) + b"\n" + compress(_little_endian(flat).tobytes(), 6))


def read_index(path: Path, header: Header, size: int) -> Index | None:
    """Return the index beside a session file of `size` bytes, or None: absent, stale, damaged, or of another file."""
    # The decoder of notes is the one of the session itself; imported here because it lists every kind of sample.
    from collectors.session.decode import Decoder

    try:
        with index_path(path).open("rb") as file:
            if os.fstat(file.fileno()).st_size > SIZE_LIMIT:
                return None
            line, packed = file.readline(SIZE_LIMIT), file.read()
        head = msgspec.json.decode(line, type=_Head)
        unpacker = decompressobj()
        body = unpacker.decompress(packed, ROWS_LIMIT * WIDTH * 4)
    except (OSError, msgspec.DecodeError, UnicodeDecodeError, RecursionError, error):
        return None
    fits = (head.index, head.session, head.part, head.size) == (_VERSION, header.session, header.part, size)
    if not fits or not unpacker.eof or len(body) != head.rows * WIDTH * 4 or not _tiles(head.places, size):
        return None
    flat = array("i")
    flat.frombytes(body)
    decoder = Decoder(foreign=False)
    notes = tuple(note for raw in head.notes if (note := decoder.decode(bytes(raw))) is not None)
    places = tuple(Place(t, Frame(offset, length)) for t, offset, length in head.places)
    return Index(places, head.end_ns, Outline(notes, Rollups(_little_endian(flat))))


def _tiles(places: tuple[tuple[int, int, int], ...], size: int) -> bool:
    """Tell whether the frames cover the file without gap or overlap."""
    at = 0
    for _, offset, length in places:
        if offset != at or length <= 0:
            return False
        at += length
    return bool(places) and at == size


def _little_endian(numbers: "array[int]") -> "array[int]":
    if sys.byteorder == "big":
        numbers = array("i", numbers)
        numbers.byteswap()
    return numbers
