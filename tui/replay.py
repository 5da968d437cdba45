"""A recorded session behind the interface of a live box: nothing is probed, nothing resolved, nothing written."""

import threading
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from analysis.buckets import Bucket
from analysis.events import Event
from analysis.samples import Series
from analysis.settings import Settings
from collectors.player import Player
from collectors.session.digest import Digest
from collectors.session.filestore import FileStore
from collectors.session.header import Unreadable
from collectors.session.reader import Ending
from collectors.session.recorder import RecorderState
from collectors.session.sources import Folder, Source
from collectors.timeline import Timeline
from tui.text import _, tell

if TYPE_CHECKING:
    from collectors.pcapfile.replay import CaptureStore

COLUMNS_KEPT: Final = 8
REREAD_S: Final = 10.0
REREAD_SHARE: Final = 10
"""A growing session's overview is read again after ten seconds, and after ten times what reading takes."""


def damage(sources: Sequence[Source]) -> list[str]:
    """Return what the person should know of files that end abruptly."""
    return [
        _("{file}: the recording ended abruptly; at most its last second is missing.", file=file.path)
        for source in sources
        if isinstance(source.store, FileStore)
        for file in source.store.files
        if file.ending() is Ending.TORN
    ] + [
        f"{capture.path}: {tell(problem)}"
        for source in sources
        for capture in captures_of(source)
        for problem in capture.problems
    ]


def captures_of(source: Source) -> "list[CaptureStore]":
    """Return the captures that are part of a source."""
    return [*source.captures] if isinstance(source.store, FileStore) else [source.store, *source.captures]


class ReplayFeed:
    """One or several boxes' recordings; one of them is seen."""

    def __init__(self, sources: Sequence[Source], settings: Settings, folder: Folder | None = None) -> None:
        self._sources = sources
        self._folder = folder
        self._players = [Player(Timeline(source.whole, settings)) for source in sources]
        self._digests: list[Digest | None] = [None] * len(sources)
        self._columns: dict[tuple[Digest, int, int, int], tuple[Bucket, ...]] = {}
        self._at = 0
        self._settings = settings
        self._fresh = True
        self._problems = [damage([source]) for source in sources]
        self._grown: set[int] = set()
        self._since_reading_s = self._reading_took_s = 0.0
        self._reader = self._read(range(len(sources)))

    @property
    def host(self) -> str:
        """The box that is seen."""
        return self._sources[self._at].name

    @property
    def player(self) -> Player:
        """The cursor of the box that is seen."""
        return self._players[self._at]

    def poll(self, elapsed_s: float) -> bool:
        """Let time pass, and see whether the recording has grown."""
        self._since_reading_s += elapsed_s
        self._look()
        fresh, self._fresh = self._fresh, False
        return self.player.tick(elapsed_s) or fresh

    def problems(self) -> list[str]:
        """Return what is wrong with the files of the box that is seen."""
        return self._problems[self._at]

    def mark(self, text: str) -> bool:  # noqa: ARG002 - nothing is written
        """Recorded sessions are never changed."""
        return False

    def overview(self, start_ns: int, end_ns: int, step_ns: int) -> tuple[Bucket, ...]:
        """Return the whole session as one row of columns, nothing while it is still being read."""
        digest = self._digests[self._at]
        if digest is None:
            return ()
        key = digest, start_ns, end_ns, step_ns
        if key not in self._columns:
            if len(self._columns) >= COLUMNS_KEPT:
                self._columns.clear()
            self._columns[key] = digest.columns(start_ns, end_ns, step_ns)
        return self._columns[key]

    def events(self) -> tuple[Event, ...]:
        """Return everything that happened in the session, ascending in time."""
        digest = self._digests[self._at]
        return () if digest is None else digest.events

    def trace(self, series: Series, on: bool) -> None:
        """Nothing is probed: the hops that were recorded are shown."""

    @property
    def only_capture(self) -> bool:
        """Whether the source that is seen is a capture without a session."""
        return not isinstance(self._sources[self._at].store, FileStore)

    def captures(self) -> "list[CaptureStore]":
        """Return the captures whose packets can be looked at."""
        return captures_of(self._sources[self._at])

    def recording(self) -> RecorderState | None:
        """Nothing is recorded."""
        return None

    def next_source(self) -> bool:
        """Switch to the next box."""
        self._at = (self._at + 1) % len(self._sources)
        self._fresh = True
        return len(self._sources) > 1

    def settle(self) -> None:
        """Wait until the sessions have been read through: for pictures, which are not drawn again."""
        self._reader.join()

    def close(self) -> None:
        """There is nothing to stop; the files close with the process."""

    def _look(self) -> None:
        """Follow a recording that is still being written; its overview is read again now and then."""
        spans = [source.store.span() or (0, 0) for source in self._sources]
        grown = self._folder.join() if self._folder is not None else set()
        store = self._sources[self._at].store
        if isinstance(store, FileStore) and store.refresh():
            grown.add(self._at)
        for at in grown:
            self._players[at].grew(spans[at][1])
            self._problems[at] = damage([self._sources[at]])
            self._grown.add(at)
            self._fresh = True
        rest_s = max(REREAD_S, REREAD_SHARE * self._reading_took_s)
        if self._grown and self._since_reading_s >= rest_s and not self._reader.is_alive():
            grown, self._grown = self._grown, set()
            self._reader = self._read(sorted(grown))

    def _read(self, numbers: Sequence[int]) -> threading.Thread:
        """Read through some sessions, beside the screen."""
        self._since_reading_s = 0.0
        reader = threading.Thread(target=self._digest, args=(numbers,), name="longpipe-digest", daemon=True)
        reader.start()
        return reader

    def _digest(self, numbers: Sequence[int]) -> None:
        started = time.monotonic()
        for at in numbers:
            try:
                store = self._sources[at].store.again()
            except (OSError, Unreadable):
                continue  # taken away since it was opened: what is known of it stays
            self._digests[at] = Digest(store, self._settings)
            if isinstance(store, FileStore):
                store.close()
            self._fresh = True
        self._reading_took_s = time.monotonic() - started
