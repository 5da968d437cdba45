"""Times in words: "14:02", "-5m", "yesterday 23:10", "2026-11-22 14:02:30", "start", "end"."""

import argparse
import re
from datetime import datetime, timedelta
from typing import Final

from tui.cli import CommandError, Exit
from tui.text import _

_UNITS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_OFFSET: Final = re.compile(r"([+-])(\d+(?:\.\d+)?)([smhd])")
_CLOCK: Final = re.compile(r"(?:(today|yesterday)\s+)?(\d{1,2}):(\d{2})(?::(\d{2}))?")
SECOND_NS: Final = 10**9


def accept_offsets(parser: argparse.ArgumentParser) -> None:
    """Let a word such as "-5m" be the value of an option, as negative numbers are; no option here looks like one."""
    parser._negative_number_matcher = re.compile(r"-\d.*")


def instant(text: str, span: tuple[int, int]) -> int:
    """Return the time that `text` means in a session of `span`, in ns; words and dates are local time.

    "-5m" is before its end, "+5m" after its start; a time of day is the last one in the session, or the nearest to
    it. Raises CommandError (usage) where nothing is meant.
    """
    text = text.strip().lower()
    start, end = span
    if text in ("start", "end"):
        return start if text == "start" else end
    if found := _OFFSET.fullmatch(text):
        length = round(float(found[2]) * _UNITS[found[3]] * SECOND_NS)
        return start + length if found[1] == "+" else end - length
    if found := _CLOCK.fullmatch(text):
        return _of_day(found, span)
    try:
        return _ns(datetime.fromisoformat(text.upper().replace("Z", "+00:00")).astimezone())
    except (ValueError, OverflowError):
        hint = _('write "14:02", "-5m", "yesterday 23:10" or "2026-11-22 14:02"')
        raise CommandError(_("{text} is no time: {hint}", text=text, hint=hint), Exit.USAGE) from None


def period(text: str, span: tuple[int, int]) -> tuple[int, int]:
    """Return the times that "FROM..TO" means; a missing side is the session's own."""
    first, dots, last = text.partition("..")
    if not dots:
        raise CommandError(_("{text} is no span of time: write FROM..TO", text=text), Exit.USAGE)
    begin = instant(first, span) if first.strip() else span[0]
    return begin, instant(last, span) if last.strip() else span[1]


def _of_day(found: re.Match[str], span: tuple[int, int]) -> int:
    """Return a time of day on the day of the session's end, or the day before that if it would be after the end."""
    last = datetime.fromtimestamp(span[1] / SECOND_NS).astimezone()
    hour, minute, second = int(found[2]), int(found[3]), int(found[4] or 0)
    try:
        at = last.replace(hour=hour, minute=minute, second=second, microsecond=0)
    except ValueError:
        raise CommandError(_("{text} is no time of day", text=found[0]), Exit.USAGE) from None
    if found[1] == "yesterday" or (found[1] is None and _ns(at) > span[1] and _ns(at - timedelta(days=1)) >= span[0]):
        at -= timedelta(days=1)
    return _ns(at)


def _ns(at: datetime) -> int:
    return round(at.timestamp() * 1000) * 1_000_000
