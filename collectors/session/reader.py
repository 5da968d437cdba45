"""Reads one session file, `.lps` or plain JSON lines, whole or torn, finished or still growing. Writes nothing."""

import os
import stat
from bisect import bisect_right
from collections.abc import Callable, Iterator
from enum import Enum
from functools import partial
from pathlib import Path
from typing import Final

import msgspec
import zstandard

from analysis.samples import Sample
from analysis.text import N_, Sentence, say
from collectors.session.decode import Counts, Decoder
from collectors.session.frames import MAGIC, Frame, zstd_frames
from collectors.session.header import Unreadable, parse_header
from collectors.session.index import Outline, OutlineBuilder, read_index
from collectors.session.lines import LINE_LIMIT, Stamp, split_lines, stamp_of
from collectors.session.writer import being_written

CHUNK: Final = 1 << 18
PLAIN_FRAME: Final = 1 << 20
"""A plain file is read in stretches of about this many bytes."""
WINDOW_LIMIT: Final = 8 << 20
"""Memory that a zstd frame may ask for; longpipe's own ask for half a MiB."""
OUR_TIME: Final = frozenset((b"again", b"end"))
"""Kinds that belong to the file, not to the session."""

Line = tuple[bytes, Stamp | None]


class Ending(Enum):
    """How a file ends."""

    CLOSED = "closed"
    GROWING = "growing"
    """Somebody is writing it now."""
    TORN = "torn"
    """The recording ended abruptly; at most its last second is missing."""


class SessionFile:
    """One open file. Raises `Unreadable`, and OSError as `open` does.

    The file stays open, so it can be read to its end even where retention removes it meanwhile.
    `tool`: the version of longpipe that reads; files of another one are read more closely.
    """

    def __init__(self, path: Path, tool: str = "") -> None:
        self.path = path
        self.tool = tool
        self.counts = Counts()
        """What could not be read so far; complete after `scan` or a full `samples`."""
        self._fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        try:
            self._open(tool)
        except BaseException:
            os.close(self._fd)
            raise

    def _open(self, tool: str) -> None:
        if not stat.S_ISREG(os.fstat(self._fd).st_mode):
            raise Unreadable(say(N_("{file} is not a regular file."), file=self.path))
        self.size = os.fstat(self._fd).st_size
        self.plain = os.pread(self._fd, 4, 0) != MAGIC
        first_line = self._first_line()
        try:
            self.header = parse_header(first_line)
        except Unreadable as refused:
            raise Unreadable(say(N_("{file}: {problem}"), file=self.path, problem=refused.problem)) from None
        self._decoder = Decoder(foreign=self.header.tool != tool, counts=self.counts)
        index = read_index(self.path, self.header, self.size)
        self.outline = index.outline if index else None
        """What the index tells, None until `scan` where there is no index."""
        self._frames = [place.frame for place in index.places] if index else list(self._walk(0))
        self._begun = {number: place.t for number, place in enumerate(index.places)} if index else {}
        self.end_ns = index.end_ns if index else self._last_time()
        """Time of the last sample; 0 while there is none."""

    def close(self) -> None:
        """Let go of the file. Safe to call twice."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    @property
    def start_ns(self) -> int:
        """Time of the first sample."""
        return self.begins(0)

    def refresh(self) -> bool:
        """Look whether the file has grown; return whether it had."""
        size = os.fstat(self._fd).st_size
        if size == self.size:
            return False
        self.size = size
        last = self._frames.pop()
        self._begun.pop(len(self._frames), None)
        self._frames += self._walk(last.offset)
        self.end_ns = max(self.end_ns, self._last_time())
        self.outline = None
        return True

    def ending(self) -> Ending:
        """Return how the file ends."""
        last = b""
        ended = True
        for last, ended in self._split(self._frames[-1]):  # noqa: B007 - the last one counts
            pass
        stamp = stamp_of(last)
        if stamp is not None and stamp.kind == b"end" and self._frames[-1].whole:
            return Ending.CLOSED
        if being_written(self._fd):
            return Ending.GROWING
        return Ending.CLOSED if self.plain and ended else Ending.TORN

    def problems(self) -> list[Sentence]:
        """Return what is wrong with what has been read of the file so far, empty when nothing is."""
        counts, name = self.counts, self.path.name
        found = []
        if self.ending() is Ending.TORN:
            found.append(
                say(N_("{file}: the recording ended abruptly; it was read up to there."), file=self.path.name)
            )
        if bad := counts.bad_lines + counts.long_lines + counts.damaged_frames:
            found.append(say(N_("{file}: {n} damaged places were passed over."), file=name, n=bad))
        if unknown := counts.unknown_kinds + counts.unknown_fields:
            found.append(
                say(
                    N_("{file}: {n} things of another version of longpipe were passed over."),
                    file=name,
                    n=unknown,
                )
            )
        return found

    def frames(self, start_ns: int, end_ns: int) -> range:
        """Return the numbers of the frames that may hold samples of [start, end]."""
        numbers = range(len(self._frames))
        first = bisect_right(numbers, start_ns, key=self.begins) - 1
        after = bisect_right(numbers, end_ns, key=self.begins)
        return range(max(0, first), after)

    def begins(self, number: int) -> int:
        """Return the time at which a frame begins. Without an index it is read when it is first asked for."""
        if number not in self._begun:
            earlier = (self._known_time(before) for before in range(number, -1, -1))
            self._begun[number] = next((t for t in earlier if t is not None), 0)
        return self._begun[number]

    def frame_size(self, number: int) -> int:
        """Return how many bytes of the file a frame has."""
        return self._frames[number].size

    def lines(self, number: int) -> Iterator[Line]:
        """Yield the lines of one frame with their stamps; what is no readable line is left out.

        A last line without its end counts if it is whole, as in a file written by hand.
        """
        frame = self._frames[number]
        for line, _ in self._split(frame, counted=True):
            if not line:
                self.counts.long_lines += 1
            elif not (frame.offset == 0 and line.startswith(b'{"longpipe":')):
                yield line, stamp_of(line)

    def decode(self, line: bytes) -> Sample | None:
        """Return the sample in a line, None where it cannot be read."""
        return self._decoder.decode(line)

    def definitions(self, number: int) -> Iterator[Sample]:
        """Yield the definitions in force when a frame began."""
        for line, stamp in self.lines(number):
            if stamp is None or stamp.kind != b"again":
                return
            if (sample := self._again(line)) is not None:
                yield sample

    def samples(self) -> Iterator[Sample]:
        """Yield every sample of the file, in the order in which they were recorded, counting what is passed over.

        The definitions that were in force when the file began come first.
        """
        yield from self.definitions(0)
        yield from self._counted()

    def scan(self, between: Callable[[], None] = lambda: None) -> Outline:
        """Return the outline, from the whole file where there is no index; `between` is called after each frame."""
        if self.outline is None:
            builder = OutlineBuilder(self.definitions(0))
            for sample in self._counted(between):
                builder.add(sample)
            self.outline = builder.finish()
        return self.outline

    def _counted(self, between: Callable[[], None] = lambda: None) -> Iterator[Sample]:
        self.counts = self._decoder.counts = Counts()
        for number in range(len(self._frames)):
            frame = self._frames[number]
            for position, (line, ended) in enumerate(self._split(frame, counted=True)):
                if not line:
                    self.counts.long_lines += 1
                    continue
                stamp = stamp_of(line)
                if (stamp is not None and stamp.kind in OUR_TIME) or (number == 0 and position == 0):
                    continue
                bad = self.counts.bad_lines
                sample = self.decode(line)
                if sample is not None:
                    yield sample
                elif not ended:
                    self.counts.bad_lines = bad  # the tear itself: `ending` tells of it
            between()

    def _again(self, line: bytes) -> Sample | None:
        try:
            was = msgspec.json.decode(line, type=_Again).was
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return None
        return self.decode(bytes(was))

    def _first_line(self) -> bytes:
        """Return the first line, of a frame that may still be growing."""
        for line, _ in split_lines(self._chunks(Frame(0, self.size)), LINE_LIMIT):
            return line
        raise Unreadable(say(N_("{file} is empty: nothing was recorded."), file=self.path))

    def _walk(self, offset: int) -> Iterator[Frame]:
        """Yield the frames from `offset` on."""
        yield from self._plain_frames(offset) if self.plain else zstd_frames(self.path, offset)

    def _plain_frames(self, offset: int) -> Iterator[Frame]:
        """Yield stretches of whole lines."""
        while offset < self.size:
            end = min(offset + PLAIN_FRAME, self.size)
            while end < self.size:
                chunk = os.pread(self._fd, CHUNK, end)
                newline = chunk.find(b"\n")
                end += newline + 1 if newline >= 0 else len(chunk)
                if newline >= 0 or not chunk:
                    break
            yield Frame(offset, end - offset)
            offset = end

    def _known_time(self, number: int) -> int | None:
        known = self._begun.get(number)
        return self._first_time(self._frames[number]) if known is None else known

    def _first_time(self, frame: Frame) -> int | None:
        for line, _ in self._split(frame):
            if (stamp := stamp_of(line)) is not None:
                return stamp.t
        return None

    def _last_time(self) -> int:
        """Return the time of the last sample, from the last frame that has any."""
        for frame in reversed(self._frames):
            times = [stamp.t for line, _ in self._split(frame) if (stamp := stamp_of(line)) is not None]
            if times:
                return max(times)
        return self.start_ns

    def _split(self, frame: Frame, *, counted: bool = False) -> Iterator[tuple[bytes, bool]]:
        return split_lines(self._chunks(frame, counted=counted), LINE_LIMIT)

    def _chunks(self, frame: Frame, *, counted: bool = False) -> Iterator[bytes]:
        """Yield what is in a frame, piece by piece, as far as it can be unpacked."""
        source = _Part(self._fd, frame)
        if self.plain:
            yield from iter(partial(source.read, CHUNK), b"")
            return
        try:
            with zstandard.ZstdDecompressor(max_window_size=WINDOW_LIMIT).stream_reader(source) as reader:  # type: ignore[arg-type]
                yield from iter(partial(reader.read, CHUNK), b"")
        except zstandard.ZstdError:
            self.counts.damaged_frames += counted


class _Again(msgspec.Struct):
    was: msgspec.Raw


class _Part:
    """A frame of a file, as a source to read from."""

    def __init__(self, fd: int, frame: Frame) -> None:
        self._fd = fd
        self._at = frame.offset
        self._end = frame.offset + frame.size

    def read(self, size: int = -1) -> bytes:
        """Return the next bytes, at most `size`."""
        left = self._end - self._at
        data = os.pread(self._fd, left if size < 0 else min(size, left), self._at)
        self._at += len(data)
        return data
