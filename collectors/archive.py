"""A recorded tree in a .tar or .tar.gz, read into memory: nothing of a stranger's archive is written to disk."""

import errno
import os
import tarfile
from copy import copy
from pathlib import Path, PurePosixPath
from typing import Final, TypeVar

import msgspec

from collectors.root import LIMIT, NotRecorded, Root

T = TypeVar("T")
TOTAL: Final = 64 << 20
"""Bytes of all files together at most."""
MEMBERS: Final = 100_000
"""A box of 200 interfaces and 8 RDMA devices has some 30,000."""


class _File(msgspec.Struct, frozen=True):
    content: bytes
    t: int


class Archive(Root):
    """A recorded tree by the names in an archive. Making one raises OSError or tarfile.TarError."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.live = False
        self._files: dict[str, _File] = {}
        self._links: dict[str, str] = {}
        self._folders: dict[str, set[str]] = {}
        with tarfile.open(path, "r:*") as archive:
            self._load(archive)

    def below(self, folder: str) -> "Archive":
        """Return the tree in one of this tree's own folders."""
        inner, prefix = copy(self), f"{folder}/"
        inner._files = _without(prefix, self._files)
        inner._links = _without(prefix, self._links)
        inner._folders = _without(prefix, self._folders)
        return inner

    def exists(self, path: str) -> bool:
        """Say whether there is anything at `path`."""
        return path in self._files or path in self._folders or path in self._links

    def link_name(self, path: str) -> str:
        """Return the last part of a symbolic link's target."""
        if path not in self._links:
            raise NotRecorded(errno.ENOENT, os.strerror(errno.ENOENT), path)
        return PurePosixPath(self._links[path]).name

    def time_ns(self, path: str) -> int:
        """Return when a file was read on the box."""
        return self._file(path).t

    def _read(self, path: str) -> bytes:
        return self._file(path).content

    def _names(self, path: str) -> list[str]:
        if path not in self._folders:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)
        return list(self._folders[path])

    def _file(self, path: str) -> _File:
        if path not in self._files:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)
        return self._files[path]

    def _load(self, archive: tarfile.TarFile) -> None:
        total = 0
        for count, member in enumerate(archive):
            total += member.size
            if total > TOTAL or count > MEMBERS:
                raise OSError(errno.EFBIG, os.strerror(errno.EFBIG), str(self.path))
            name = _name(member.name)
            if name is None:
                continue
            if member.isfile() and member.size <= LIMIT and (file := archive.extractfile(member)) is not None:
                self._files[name] = _File(file.read(), int(member.mtime * 1e9))
            elif member.issym():
                self._links[name] = member.linkname
            elif member.isdir():
                self._folders.setdefault(name, set())
            else:
                continue
            self._enter(name)

    def _enter(self, name: str) -> None:
        """Note a name in the folder it is in, and that in its own."""
        while name:
            folder, _, last = name.rpartition("/")
            self._folders.setdefault(folder, set()).add(last)
            name = folder


def _without(prefix: str, entries: dict[str, T]) -> dict[str, T]:
    return {name.removeprefix(prefix): entry for name, entry in entries.items() if name.startswith(prefix)}


def _name(member: str) -> str | None:
    """Return a member's path within the tree, None for the folder around it and what leads out."""
    parts = [part for part in member.split("/") if part not in ("", ".")]
    if ".." in parts:
        return None
    if parts and parts[0] not in INSIDE:
        parts = parts[1:]
    return "/".join(parts) or None


INSIDE: Final = frozenset({"proc", "sys", "etc", "cmd", "run", "later", "lib", "unreadable.json", ".dockerenv"})
"""What a recorded tree holds at its top; anything else there is a folder around it."""
