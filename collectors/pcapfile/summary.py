"""Captures read to their end into one fold."""

from collections.abc import Callable, Sequence

from analysis.roce.fold import Fold
from analysis.roce.report import Told
from collectors.pcapfile.ahead import ahead
from collectors.pcapfile.info import Info
from collectors.pcapfile.merge import merged
from collectors.pcapfile.reader import CHUNK, Reader
from collectors.pcapfile.source import Source

_LEAST_CHUNK = 512 << 10


def readers(sources: Sequence[Source], chunk: int = CHUNK) -> list[Reader]:
    """Return a reader for each source that together hold little more memory than one."""
    return [Reader(source, max(_LEAST_CHUNK, chunk // len(sources))) for source in sources]


def summarise(source: Source, fold: Fold, chunk: int = CHUNK) -> Info:
    """Fold one whole capture."""
    reader = Reader(source, chunk)
    fold_all([reader], fold)
    return reader.finish()


def fold_all(some: Sequence[Reader], fold: Fold, progress: Callable[[], None] = lambda: None) -> None:
    """Fold captures, merged by time; `progress` is called after each read."""
    for batch in ahead(merged(some, fold.pairs, progress)):
        fold.add(batch)
    fold.finish()


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
