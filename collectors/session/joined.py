"""A live session further back than memory goes: the recorder's files, then the live store."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from analysis.samples import Sample
from collectors.session.filestore import FileStore
from collectors.session.header import Unreadable
from collectors.session.reader import SessionFile
from collectors.store import Store


class JoinedStore:
    """What was recorded, up to where the live store begins; from there on the live store.

    `parts`: the recorder's files of this session, oldest first (`RecorderState.parts`); files appear and grow while
    this is read, and one that retention has removed is left out. `earlier`: opens the files of sessions before this
    one (`sources.earlier_files`), which are looked at from `reach` on.
    """

    def __init__(
        self,
        live: Store,
        parts: Callable[[], Sequence[Path]],
        tool: str = "",
        earlier: Callable[[], Sequence[SessionFile]] = tuple,
    ) -> None:
        self._live = live
        self._parts = parts
        self._tool = tool
        self._earlier: Callable[[], Sequence[SessionFile]] | None = earlier
        self.recorded = FileStore(())
        self._known: set[Path] = set()

    def span(self) -> tuple[int, int] | None:
        """Return the first and last sample times in ns, or None while empty."""
        self._look()
        spans = [span for span in (self.recorded.span(), self._live.span()) if span]
        return (min(first for first, _ in spans), max(last for _, last in spans)) if spans else None

    def reach(self) -> None:
        """Look at the sessions before this one too, from now on."""
        if self._earlier is not None:
            self.recorded.close()
            self.recorded, self._earlier = FileStore(self._earlier()), None
            self._known.clear()

    def between(self, start_ns: int, end_ns: int) -> Iterator[Sample]:
        """Yield the samples with start < t <= end, in time order."""
        seam = self._seam()
        recent = self._live.between(max(start_ns, seam), end_ns)  # taken now: it may forget while the files are read
        if start_ns < seam:
            self._look()
            yield from self.recorded.between(start_ns, min(end_ns, seam))
        yield from recent

    def leading_to(self, start_ns: int, end_ns: int) -> Iterable[Sample]:
        """Return what `between` does, from the files only what a view at `end_ns` looks at."""
        if end_ns >= self._seam():
            return self.between(start_ns, end_ns)
        self._look()
        return self.recorded.leading_to(start_ns, end_ns)

    def definitions(self, at_ns: int) -> list[Sample]:
        """Return the definitions in force at a time, oldest key first."""
        if at_ns >= self._seam():
            return list(self._live.definitions(at_ns))
        self._look()
        return self.recorded.definitions(at_ns)

    def close(self) -> None:
        """Let go of the files."""
        self.recorded.close()

    def _seam(self) -> int:
        """Return the time up to which the files are asked: just before the live store's first sample."""
        span = self._live.span()
        return span[0] - 1 if span else 1 << 62

    def _look(self) -> None:
        """Open parts that have appeared and see what the last one has gained."""
        self.recorded.refresh()
        for path in self._parts():
            if path in self._known:
                continue
            try:
                file = SessionFile(path, self._tool)
            except (FileNotFoundError, Unreadable):
                continue  # removed by retention, or so new that its first line is not there yet
            self._known.add(path)
            self.recorded.refresh()  # what the part before gained until this one began
            self.recorded.add(file)
