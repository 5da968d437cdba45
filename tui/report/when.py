"""Times of a report in the reader's own time zone."""

from datetime import datetime
from typing import Final

from analysis.units import duration
from tui.report.schema import Report

SECOND_NS: Final = 10**9


def local(time: str) -> datetime:
    """Return an RFC 3339 time in the reader's own time zone."""
    return datetime.fromisoformat(time).astimezone()


def clock(report: Report, time: str) -> str:
    """Return a time of day, with the day where the report spans several."""
    at = local(time)
    day = "" if local(report.start).date() == local(report.end).date() else f"{at:%m-%d} "
    return f"{day}{at:%H:%M:%S}"


def length(seconds: float) -> str:
    """Return a length of time."""
    return duration(seconds * SECOND_NS)
