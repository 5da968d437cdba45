"""A time in a person's words."""

from datetime import datetime

import pytest

from tui.moments import NotATime, moment


def ns(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp() * 1e9)


FIRST, NOW, LAST = ns("2026-11-20T09:00+00:00"), ns("2026-11-22T14:30+00:00"), ns("2026-11-22T15:00+00:00")


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        ("14:02", "2026-11-22T14:02+00:00"),
        ("14:02:30", "2026-11-22T14:02:30+00:00"),
        ("23:10", "2026-11-21T23:10+00:00"),
        ("-5m", "2026-11-22T14:25+00:00"),
        ("-5", "2026-11-22T14:25+00:00"),
        ("+90s", "2026-11-22T14:31:30+00:00"),
        ("-1.5h", "2026-11-22T13:00+00:00"),
        ("yesterday 23:10", "2026-11-21T23:10+00:00"),
        ("昨天 23:10", "2026-11-21T23:10+00:00"),
        ("2026-11-20 10:00", "2026-11-20T10:00+00:00"),
        ("start", "2026-11-20T09:00+00:00"),
        ("end", "2026-11-22T15:00+00:00"),
    ],
)
def test_what_people_write(words: str, meant: str) -> None:
    assert moment(words, NOW, FIRST, LAST) == ns(meant)


@pytest.mark.parametrize("words", ["", "soon", "25:00", "14:61", "2026-13-01 10:00", "-m", "14", "someday 10:00"])
def test_what_is_no_time_is_told_with_what_would_be(words: str) -> None:
    with pytest.raises(NotATime, match="14:02"):
        moment(words, NOW, FIRST, LAST)
