"""Captures read to their end into one fold."""

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from analysis.roce.packets import Batch
from analysis.roce.pairs import Hosts, Pairs
from analysis.roce.totals import Tally
from collectors.pcapfile.elsewhere import GoneError, elsewhere
from collectors.pcapfile.info import Info, stopped
from collectors.pcapfile.merge import merged
from collectors.pcapfile.reader import CHUNK, Reader
from collectors.pcapfile.source import Source

if TYPE_CHECKING:
    from analysis.roce.fold import Fold
    from analysis.roce.report import Told

_LEAST_CHUNK = 512 << 10
_SHORT = CHUNK
"""Captures of no more bytes are not worth another process."""
_MOST_KEPT = 31 << 20
"""glibc does not keep larger pieces of memory."""


def readers(sources: Sequence[Source], chunk: int = CHUNK) -> list[Reader]:
    """Return a reader for each source that together hold little more memory than one."""
    return [Reader(source, max(_LEAST_CHUNK, chunk // len(sources))) for source in sources]


class Piece(msgspec.Struct, frozen=True):
    """The next batch, with what it adds up to and its new hosts, and how far its readers have come."""

    batch: Batch
    tally: Tally
    known: int
    hosts: list[Hosts]
    done: int
    """Bytes of the files read so far."""
    infos: list[Info]


def summarise(source: Source, fold: "Fold", chunk: int = CHUNK) -> Info:
    """Fold one whole capture."""
    return fold_all([Reader(source, chunk)], fold)[0]


def begin(some: Sequence[Reader], pairs: Pairs) -> Iterator[Piece | list[Info]]:
    """Begin to read captures, merged by time: where they are long in another process, while this one does its own.

    `pairs` are those of the fold to come. What the readers found is in what comes last.
    """
    _keep_memory()
    items = _pieces(some, pairs)
    return elsewhere(items) if sum(reader.size for reader in some) > _SHORT else items


def _keep_memory() -> None:
    """Have memory kept for the next batch, in huge pages: taking it anew, page by page, is a tenth of all time.

    glibc keeps what is freed only up to the size of the largest piece that was freed (mallopt(3), M_MMAP_THRESHOLD);
    numpy asks for huge pages for pieces from 4 MiB on (madvise(2), MADV_HUGEPAGE). So the first of these makes glibc
    keep memory, and the second makes huge pages of what it keeps. Both are free again at once, untouched.
    """
    for _ in range(2):
        np.empty(_MOST_KEPT, np.uint8)


def fold_all(some: Sequence[Reader], fold: "Fold") -> list[Info]:
    """Fold captures, merged by time, and return what is known of each."""
    return fold_pieces(begin(some, fold.pairs), fold)


def fold_pieces(
    pieces: Iterator[Piece | list[Info]], fold: "Fold", progress: Callable[[int], None] | None = None
) -> list[Info]:
    """Fold what `begin` returned; return what is known of each capture. `progress` is told the bytes read so far."""
    infos = [Info()]
    try:
        for piece in pieces:
            if isinstance(piece, list):
                infos = piece
                continue
            infos = piece.infos
            fold.pairs.know(piece.known, piece.hosts)
            fold.add(piece.batch, piece.tally)
            if progress is not None:
                progress(piece.done)
    except GoneError as failure:
        for info in infos:
            info.truncated = True
            info.note(stopped(failure))
    fold.finish()
    return infos


def _pieces(some: Sequence[Reader], pairs: Pairs) -> Iterator[Piece | list[Info]]:
    known = 0
    for batch in merged(some, pairs):
        hosts = pairs.since(known)
        done, infos = sum(reader.consumed for reader in some), [reader.info for reader in some]
        yield Piece(batch, Tally.of(batch.packets), known, hosts, done, infos)
        known += len(hosts)
    yield [reader.finish() for reader in some]


def told(*infos: Info) -> "Told":
    """Return what the readers found out, for the report."""
    from analysis.roce.report import Told

    formats = [info.format for info in infos if info.format is not None]
    drops = [info.dropped_by_kernel for info in infos if info.dropped_by_kernel is not None]
    return Told(
        formats[0] if formats else None,
        tuple(dict.fromkeys(link for info in infos for link in info.link_types)),
        any(info.truncated for info in infos),
        sum(drops) if drops else None,
        tuple(problem for info in infos for problem in info.problems),
    )
