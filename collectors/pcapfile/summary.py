"""Captures read to their end into one fold."""

from collections.abc import Callable, Iterator, Sequence

import msgspec

from analysis.roce.decode import Batch
from analysis.roce.fold import Fold
from analysis.roce.pairs import Hosts, Pairs
from analysis.roce.report import Told
from analysis.roce.totals import Tally
from collectors.pcapfile.elsewhere import GoneError, elsewhere
from collectors.pcapfile.info import Info, stopped
from collectors.pcapfile.merge import merged
from collectors.pcapfile.reader import CHUNK, Reader
from collectors.pcapfile.source import Source

_LEAST_CHUNK = 512 << 10
_SHORT = CHUNK - 1
"""Captures of no more bytes are not worth another process."""


def readers(sources: Sequence[Source], chunk: int = CHUNK) -> list[Reader]:
    """Return a reader for each source that together hold little more memory than one."""
    return [Reader(source, max(_LEAST_CHUNK, chunk // len(sources))) for source in sources]


class Piece(msgspec.Struct, frozen=True):
    """The next batch, with what it adds up to, its new hosts, and how many bytes of the files were read so far."""

    batch: Batch
    tally: Tally
    known: int
    hosts: list[Hosts]
    done: int


def summarise(source: Source, fold: Fold, chunk: int = CHUNK) -> Info:
    """Fold one whole capture."""
    return fold_all([Reader(source, chunk)], fold)[0]


def fold_all(some: Sequence[Reader], fold: Fold, progress: Callable[[int], None] | None = None) -> list[Info]:
    """Fold captures, merged by time, and return what is known of each. `progress` is told the bytes read so far.

    The readers may end up in another process: what they know is in what is returned.
    """
    infos: list[Info] = []
    try:
        for piece in elsewhere(_pieces(some, fold.pairs), _is_long):
            if isinstance(piece, list):
                infos = piece
                continue
            fold.pairs.know(piece.known, piece.hosts)
            fold.add(piece.batch, piece.tally)
            if progress is not None:
                progress(piece.done)
    except GoneError as failure:
        infos = [reader.info for reader in some]
        for info in infos:
            info.truncated = True
            info.note(stopped(failure))
    fold.finish()
    return infos


def _is_long(piece: Piece | list[Info]) -> bool:
    return isinstance(piece, Piece) and piece.done > _SHORT


def _pieces(some: Sequence[Reader], pairs: Pairs) -> Iterator[Piece | list[Info]]:
    known = 0
    for batch in merged(some, pairs):
        hosts = pairs.since(known)
        yield Piece(batch, Tally.of(batch.packets), known, hosts, sum(reader.consumed for reader in some))
        known += len(hosts)
    yield [reader.finish() for reader in some]


def told(*infos: Info) -> Told:
    """Return what the readers found out, for the report."""
    formats = [info.format for info in infos if info.format is not None]
    drops = [info.dropped_by_kernel for info in infos if info.dropped_by_kernel is not None]
    return Told(
        formats[0] if formats else None,
        tuple(dict.fromkeys(link for info in infos for link in info.link_types)),
        any(info.truncated for info in infos),
        sum(drops) if drops else None,
        tuple(problem for info in infos for problem in info.problems),
    )
