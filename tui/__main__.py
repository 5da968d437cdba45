"""The command line: `longpipe [TARGET…]` or `longpipe COMMAND …`. Imports stay light, `--help` answers at once."""

import errno
import gc
import importlib
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import NoReturn

from tui import __version__
from tui.cli import CommandError, Exit, Parser, complain, did_you_mean
from tui.commands import COMMANDS, Command
from tui.text import _, use_language

_COMMON = ("--lang", "--config")
"""Options with a value that may also stand before the command."""
_UNWRITABLE = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO}


def command() -> NoReturn:
    """Be the program: end at once, for the kernel takes everything back sooner than the interpreter would."""
    code = main()
    with suppress(OSError):  # it may be what has failed
        sys.stdout.flush()
    os._exit(code)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command line and return its exit code (see `tui.cli.Exit`)."""
    gc.set_threshold(20_000)  # what is imported is much and no garbage
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # numpy starts threads for matrices, which nobody has here
    words = list(sys.argv[1:] if argv is None else argv)
    use_language(_value_of("--lang", words) or os.environ.get("LONGPIPE_LANGUAGE"))
    for stream in (sys.stdout, sys.stderr):
        if reconfigure := getattr(stream, "reconfigure", None):
            reconfigure(errors="replace")
    try:
        code = _dispatch(words)
        sys.stdout.flush()  # here, where a reader that has gone is still noticed
    except CommandError as error:
        complain(str(error))
        return error.code
    except KeyboardInterrupt:
        return Exit.INTERRUPTED
    except BrokenPipeError:
        _close_output()
        return Exit.OK
    except OSError as error:
        if error.errno not in _UNWRITABLE or error.filename is not None:
            raise
        _close_output()
        complain(
            _(
                "The output could not be written: {reason}. What was written before may end anywhere.",
                reason=error.strerror,
            )
        )
        return Exit.ERROR
    return code


def _close_output() -> None:
    """Let nothing be written to standard output any more, not even by the interpreter at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _dispatch(words: list[str]) -> int:
    """Find the command that the words ask for and run it."""
    before = _leading_common(words)
    first = words[before] if before < len(words) else ""
    command = next((c for c in COMMANDS if c.name == first), None)
    if command is None:
        _refuse_misspelt(first)
        return _run(COMMANDS[0], words, bare=True)
    return _run(command, words[:before] + words[before + 1 :])


def _run(command: Command, words: Sequence[str], *, bare: bool = False) -> int:
    """Parse the words for one command and run it."""
    module = importlib.import_module(command.module)
    parser = Parser(
        prog="longpipe" if bare else f"longpipe {command.name}",
        words=command.words,
        description=_("Find and fix network trouble on this box.") if bare else _(command.help),
        epilog=_overview() if bare else "",
    )
    if bare:
        parser.add_argument(
            "-V",
            "--version",
            action="version",
            version=f"longpipe {__version__}",
            help=_("show the version and exit"),
        )
    module.add_arguments(parser)
    try:
        args = parser.read(words)
    except SystemExit as done:  # help was shown, or a usage error
        return int(done.code or 0)
    code: int = module.run(args)
    return code


def _refuse_misspelt(word: str) -> None:
    """Tell a misspelt command from a target: a lone word very near to a command's name is not probed."""
    if not word.isalpha():
        return
    if hint := did_you_mean(word, [command.name for command in COMMANDS], likeness=0.75):
        force = _("To probe a host of that name: {command}", command=f"longpipe dashboard {word}")
        raise CommandError(_("no command {word}", word=word) + hint + f"\n{force}", Exit.USAGE)


def _overview() -> str:
    """Return the list of commands for `longpipe --help`."""
    width = max(len(command.name) for command in COMMANDS) + 2
    rows = (f"  {command.name:{width}}{_(command.help)}" for command in COMMANDS)
    more = _("Options of a command: longpipe COMMAND --help")
    return "\n".join([_("commands:"), *rows, "", more])


def _leading_common(words: Sequence[str]) -> int:
    """Return how many words at the start are common options with their values."""
    at = 0
    while at < len(words) and words[at].partition("=")[0] in _COMMON:
        at += 1 if "=" in words[at] else 2
    return at


def _value_of(option: str, words: Sequence[str]) -> str | None:
    """Return what was given for `option`, before any parser exists: help itself is translated."""
    for position, word in enumerate(words):
        name, equals, value = word.partition("=")
        if name == option:
            return value if equals else next(iter(words[position + 1 :]), None)
    return None


if __name__ == "__main__":
    command()
