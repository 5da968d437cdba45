"""Where a command's output goes: standard output, or a new file that only its owner can read."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from tui.cli import CommandError
from tui.text import _


@contextmanager
def output_to(name: str | None) -> Iterator[TextIO]:
    """Give the stream to write to; a file that could not be written whole is taken away again.

    Nothing is ever overwritten. Raises CommandError.
    """
    if name is None:
        yield sys.stdout
        return
    path = Path(name)
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    except FileExistsError:
        raise CommandError(_("{file} is there already and is never overwritten", file=name)) from None
    except OSError as error:
        raise CommandError(_("{file}: {reason}", file=name, reason=error.strerror)) from None
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
            yield file
    except OSError as error:
        path.unlink(missing_ok=True)
        raise CommandError(_("{file}: {reason}", file=name, reason=error.strerror)) from None
    except BaseException:
        path.unlink(missing_ok=True)
        raise
