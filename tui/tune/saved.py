"""A reviewed plan in a file, for a person who may become root where longpipe may not."""

import os
import shlex
import stat
import sys
from pathlib import Path
from typing import Final

import msgspec

from analysis.text import N_, say
from collectors.session.recorder import state_directory
from tuning.failure import Refused
from tuning.plan import Request

_LONGEST: Final = 1 << 20


def save(request: Request) -> Path:
    """Write a plan into a new file that only its owner can read, and return where. Raises OSError."""
    folder = state_directory()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / f"plan-{request.id}.json"
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb") as file:
        file.write(msgspec.json.format(msgspec.json.encode(request)))
    return path


def load(name: str) -> Request:
    """Return the plan in a file. Raises Refused where there is none. The executor checks all that it holds."""
    try:
        descriptor = os.open(name, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as file:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise Refused(say(N_("{file} is not a file."), file=name))
            return msgspec.json.decode(file.read(_LONGEST), type=Request, strict=True)
    except OSError as failure:
        raise Refused(say(N_("{what} cannot be read: {why}."), what=name, why=failure.strerror)) from failure
    except msgspec.DecodeError as failure:
        raise Refused(say(N_("{file} is not a plan of the wizard: {why}."), file=name, why=failure)) from failure


def for_root(*words: str) -> str:
    """Return the command that runs this longpipe as root, whatever root's search path is."""
    program = Path(sys.argv[0])
    start = [sys.executable, "-m", "tui"] if program.suffix == ".py" else [str(program.absolute())]
    return shlex.join(["sudo", *start, *words])
