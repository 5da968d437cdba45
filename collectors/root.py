"""The files of a box: the live one, or a recorded tree of `proc/`, `sys/` and `etc/` that stands in for it."""

import errno
import os
from pathlib import Path
from typing import Final

LIMIT: Final = 4 << 20
"""Bytes of a recorded file at most: the files read here are smaller, and a recorded tree may come from a stranger."""


class Root:
    """Reads below one directory; paths are relative to it ("proc/stat"). Methods raise OSError as the system does."""

    def __init__(self, path: str = "/") -> None:
        self.path = Path(path).resolve()
        self.live = self.path == Path("/")

    def read_text(self, path: str) -> str:
        """Return a file's text, surrounding white space removed."""
        with open(self._inside(path), "rb", buffering=0) as file:  # noqa: PTH123 - Path doubles the cost of a read
            if not self.live and os.fstat(file.fileno()).st_size > LIMIT:
                raise OSError(errno.EFBIG, os.strerror(errno.EFBIG), path)
            return file.read().decode(errors="replace").strip()

    def listdir(self, path: str) -> list[str]:
        """Return the names in a directory, sorted."""
        return sorted(entry.name for entry in Path(self._inside(path)).iterdir())

    def exists(self, path: str) -> bool:
        """Say whether there is anything at `path` that we may see."""
        try:
            return Path(self._inside(path)).exists()
        except PermissionError:
            return False

    def link_name(self, path: str) -> str:
        """Return the last part of a symbolic link's target: sysfs names drivers and parents that way."""
        return (self.path / path).readlink().name

    def _inside(self, path: str) -> str:
        """Return the real path, refusing what leads out of a recorded tree."""
        if self.live:
            return "/" + path
        real = (self.path / path).resolve()
        if not real.is_relative_to(self.path):
            raise PermissionError(errno.EPERM, "leads out of the recorded tree", path)
        return str(real)
