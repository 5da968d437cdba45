"""Giving up every privilege once the ring is there (capabilities(7), prctl(2)): nothing needs one from then on."""

import contextlib
import ctypes
import os
import struct
from collections.abc import Iterator, Mapping
from typing import Final

_NO_NEW_PRIVS: Final = 38
_DUMPABLE: Final = 4
_CAPABILITY_V3: Final = 0x20080522
_NOBODY: Final = 65534
_LIBC: Final = ctypes.CDLL(None, use_errno=True)


def drop() -> None:
    """Become nobody, without capabilities and without a way to get any. Raises OSError where that fails."""
    _call(_LIBC.prctl(_NO_NEW_PRIVS, 1, 0, 0, 0))
    if os.geteuid() == 0:
        # A user namespace may not map that user; then the capabilities are all there is to lose.
        with contextlib.suppress(OSError):
            os.setgroups([])
            os.setresgid(_NOBODY, _NOBODY, _NOBODY)
            os.setresuid(_NOBODY, _NOBODY, _NOBODY)
    header = struct.pack("=Ii", _CAPABILITY_V3, 0)
    _call(_LIBC.capset(header, bytes(24)))
    _call(_LIBC.prctl(_DUMPABLE, 0, 0, 0, 0))


@contextlib.contextmanager
def as_asking_user(environ: Mapping[str, str]) -> Iterator[None]:
    """Act on files as the person who ran sudo, not as root: their paths are theirs to write, or not."""
    asking = environ.get("SUDO_UID", ""), environ.get("SUDO_GID", "")
    if os.geteuid() != 0 or not all(number.isdecimal() for number in asking):
        yield
        return
    uid, gid = (int(number) for number in asking)
    group, groups = os.getegid(), os.getgroups()
    os.setgroups([gid])
    os.setegid(gid)
    os.seteuid(uid)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(group)
        os.setgroups(groups)


def _call(result: int) -> None:
    if result:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
