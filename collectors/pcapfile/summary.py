"""A capture file read to its end into one fold."""

from collections.abc import Callable

from analysis.roce.decode import decode
from analysis.roce.fold import Fold
from analysis.roce.report import Told
from collectors.pcapfile.info import Info
from collectors.pcapfile.reader import CHUNK, Reader
from collectors.pcapfile.source import Source


def summarise(source: Source, fold: Fold, chunk: int = CHUNK, progress: Callable[[int], None] | None = None) -> Info:
    """Fold a whole capture; `progress` is told the bytes read so far."""
    reader = Reader(source, chunk)
    for frames in reader:
        fold.add(decode(frames, fold.pairs))
        if progress is not None:
            progress(reader.bytes_read)
    fold.finish()
    return reader.finish()


def told(info: Info) -> Told:
    """Return what the reader found out, for the report."""
    return Told(info.format, tuple(info.link_types), info.truncated, info.dropped_by_kernel, tuple(info.problems))
