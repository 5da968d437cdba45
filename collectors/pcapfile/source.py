"""Bytes of a capture: a file, standard input or a pipe, decompressed by what they are and not by their name."""

import io
import math
import os
import stat
import sys
import zlib
from typing import IO, Final, Protocol, Self, cast

from analysis.text import N_, Sentence, say
from collectors.pcapfile.info import stopped

_GZIP: Final = b"\x1f\x8b"
_ZSTD: Final = b"\x28\xb5\x2f\xfd"


class Readable(Protocol):
    """The part of a binary file that is used."""

    def readinto(self, buffer: memoryview, /) -> int | None:
        """Fill as much of `buffer` as there is; 0 at the end."""
        ...


class Source:
    """Reads into a buffer and keeps what went wrong as a sentence instead of raising."""

    def __init__(self, raw: Readable) -> None:
        self.problem: Sentence | None = None
        self._raw = raw
        self._outer: _Joined | None = None
        self._inner: Readable | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file. What decompresses it holds nothing of its own."""
        if hasattr(self._raw, "close"):
            self._raw.close()

    @property
    def consumed(self) -> int:
        """Return the bytes taken from the file, before decompression."""
        return self._outer.given if self._outer is not None else 0

    @property
    def size(self) -> float:
        """Return the bytes of a file; infinity of a pipe or device, 0 of what is in memory."""
        try:
            told = os.fstat(self._raw.fileno())  # type: ignore[attr-defined]
        except (AttributeError, OSError):
            return 0
        return told.st_size if stat.S_ISREG(told.st_mode) else math.inf

    def fill(self, view: memoryview, *, all_of_it: bool = True) -> int:
        """Read until `view` is full or the source ends (without `all_of_it`: just once). Return the bytes read."""
        have = 0
        while have < len(view):
            got = self._read(view[have:])
            have += got
            if not got or not all_of_it:
                break
        return have

    def _read(self, view: memoryview) -> int:
        try:
            if self._inner is None:
                self._outer = _peeked(self._raw)
                self._inner = _decompressed(self._outer)
            return self._inner.readinto(view) or 0
        except (OSError, EOFError, zlib.error) as failure:
            self.problem = stopped(failure)
        except _zstd_errors() as failure:
            self.problem = say(N_("Decompression stopped: {reason}. What came before is used."), reason=failure)
        return 0


def open_source(path: str) -> Source:
    """Open a capture; "-" is standard input. Raises OSError with the path where it cannot be opened."""
    if path == "-":
        return Source(
            cast("Readable", sys.stdin.buffer.raw if hasattr(sys.stdin.buffer, "raw") else sys.stdin.buffer)
        )
    return Source(cast("Readable", io.FileIO(path)))


class _Joined(io.RawIOBase):
    """The bytes already looked at, then the rest; counts what it gives."""

    def __init__(self, head: bytes, rest: Readable) -> None:
        self.head, self._rest = head, rest
        self.given = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int | None:  # type: ignore[override]
        if self.given < len(self.head):
            part = self.head[self.given : self.given + len(buffer)]
            buffer[: len(part)] = part
            got: int | None = len(part)
        else:
            got = self._rest.readinto(buffer)
        self.given += got or 0
        return got


def _peeked(raw: Readable) -> _Joined:
    head = bytearray(4)
    have = 0
    while have < len(head):
        got = raw.readinto(memoryview(head)[have:])
        if not got:
            break
        have += got
    return _Joined(bytes(head[:have]), raw)


def _decompressed(joined: _Joined) -> Readable:
    if joined.head.startswith(_GZIP):
        import gzip

        return cast("Readable", gzip.GzipFile(fileobj=io.BufferedReader(joined)))
    if joined.head == _ZSTD:
        import zstandard

        stream = zstandard.ZstdDecompressor().stream_reader(cast("IO[bytes]", joined), read_across_frames=True)
        return cast("Readable", stream)
    return joined


def _zstd_errors() -> tuple[type[Exception], ...]:
    """The errors zstandard raises, if it was loaded at all."""
    module = sys.modules.get("zstandard")
    return (module.ZstdError,) if module is not None else ()
