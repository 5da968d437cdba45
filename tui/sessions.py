"""Opening recorded sessions for commands: failures as sentences, and what was wrong with the files at the end."""

from collections.abc import Sequence
from pathlib import Path

from collectors.session.filestore import FileStore
from collectors.session.header import Unreadable
from collectors.session.sources import open_sources
from tui.cli import CommandError, Exit, complain
from tui.live import TOOL
from tui.moments import NotATime, moment, stretch
from tui.text import _, tell
from tui.widgets.clean import clean


def open_one(paths: Sequence[str]) -> FileStore:
    """Return the timeline of session files of one box. Raises CommandError."""
    try:
        sources = open_sources([Path(path) for path in paths], TOOL)
    except Unreadable as refused:
        raise CommandError(clean(tell(refused.problem))) from None
    except OSError as error:
        raise CommandError(_("{file}: {reason}", file=error.filename, reason=error.strerror)) from None
    if not sources:
        raise CommandError(_("There is no session in {place}.", place=", ".join(paths)))
    if len(sources) > 1:
        names = "\n".join(f"  {clean(source.name)}" for source in sources)
        raise CommandError(_("these are several boxes or sessions at one time; give one of them:") + "\n" + names)
    if sources[0].store.span() is None:
        raise CommandError(_("nothing was recorded in {place}", place=", ".join(paths)))
    store = sources[0].store
    if not isinstance(store, FileStore):
        raise CommandError(_("{file} is a capture, not a session; see longpipe roce", file=clean(sources[0].name)))
    return store


def tell_problems(*stores: FileStore) -> int:
    """Say what was wrong with the files; return the exit code: 0, or 3 where something was missing."""
    problems = [problem for store in stores for file in store.files for problem in file.problems()]
    for problem in problems:
        complain(clean(tell(problem)))
    return Exit.DEGRADED if problems else Exit.OK


def instant(words: str, span: tuple[int, int]) -> int:
    """Return the time that words mean in a session: "-5m" is before its end, "+5m" after its start."""
    first, last = span
    try:
        return moment(words, first if words.lstrip().startswith("+") else last, first, last)
    except NotATime as error:
        raise CommandError(str(error), Exit.USAGE) from None


def period(words: str, span: tuple[int, int]) -> tuple[int, int]:
    """Return the times that "FROM..TO" means; a missing side is the session's own."""
    try:
        return stretch(words, *span, lambda side: instant(side, span))
    except NotATime as error:
        raise CommandError(str(error), Exit.USAGE) from None
