"""Writes one session file: JSON lines in zstd, flushed every second, a new frame every minute.

Every frame but a session's first begins with the definitions in force, each as `{"k": "again", "t": …, "was":
{…}}`, so that a reader can begin at any frame; a reader that began earlier passes over them. The last line of a
file that was closed properly is `{"k": "end", …}`.
"""

import contextlib
import fcntl
import os
from collections.abc import Hashable
from pathlib import Path
from typing import Final

import msgspec
import zstandard

from analysis.definitions import definition_key
from analysis.samples import Sample
from collectors.session.frames import Frame
from collectors.session.header import Header
from collectors.session.index import Index, OutlineBuilder, Place, write_index

FRAME_NS: Final = 60 * 10**9
FRAME_BYTES: Final = 1 << 20
"""Of lines, not of what they are packed into."""
PACKING: Final = zstandard.ZstdCompressionParameters.from_level(
    1,
    strategy=zstandard.STRATEGY_BTULTRA,
    min_match=3,
    search_log=5,
    target_length=256,
    chain_log=18,
    hash_log=17,
    write_checksum=True,
)
"""For columns of numbers: matches of three digits, the cheapest of many ways to say them, within half a MiB.

A quarter smaller than levels up to 13; a second of 100 targets with their counters takes 3 ms.
"""
_NEVER: Final = -(1 << 62)


class SessionWriter:
    """A new file, never an old one. `OSError` means that nothing more will be written; close it then.

    `before`: definitions already in force, where the file goes on from another one.
    """

    def __init__(self, path: Path, header: Header, before: dict[Hashable, Sample] | None = None) -> None:
        self.path = path
        self.header = header
        self.size = 0
        """Bytes written to the file."""
        self.unwritable = 0
        """Samples that no line can hold: text that is not Unicode, numbers beyond 64 bits."""
        self.definitions: dict[Hashable, Sample] = dict(before or {})
        self._encoder = msgspec.json.Encoder()
        self._outline = OutlineBuilder(self.definitions.values())
        self._places: list[Place] = []
        self._end_ns = 0
        self._lines: list[bytes] = [self._encoder.encode(header) + b"\n"]
        self._frame_start = (0, _NEVER)
        self._frame_bytes = 0
        self._compressor = zstandard.ZstdCompressor(compression_params=PACKING)
        self._frame = self._compressor.compressobj()
        self._fd = _create(path)
        try:
            self.flush()
        except OSError:
            os.close(self._fd)
            raise

    def write(self, sample: Sample) -> None:
        """Add a sample; it reaches the file with the next `flush`."""
        try:
            line = self._encoder.encode(sample)
        except (UnicodeEncodeError, OverflowError):
            self.unwritable += 1
            return
        self._begin_frame(sample.t)
        if (key := definition_key(sample)) is not None:
            self.definitions[key] = sample
        self._add(line)
        self._end_ns = max(self._end_ns, sample.t)
        self._outline.add(sample)

    def flush(self) -> None:
        """Hand everything over to the kernel, so that a killed process loses none of it. Raises OSError."""
        if self._lines:
            self._put(self._frame.compress(b"".join(self._lines)))
            self._put(self._frame.flush(zstandard.COMPRESSOBJ_FLUSH_BLOCK))
            self._lines.clear()

    def close(self, *, continued: bool = False) -> None:
        """End the file properly; `continued` says that the session goes on in its next part. Raises OSError."""
        if self._fd < 0:
            return
        try:
            self._add(b'{"k":"end","t":%d,"continued":%s}' % (self._end_ns, b"true" if continued else b"false"))
            self._end_frame()
            os.fsync(self._fd)
        finally:
            os.close(self._fd)
            self._fd = -1
        index = Index(tuple(self._places), self._end_ns, self._outline.finish())
        write_index(self.path, self.header, self.size, index)

    def abandon(self) -> None:
        """Let go of the file after a failed write: what is in it stays readable."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def _add(self, line: bytes) -> None:
        self._lines.append(line + b"\n")
        self._frame_bytes += len(line) + 1

    def _begin_frame(self, t: int) -> None:
        """Start a new frame where the current one is long enough."""
        offset, started = self._frame_start
        if started == _NEVER:
            self._frame_start = offset, t
            self._repeat_definitions(t)
        elif self._frame_bytes >= FRAME_BYTES or abs(t - started) >= FRAME_NS:
            self._end_frame()
            self._frame = self._compressor.compressobj()
            self._frame_start = self.size, t
            self._frame_bytes = 0
            self._repeat_definitions(t)

    def _repeat_definitions(self, t: int) -> None:
        for sample in self.definitions.values():
            self._add(b'{"k":"again","t":%d,"was":%s}' % (t, self._encoder.encode(sample)))

    def _end_frame(self) -> None:
        self._put(self._frame.compress(b"".join(self._lines)))
        self._put(self._frame.flush())
        self._lines.clear()
        offset, started = self._frame_start
        previous = self._places[-1].t if self._places else 0
        self._places.append(Place(max(started, previous), Frame(offset, self.size - offset)))

    def _put(self, data: bytes) -> None:
        while data:
            written = os.write(self._fd, data)
            self.size += written
            data = data[written:]


def _create(path: Path) -> int:
    """Create a file that only its owner can read, and lock it so that others know it is being written."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW
    fd = os.open(path, flags, 0o600)
    with contextlib.suppress(OSError):  # a file system without locks: the file is as good, only not marked as growing
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    return fd


def being_written(fd: int) -> bool:
    """Tell whether a writer holds the file open for reading at `fd`."""
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    fcntl.flock(fd, fcntl.LOCK_UN)
    return False
