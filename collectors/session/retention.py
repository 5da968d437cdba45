"""How much of the always-on recording is kept: a day and a quarter of a GiB by default, whichever comes first."""

import contextlib
import os
from pathlib import Path
from typing import Final

import msgspec

from collectors.session.header import SUFFIX
from collectors.session.index import index_path
from collectors.session.writer import being_written

PREFIX: Final = "longpipe-"
"""Only files that the recorder named itself are ever removed."""


class Limits(msgspec.Struct, frozen=True):
    """What a recorder may use of the disk. `None`: no limit."""

    keep_ns: int | None = 24 * 3600 * 10**9
    keep_bytes: int | None = 256 << 20
    file_ns: int | None = 3600 * 10**9
    """A new part begins after this long."""
    file_bytes: int | None = 32 << 20
    """Or when a part has this many bytes: what must go, goes in small pieces."""


def recordings(directory: Path) -> list[Path]:
    """Return the recorder's own files, oldest first. Raises OSError."""
    return sorted((path for path in directory.glob(f"{PREFIX}*{SUFFIX}") if path.is_file()), key=_age_key)


def prune(directory: Path, limits: Limits, now_ns: int) -> list[Path]:
    """Remove the oldest recordings, so that one more part fits into the limits; return them. Raises OSError.

    `now_ns` is sample time: a wall clock stepped a year ahead must not make everything look old. A file that is
    being written, by whomever, is never removed. Another recorder may be removing the same files at this moment.
    """
    sizes = {path: _bytes_of(path) for path in recordings(directory)}
    total = sum(sizes.values()) + (limits.file_bytes or 0)
    removed = []
    for path, size in sizes.items():
        too_old = limits.keep_ns is not None and now_ns - _modified_ns(path) > limits.keep_ns
        too_much = limits.keep_bytes is not None and total > limits.keep_bytes
        if (too_old or too_much) and not _in_use(path):
            path.unlink(missing_ok=True)
            index_path(path).unlink(missing_ok=True)
            removed.append(path)
            total -= size
    return removed


def _age_key(path: Path) -> tuple[int, str]:
    return _modified_ns(path), path.name


def _modified_ns(path: Path) -> int:
    with contextlib.suppress(FileNotFoundError):  # another recorder removed it
        return path.stat().st_mtime_ns
    return 0


def _bytes_of(path: Path) -> int:
    total = 0
    for part in (path, index_path(path)):
        with contextlib.suppress(FileNotFoundError):
            total += part.stat().st_size
    return total


def _in_use(path: Path) -> bool:
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except FileNotFoundError:
        return False
    try:
        return being_written(fd)
    finally:
        os.close(fd)
