"""Keeps captured frames in a bounded pair of pcap files (nanoseconds, draft-ietf-opsawg-pcap), only when asked to."""

import os
import struct
from typing import Final

import numpy as np

from analysis.roce.frames import Frames

_MAGIC_NS: Final = 0xA1B23C4D
_ETHERNET: Final = 1
_RECORD: Final = 16


class Saver:
    """Writes to FILE and, when that has its half of the room, to FILE.1, then to FILE again from its start.

    Both files are made at once: the process that goes on writing may no longer make any.
    """

    def __init__(self, path: str, snap: int, room: int) -> None:
        """Make the files, private and new. Raises OSError, FileExistsError where one is there already."""
        self._header = struct.pack("=IHHiIII", _MAGIC_NS, 2, 4, 0, 0, snap, _ETHERNET)
        self._half = room // 2
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        self._files = [os.open(path, flags, 0o600)]
        try:
            self._files.append(os.open(f"{path}.1", flags, 0o600))
        except OSError:
            self.close()
            os.unlink(path)  # noqa: PTH108
            raise
        self._written = 0
        self._begin()

    def _begin(self) -> None:
        os.ftruncate(self._files[0], 0)
        os.lseek(self._files[0], 0, os.SEEK_SET)
        self._write(self._header)

    def _write(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            view = view[os.write(self._files[0], view) :]
        self._written += len(data)

    def add(self, frames: Frames) -> None:
        """Append frames. Raises OSError (ENOSPC): what was written stays readable."""
        data = records(frames)
        if self._written + len(data) > self._half and self._written > len(self._header):
            self._files.reverse()
            self._written = 0
            self._begin()
        self._write(data)

    def close(self) -> None:
        """Close the files."""
        for file in self._files:
            os.close(file)
        self._files.clear()


def records(frames: Frames) -> bytes:
    """Return frames as pcap records in the byte order of this machine."""
    heads = np.empty((len(frames), 4), np.uint32)
    heads[:, 0], heads[:, 1] = np.divmod(frames.t_ns, 1_000_000_000)
    heads[:, 2], heads[:, 3] = frames.captured, frames.length
    head, data = heads.tobytes(), frames.buffer.data
    pieces: list[bytes | memoryview] = []
    rows = zip(frames.start.tolist(), (frames.start + frames.captured).tolist(), strict=True)
    for row, (start, end) in enumerate(rows):
        pieces += (head[row * _RECORD : row * _RECORD + _RECORD], data[start:end])
    return b"".join(pieces)
