"""Runs other programs: the one module that does. Argument vectors only, a fixed environment, no shell."""

import contextlib
import subprocess
from collections.abc import Sequence
from typing import Final

import msgspec

TOOLS: Final = "/usr/sbin:/usr/bin:/sbin:/bin"
"""Where programs are looked for; never the caller's own search path."""
TIMEOUT_S: Final = 20.0
_MISSING: Final = 127
_HUNG: Final = 124


class Done(msgspec.Struct, frozen=True):
    """How a program ended; `code` 127 where there is no such program, 124 where it took too long."""

    code: int
    out: str = ""
    err: str = ""


def run(argv: Sequence[str], *, text: str = "", tools: str = TOOLS, timeout_s: float = TIMEOUT_S) -> Done:
    """Run a program to its end, with `text` as its input."""
    try:
        done = subprocess.run(
            list(argv),
            input=text,
            capture_output=True,
            text=True,
            errors="replace",
            env=environment(tools),
            timeout=timeout_s,
            check=False,
        )
    except (FileNotFoundError, PermissionError, NotADirectoryError) as failure:
        return Done(_MISSING, err=f"{argv[0]}: {failure.strerror}")
    except subprocess.TimeoutExpired:
        return Done(_HUNG, err=f"{argv[0]}: no end after {timeout_s:.0f} s")
    return Done(done.returncode, done.stdout, done.stderr.strip())


def start_apart(argv: Sequence[str], tools: str = TOOLS) -> Done:
    """Start a program that puts itself in the background, in a session of its own: no signal of ours reaches it."""
    done = subprocess.run(
        list(argv),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=environment(tools),
        cwd="/",
        start_new_session=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    return Done(done.returncode)


def converse(argv: Sequence[str], text: str, tools: str = TOOLS) -> "subprocess.Popen[str]":
    """Start a program, give it `text`, and return it with all that it says still to be read line by line."""
    process = subprocess.Popen(
        list(argv),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,  # never onto the screen of whoever started us
        text=True,
        errors="replace",
        env=environment(tools),
    )
    assert process.stdin is not None  # noqa: S101 - asked for above
    with contextlib.suppress(BrokenPipeError):  # who has ended already has said why
        process.stdin.write(text)
        process.stdin.close()
    return process


def environment(tools: str = TOOLS) -> dict[str, str]:
    """Return the environment of every program: messages in English, as they are parsed."""
    return {"PATH": tools, "LC_ALL": "C"}
