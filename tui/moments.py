"""A time in a person's words: "14:02", "14:02:30", "-5m", "+90s", "yesterday 23:10", "2026-11-22 14:02", "end"."""

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from tui.text import _

_OFFSET: Final = re.compile(r"([+-])\s*(\d+(?:\.\d+)?)\s*(s|m|h|d)?$")
_UNIT_S: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400, None: 60}
_CLOCK: Final = re.compile(r"(\d{1,2}):(\d{2})(?::(\d{2}))?$")
_DAY: Final = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})$")
_WORDS: Final = {"today": 0, "yesterday": -1, "今天": 0, "昨天": -1}


class NotATime(ValueError):
    """The words cannot be read as a time; the message, in the person's language, says what can."""


def moment(words: str, now_ns: int, first_ns: int, last_ns: int) -> int:
    """Return the time in ns that `words` mean, in the box's time zone.

    Offsets count from `now_ns`, where the cursor stands. A bare time of day is its latest occurrence that is not
    after `last_ns`. Raises NotATime.
    """
    words = words.strip().lower()
    if words in {"start", "开始"}:
        return first_ns
    if words in {"end", "now", "结束", "现在"}:
        return last_ns
    if offset := _OFFSET.match(words):
        seconds = float(offset[2]) * _UNIT_S[offset[3]]
        return now_ns + int(seconds * 1e9) * (-1 if offset[1] == "-" else 1)
    day, _space, clock = words.rpartition(" ")
    time = _CLOCK.match(clock)
    if time is None:
        raise _unreadable(words)
    hour, minute, second = int(time[1]), int(time[2]), int(time[3] or 0)
    base = datetime.fromtimestamp(last_ns / 1e9).astimezone()
    try:
        at = _day(day, base).replace(hour=hour, minute=minute, second=second, microsecond=0)
    except ValueError as error:
        raise _unreadable(words) from error
    if not day and at > base:
        at -= timedelta(days=1)
    return int(at.timestamp()) * 10**9


def stretch(words: str, first_ns: int, last_ns: int, read: Callable[[str], int]) -> tuple[int, int]:
    """Return the times that "FROM..TO" means, each word understood by `read`; a missing side is the session's own.

    Raises NotATime.
    """
    begin, dots, end = words.partition("..")
    if not dots:
        raise NotATime(_("“{words}” is no span of time: write FROM..TO", words=words))
    start_ns = read(begin) if begin.strip() else first_ns
    end_ns = read(end) if end.strip() else last_ns
    if start_ns >= end_ns:
        raise NotATime(_("“{words}” ends before it begins.", words=words))
    return start_ns, end_ns


def words_for(at_ns: int, last_ns: int) -> str:
    """Return words that `moment` reads as this time, cut to the second, in a session that ends at `last_ns`."""
    at, last = (datetime.fromtimestamp(ns // 10**9).astimezone() for ns in (at_ns, last_ns))
    return at.strftime("%H:%M:%S" if at.date() == last.date() else "%Y-%m-%d %H:%M:%S")


def _day(words: str, base: datetime) -> datetime:
    if not words:
        return base
    if words in _WORDS:
        return base + timedelta(days=_WORDS[words])
    if date := _DAY.match(words):
        return base.replace(year=int(date[1]), month=int(date[2]), day=int(date[3]))
    raise _unreadable(words)


def _unreadable(words: str) -> NotATime:
    return NotATime(
        _(
            "“{words}” is not a time. Try 14:02, -5m, +90s, yesterday 23:10 or 2026-11-22 14:02.",
            words=words,
        )
    )
