"""Several session files as sources: those of one box are one timeline, several boxes are several timelines."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from analysis.text import N_, say
from collectors.session.filestore import FileStore
from collectors.session.header import SUFFIX, Unreadable
from collectors.session.reader import SessionFile
from collectors.session.retention import recordings
from collectors.store import MergedStore, Store

if TYPE_CHECKING:
    from collectors.pcapfile.replay import CaptureStore


_CAPTURES: Final = frozenset((".pcap", ".pcapng", ".cap"))


class Source(msgspec.Struct, frozen=True):
    """One timeline to look at."""

    name: str
    """The box, with the start of the session where one box has several at the same time. Text from a file."""
    store: "FileStore | CaptureStore"
    captures: "tuple[CaptureStore, ...]" = ()
    """Captures of the same time, seen beside the session."""

    @property
    def whole(self) -> Store:
        """Everything of this source as one store."""
        return MergedStore((self.store, *self.captures)) if self.captures else self.store


def open_sources(paths: Iterable[Path], tool: str = "") -> list[Source]:
    """Open files and the sessions in directories; return the timelines they make, by box and time.

    A capture goes beside the first session whose time it shares, else it is a timeline of its own.

    Sessions of one box that overlap, as when two dashboards ran at once, are separate timelines: joined, every
    probe of the box would look doubled. A part that was given twice is taken once. Raises `Unreadable` and OSError.
    """
    files: dict[tuple[str, int, bool, int], SessionFile] = {}
    captures: list[CaptureStore] = []
    try:
        for path in _expanded(paths):
            if is_capture(path):
                captures.append(_capture(path))
                continue
            file = SessionFile(path, tool)
            header = file.header
            key = header.session, header.part, header.excerpt, file.start_ns
            if key in files:
                file.close()
            else:
                files[key] = file
    except (OSError, Unreadable):
        for file in files.values():
            file.close()
        raise
    named = _named(_timelines(sorted(files.values(), key=lambda file: (file.start_ns, file.header.part))))
    for capture in captures:
        named = _beside(named, capture)
    return named


class Folder:
    """Directories that are replayed while somebody records there: the next part, or the box's next session."""

    def __init__(self, paths: Iterable[Path], sources: Sequence[Source], tool: str = "") -> None:
        self._directories = [path for path in paths if path.is_dir()]
        self._stores = {at: source.store for at, source in enumerate(sources) if isinstance(source.store, FileStore)}
        self._tool = tool
        self._seen = {file.path for store in self._stores.values() for file in store.files}

    def join(self) -> set[int]:
        """Add what has appeared to the timelines that it goes on; return the numbers of those that have grown."""
        found = [path for path in _expanded(self._directories) if path not in self._seen]
        if not found:
            return set()
        grown = {at for at, store in self._stores.items() if store.refresh()}  # until the next part began
        return grown | {at for path in found if (at := self._add(path)) is not None}

    def _add(self, path: Path) -> int | None:
        try:
            file = SessionFile(path, self._tool)
        except (OSError, Unreadable):
            return None  # perhaps so new that its first line is not there yet
        self._seen.add(path)
        for at, store in self._stores.items():
            if _goes_on(store.files[-1], file):
                store.add(file)
                return at
        file.close()
        return None


def is_capture(path: Path) -> bool:
    """Return whether a file is named as captures are, compressed or not."""
    return any(suffix in _CAPTURES for suffix in path.suffixes[-2:])


def _capture(path: Path) -> "CaptureStore":
    from collectors.pcapfile.replay import CaptureStore

    capture = CaptureStore(path)
    if capture.span() is None:
        reason = capture.problems[0] if capture.problems else say(N_("There is no packet in it."))
        raise Unreadable(say(N_("{file} cannot be replayed. {reason}"), file=path, reason=reason))
    return capture


def _beside(sources: list[Source], capture: "CaptureStore") -> list[Source]:
    first, last = capture.span() or (0, 0)
    for at, source in enumerate(sources):
        span = source.store.span()
        if span is not None and span[0] <= last and first <= span[1]:
            beside = msgspec.structs.replace(source, captures=(*source.captures, capture))
            return [*sources[:at], beside, *sources[at + 1 :]]
    return [*sources, Source(capture.path.name, capture)]


def earlier_files(directory: Path, host: str, before_ns: int, tool: str = "") -> list[SessionFile]:
    """Open the recordings of this box that ended before a time and do not overlap; return them oldest first.

    Of two that overlap the later one is taken; one that cannot be read is left out. Raises OSError.
    """
    chosen: list[SessionFile] = []
    for path in reversed(recordings(directory)):
        try:
            file = SessionFile(path, tool)
        except (OSError, Unreadable):
            continue
        if file.header.host == host and 0 < file.end_ns <= before_ns:
            chosen.append(file)
            before_ns = min(before_ns, file.start_ns)
        else:
            file.close()
    return chosen[::-1]


def _expanded(paths: Iterable[Path]) -> list[Path]:
    return [path for given in paths for path in (sorted(given.glob(f"*{SUFFIX}")) if given.is_dir() else [given])]


def _timelines(files: Sequence[SessionFile]) -> list[list[SessionFile]]:
    """Put files in time order onto timelines of one box each, none of which doubles back."""
    timelines: list[list[SessionFile]] = []
    for file in files:
        fitting = (line for line in timelines if _follows(line[-1], file))
        line = next(fitting, None)
        if line is None:
            timelines.append([file])
        else:
            line.append(file)
    return timelines


def _follows(earlier: SessionFile, later: SessionFile) -> bool:
    if earlier.header.host != later.header.host or earlier.header.redacted != later.header.redacted:
        return False
    return earlier.header.session == later.header.session or earlier.end_ns <= later.start_ns


def _goes_on(last: SessionFile, file: SessionFile) -> bool:
    """Tell whether a file that appeared is later than the last one of a timeline, and belongs to it."""
    if last.header.session == file.header.session:
        return file.header.part > last.header.part
    return _follows(last, file)


def _named(timelines: Sequence[list[SessionFile]]) -> list[Source]:
    hosts = [files[0].header.host for files in timelines]
    return [
        Source(
            host if hosts.count(host) == 1 else f"{host} {files[0].header.started}",
            FileStore(files),
        )
        for host, files in zip(hosts, timelines, strict=True)
    ]
