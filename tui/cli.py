"""What every subcommand shares: the parser, the exit codes and the way to give up. Light: `--help` needs it."""

import argparse
import os
import re
import shlex
import sys
from collections.abc import Iterable, Sequence
from enum import IntEnum
from typing import Final, NoReturn

from tui.text import N_, _

_RECORDINGS: Final = (".lps", ".pcap", ".pcapng", ".cap", ".pcap.gz", ".pcapng.gz", ".pcap.zst", ".pcapng.zst")
_USUAL_COLUMNS: Final = 80


class Exit(IntEnum):
    """What the exit code of `longpipe` means."""

    OK = 0
    ERROR = 1
    USAGE = 2
    DEGRADED = 3
    """Something is degraded, or a threshold was breached."""
    PRIVILEGE = 4
    """A missing privilege stands in the way."""
    INTERRUPTED = 130


class CommandError(Exception):
    """A command cannot go on. The message, already in the person's language, is said on stderr."""

    def __init__(self, message: str, code: Exit = Exit.ERROR) -> None:
        super().__init__(message)
        self.code = code


def _columns() -> int:
    """Return what `shutil.get_terminal_size` would: argparse asks for every option, and loading shutil takes 2 ms."""
    wanted = os.environ.get("COLUMNS", "")
    if wanted.isdecimal() and int(wanted):
        return int(wanted)
    try:
        return os.get_terminal_size(1).columns or _USUAL_COLUMNS
    except OSError:
        return _USUAL_COLUMNS


class _Formatter(argparse.RawDescriptionHelpFormatter):
    """Counts cells, not characters: a Chinese word is twice as wide as argparse thinks."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, width=_columns() - 2)

    def _format_action(self, action: argparse.Action) -> str:
        import unicodedata

        text, head = super()._format_action(action), self._format_action_invocation(action)
        extra = sum(unicodedata.east_asian_width(letter) in "WF" for letter in head)
        if not extra or not (gap := re.match(rf" *{re.escape(head)}( +)(?=\S)", text)):
            return text
        column = min(self._action_max_length + 2, self._max_help_position)
        room = " " * (len(gap[1]) - extra) if len(gap[1]) > extra + 1 else f"\n{' ' * column}"
        return text[: gap.start(1)] + room + text[gap.end(1) :]


class Parser(argparse.ArgumentParser):
    """A parser that takes options between words, wants them in full, and proposes what was probably meant."""

    def __init__(self, prog: str, words: str = "", description: str = "", epilog: str = "") -> None:
        super().__init__(
            prog=prog,
            usage=" ".join(filter(None, ("%(prog)s", "[OPTION ...]", words))),
            description=description,
            epilog=epilog,
            formatter_class=_Formatter,
            allow_abbrev=False,
        )
        self.add_argument("--lang", choices=("auto", "en", "zh_CN"), help=_("language of all text"))
        self.add_argument("--config", metavar="FILE", help=_("configuration file to read instead of your own"))

    def read(self, argv: Sequence[str]) -> argparse.Namespace:
        """Return the arguments, or end the process with a usage message and exit code 2."""
        args, unknown = self.parse_known_intermixed_args(list(argv))
        if unknown:
            option = unknown[0].partition("=")[0]
            known = [name for name in self._option_string_actions if name.startswith("--")]
            self.error(_("no option {option}", option=option) + did_you_mean(option, known))
        return args

    def error(self, message: str) -> NoReturn:
        """Say what is wrong and where help is."""
        hint = _("Try: {command}", command=f"{self.prog} --help")
        self.exit(Exit.USAGE, f"{self.prog}: {message}\n{hint}\n")


def did_you_mean(word: str, known: Iterable[str], *, likeness: float = 0.6) -> str:
    """Return "; did you mean …?" for the known word nearest to `word`, or nothing."""
    import difflib

    near = difflib.get_close_matches(word, list(known), n=1, cutoff=likeness)
    return _("; did you mean {word}?", word=near[0]) if near else ""


def hosts(targets: Sequence[str], instead: str) -> list[dict[str, str]]:
    """Return targets of the command line as settings, with the gateway, which tells where a fault is not.

    A recording among them was meant for the command `instead`.
    """
    from pathlib import Path

    for target in targets:
        if target.endswith(_RECORDINGS) and Path(target).is_file():
            command = f"longpipe {instead} {shlex.quote(target)}"
            text = _("{file} is a file, no host. To see it: {command}", file=target, command=command)
            raise CommandError(text, Exit.USAGE)
    beside = ("gateway",) if targets and "gateway" not in targets else ()
    return [{"host": target} for target in (*targets, *beside)]


def accept_offsets(parser: argparse.ArgumentParser) -> None:
    """Let a word such as "-5m" be the value of an option, as negative numbers are; no option here looks like one."""
    parser._negative_number_matcher = re.compile(r"-\d.*")


def complain(message: str) -> None:
    """Say something that is not data, on stderr."""
    print(f"longpipe: {message}", file=sys.stderr)


ARGPARSE: Final = (
    N_("usage: "),
    N_("options"),
    N_("positional arguments"),
    N_("show this help message and exit"),
    N_("argument %(argument_name)s: %(message)s"),
    N_("invalid %(type)s value: %(value)r"),
    N_("invalid choice: %(value)r (choose from %(choices)s)"),
    N_("the following arguments are required: %s"),
    N_("not allowed with argument %s"),
    N_("ignored explicit argument %r"),
    N_("expected one argument"),
    N_("expected at least one argument"),
    N_("expected at most one argument"),
    N_("one of the arguments %s is required"),
)
"""What the standard parser says; it looks these up itself (see `tui.text.use_language`)."""
