"""Session files of one box as a store: one timeline, any instant of it within a moment, nothing held in memory."""

from bisect import bisect_left
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from itertools import chain
from operator import attrgetter
from typing import Final

from analysis.buckets import Bucket
from analysis.definitions import definition_key
from analysis.samples import Sample, Series
from collectors.session.identity import Identities
from collectors.session.lately import SLACK_NS, Lately
from collectors.session.lines import Stamp
from collectors.session.reader import OUR_TIME, Line, SessionFile
from collectors.session.rollup import Row, columns

OBSERVATIONS: Final = frozenset(
    (
        *(b"probes", b"hops", b"links", b"nic", b"roce", b"host", b"tcp", b"tcpflows", b"check", b"mark", b"dropped"),
        *OUR_TIME,
    )
)
"""Kinds that are never a definition, and are not decoded where definitions are looked for."""
CACHED_FRAMES: Final = 4
CACHED_BYTES: Final = 4 << 20
WAITING_LIMIT: Final = 100_000
"""Samples held to be put in order of time; a minute of what longpipe records is a few hundred."""

_TIME: Final = attrgetter("t")


class FileStore:
    """A store over one or several files of one box, oldest first; they must not overlap in time."""

    def __init__(self, files: Sequence[SessionFile]) -> None:
        self.files = list(files)
        self._cache: OrderedDict[tuple[int, int, int], list[Line]] = OrderedDict()
        self._before: list[Sample] | None = None
        self._identities = self._identify()

    def close(self) -> None:
        """Let go of the files."""
        for file in self.files:
            file.close()

    def again(self) -> "FileStore":
        """Return a store over the same files with readers of its own, for another thread."""
        return FileStore([SessionFile(file.path, file.tool) for file in self.files])

    def add(self, file: SessionFile) -> None:
        """Append a later file of the same box."""
        newest = self.files[-1].header.session if self.files else None
        self.files.append(file)
        if newest != file.header.session:
            self._identities = self._identify()

    def refresh(self) -> bool:
        """Look whether the last file has grown; return whether it had."""
        return bool(self.files) and self.files[-1].refresh()

    def span(self) -> tuple[int, int] | None:
        """Return the first and last sample times in ns, or None while empty.

        Definitions that were in force when the first file began may be older.
        """
        spans = [(file.start_ns, file.end_ns) for file in self.files if file.end_ns]
        return (spans[0][0], max(end for _, end in spans)) if spans else None

    def leading_to(self, start_ns: int, end_ns: int) -> Iterator[Sample]:
        """Yield what `between` does, as far as a view at `end_ns` looks at it; kinds of `lately` come last."""
        lately = Lately()
        yield from self.between(start_ns, end_ns, lately=lately)
        for file, sample in lately.samples():
            yield self._translated(file, sample)

    def between(
        self, start_ns: int, end_ns: int, skip: frozenset[bytes] = frozenset(), lately: Lately | None = None
    ) -> Iterator[Sample]:
        """Yield the samples with start < t <= end, in time order.

        Those of kinds to `skip` are not even decoded, nor those that `lately` takes.
        """
        passed_over = OUR_TIME | skip
        waiting = [sample for sample in self._inherited() if start_ns < sample.t <= end_ns]
        steps = [(file, number) for file in self.files for number in _frames(file, start_ns, end_ns)]
        for (file, number), following in zip(steps, [*steps[1:], None], strict=False):
            for line, stamp in self._lines(file, number):
                if stamp is not None and (stamp.kind in passed_over or not start_ns < stamp.t <= end_ns):
                    continue
                if lately is not None and stamp is not None and lately.takes(file, line, stamp):
                    continue
                sample = file.decode(line)
                if sample is not None and start_ns < sample.t <= end_ns:
                    waiting.append(self._translated(file, sample))
                    if len(waiting) > WAITING_LIMIT:
                        yield from _take(waiting, len(waiting) // 2)
            if following is not None:
                waiting.sort(key=_TIME)
                begins = following[0].begins(following[1])
                yield from _take(waiting, bisect_left(waiting, begins - SLACK_NS, key=_TIME))
        yield from _take(waiting, len(waiting))

    def definitions(self, at_ns: int) -> list[Sample]:
        """Return the definitions in force at a time, oldest key first."""
        begun = [file for file in self.files if file.start_ns <= at_ns]
        if not begun:
            return [sample for sample in self._inherited() if sample.t <= at_ns]
        file = begun[-1]
        numbers = file.frames(at_ns - SLACK_NS, at_ns + SLACK_NS)
        first = 0 if file.plain else numbers[0]
        known: dict[Hashable, Sample] = {}
        for sample in (
            *file.definitions(first),
            *self._definitions_since(file, range(first, numbers[-1] + 1), at_ns),
        ):
            if (key := definition_key(sample)) is not None:
                known[key] = sample
        return [self._translated(file, sample) for sample in known.values()]

    def scan(self, between: Callable[[], None] = lambda: None) -> None:
        """Read whatever has no index, so that `columns` and `notes` know of it. `between` is called now and then."""
        for file in self.files:
            file.scan(between)

    def notes(self) -> list[Sample]:
        """Return the definitions of series, the marks and the changes of routes of the files scanned so far."""
        return [
            self._translated(file, note)
            for file in self.files
            if file.outline is not None
            for note in file.outline.notes
            if note.t >= file.start_ns or file is self.files[0]
        ]

    def columns(self, start_ns: int, end_ns: int, step_ns: int) -> dict[int, list[Bucket]]:
        """Return each series' columns that hold probes, from the roll-ups of the files scanned so far.

        See `rollup.columns` for what several minutes in one column mean.
        """
        self.notes()  # series of older sessions are known by their definitions
        return columns((self._rows(file) for file in self.files), start_ns, end_ns, step_ns)

    def _inherited(self) -> list[Sample]:
        """Return the definitions that were in force before the first file began: its earlier parts are not here."""
        if not self.files or not self.files[0].end_ns:
            return []
        if self._before is None:
            self._before = list(self.files[0].definitions(0))
        return [self._translated(self.files[0], sample) for sample in self._before]

    def _definitions_since(self, file: SessionFile, numbers: Iterable[int], at_ns: int) -> list[Sample]:
        """Return the definitions recorded in some frames and not after a time, in time order."""
        found = [
            sample
            for number in numbers
            for line, stamp in self._lines(file, number)
            if _may_define(stamp, at_ns) and (sample := file.decode(line)) is not None and sample.t <= at_ns
        ]
        return sorted(found, key=_TIME)

    def _lines(self, file: SessionFile, number: int) -> Iterable[Line]:
        """Return the lines of a frame; the last few frames are kept, for a cursor that moves step by step."""
        key = id(file), number, file.frame_size(number)
        if (known := self._cache.get(key)) is not None:
            self._cache.move_to_end(key)
            return known
        if key[2] > CACHED_BYTES // 4:
            return file.lines(number)
        return self._remember(key, file.lines(number))

    def _remember(self, key: tuple[int, int, int], lines: Iterator[Line]) -> Iterable[Line]:
        """Keep the lines if they are few; hand them on in any case."""
        kept: list[Line] = []
        held = 0
        for line in lines:
            kept.append(line)
            held += len(line[0])
            if held > CACHED_BYTES:
                return chain(kept, lines)
        self._cache[key] = kept
        if len(self._cache) > CACHED_FRAMES:
            self._cache.popitem(last=False)
        return kept

    def _rows(self, file: SessionFile) -> Iterable[Row]:
        """Return the roll-ups of a file with this timeline's numbers of series."""
        if file.outline is None:
            return ()
        if self._identities is None:
            return file.outline.rollups
        number, session = self._identities.number, file.header.session
        return ((number(session, row[0]), *row[1:]) for row in file.outline.rollups)

    def _translated(self, file: SessionFile, sample: Sample) -> Sample:
        return self._identities.translate(file.header.session, sample) if self._identities else sample

    def _identify(self) -> Identities | None:
        """Return the numbering for files of several sessions, None where there is one."""
        if len({file.header.session for file in self.files}) < 2:
            return None
        newest = self.files[-1].header.session
        identities = Identities(newest)
        for file in self.files:
            if file.header.session == newest:
                for sample in self._definitions_of(file):
                    if isinstance(sample, Series):
                        identities.learn(newest, sample)
        return identities

    def _definitions_of(self, file: SessionFile) -> list[Sample]:
        last = file.frames(file.end_ns, file.end_ns)[-1]
        first = 0 if file.plain else last
        return [*file.definitions(first), *self._definitions_since(file, range(first, last + 1), file.end_ns)]


def _frames(file: SessionFile, start_ns: int, end_ns: int) -> Iterable[int]:
    """Return the numbers of the frames that may hold samples with start < t <= end."""
    if file.start_ns - SLACK_NS > end_ns or file.end_ns <= start_ns:
        return ()
    return file.frames(start_ns - SLACK_NS, end_ns + SLACK_NS)


def _take(waiting: list[Sample], count: int) -> list[Sample]:
    """Remove and return the first `count` samples in time order."""
    waiting.sort(key=_TIME)
    taken = waiting[:count]
    del waiting[:count]
    return taken


def _may_define(stamp: Stamp | None, at_ns: int) -> bool:
    return stamp is None or (stamp.t <= at_ns and stamp.kind not in OBSERVATIONS)
