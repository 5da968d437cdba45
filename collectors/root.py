"""The files of a box: the live one, or a recorded tree of `proc/`, `sys/` and `etc/` that stands in for it."""

import errno
import os
from functools import cached_property
from pathlib import Path
from typing import Final

import msgspec

LIMIT: Final = 4 << 20
"""Bytes of a recorded file at most: the files read here are smaller, and a recorded tree may come from a stranger."""

UNREADABLE: Final = "unreadable.json"
"""In a recorded tree: what could not be read and the system's words for why, by absolute path."""
_ERRNOS: Final = {os.strerror(number): number for number in errno.errorcode}


class NotRecorded(FileNotFoundError):
    """A recorded tree does not have the file; whether the box had it is another question."""


class Root:
    """Reads below one directory; paths are relative to it ("proc/stat"). Methods raise OSError as the system does."""

    def __init__(self, path: str = "/") -> None:
        self.path = Path(path).resolve()
        self.live = self.path == Path("/")

    def read_bytes(self, path: str) -> bytes:
        """Return a file's contents."""
        try:
            return self._read(path)
        except FileNotFoundError as absent:
            raise self._absent(absent, path) from absent

    def read_text(self, path: str) -> str:
        """Return a file's text, surrounding white space removed."""
        return self.read_bytes(path).decode(errors="replace").strip()

    def listdir(self, path: str) -> list[str]:
        """Return the names in a directory, sorted."""
        try:
            return sorted(self._names(path))
        except FileNotFoundError as absent:
            raise self._absent(absent, path) from absent

    def exists(self, path: str) -> bool:
        """Say whether there is anything at `path` that we may see."""
        try:
            return Path(self._inside(path)).exists()
        except PermissionError:
            return False

    def link_name(self, path: str) -> str:
        """Return the last part of a symbolic link's target: sysfs names drivers and parents that way."""
        return (self.path / path).readlink().name

    def below(self, folder: str) -> "Root":
        """Return the tree in one of this tree's own folders."""
        return Root(str(self.path / folder))

    def time_ns(self, path: str) -> int:
        """Return when a file was written: in a recorded tree, when it was read on the box."""
        return os.stat(self._inside(path)).st_mtime_ns  # noqa: PTH116 - a text path

    def _read(self, path: str) -> bytes:
        with open(self._inside(path), "rb", buffering=0) as file:  # noqa: PTH123 - Path doubles the cost of a read
            if not self.live and os.fstat(file.fileno()).st_size > LIMIT:
                raise OSError(errno.EFBIG, os.strerror(errno.EFBIG), path)
            return file.read()

    def _names(self, path: str) -> list[str]:
        return [entry.name for entry in Path(self._inside(path)).iterdir()]

    def _absent(self, absent: FileNotFoundError, path: str) -> OSError:
        """Return what the box said when the file was to be recorded, else that it was not."""
        if self.live:
            return absent
        told = self._unreadable.get("/" + path)
        number = _ERRNOS.get(told) if told else None
        return NotRecorded(absent.errno, absent.strerror, path) if number is None else OSError(number, told, path)

    @cached_property
    def _unreadable(self) -> dict[str, str]:
        try:
            return msgspec.json.decode(self._read(UNREADABLE), type=dict[str, str])
        except (OSError, msgspec.DecodeError):
            return {}

    def _inside(self, path: str) -> str:
        """Return the real path, refusing what leads out of a recorded tree."""
        if self.live:
            return "/" + path
        real = (self.path / path).resolve()
        if not real.is_relative_to(self.path):
            raise PermissionError(errno.EPERM, "leads out of the recorded tree", path)
        return str(real)
