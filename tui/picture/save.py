"""Saves pictures where the person finds them, for their eyes only."""

import os
import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from textual.app import App

from tui.picture.capture import screen_svg

_UNSAFE: Final = re.compile(r"[^\w.-]|^\.+", re.ASCII)
"""The name of a box may come from a stranger's file: it must not become a path."""
NAMES: Final = 100


def save_screen(app: App[Any], host: str, at_ns: int) -> Path:
    """Write what `app` shows to longpipe-HOST-TIME.svg, mode 0600, and return the path. Raises OSError."""
    svg = screen_svg(app, f"longpipe · {host}").encode()
    when = datetime.fromtimestamp(at_ns / 1e9).astimezone().strftime("%Y%m%d-%H%M%S")
    directory = Path.cwd() if os.access(Path.cwd(), os.W_OK) else Path.home()
    return write_new(directory, f"longpipe-{file_part(host)}-{when}", ".svg", svg)


def file_part(name: str) -> str:
    """Return a name as a harmless part of a file name."""
    return _UNSAFE.sub("_", name)[:64] or "box"


def write_new(directory: Path, stem: str, suffix: str, data: bytes) -> Path:
    """Write `data` to a file that was not there before, readable by its owner only. Raises OSError."""
    for name in _names(stem, suffix):
        path = directory / name
        try:
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        except FileExistsError:
            continue
        with os.fdopen(handle, "wb") as stream:
            stream.write(data)
        return path
    raise FileExistsError(17, os.strerror(17), str(directory / f"{stem}{suffix}"))


def _names(stem: str, suffix: str) -> Iterator[str]:
    yield f"{stem}{suffix}"
    yield from (f"{stem}-{number}{suffix}" for number in range(2, NAMES))
