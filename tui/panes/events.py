"""The list of what happened: one row an event, and the same as text for the clipboard."""

from collections.abc import Sequence
from typing import Final

from analysis.events import Event
from analysis.units import duration
from tui.panes.time import clock_text, date_text
from tui.severity import glyph, role
from tui.text import N_, _, tell
from tui.widgets.clean import clean
from tui.widgets.columns import Column, TableRow
from tui.widgets.runs import Glyphs, Run

COLUMNS: Final = (
    Column(N_("time"), 10),
    Column(N_("length"), 9, align="right"),
    Column(N_("who"), 14, flex=2),
    Column(N_("what"), 18, flex=3),
)


def event_key(event: Event) -> str:
    """Return what names an event in the table: its time first, see `time_of`."""
    return f"{event.t} {event.kind} {event.subject} {event.text}"


def time_of(key: str) -> int:
    """Return the time of the event that `event_key` named."""
    return int(key.partition(" ")[0])


def event_rows(events: Sequence[Event], now_ns: int, glyphs: Glyphs) -> list[TableRow]:
    """Return the newest event first. `now_ns`: to when an outage that goes on has lasted."""
    return [_cells(event, now_ns, glyphs) for event in reversed(events)]


def _cells(event: Event, now_ns: int, glyphs: Glyphs) -> TableRow:
    sign = role(event.severity)
    time: Run = (f"{glyph(event.severity, glyphs)} {clock_text(event.t)}", sign)
    said: Run = (clean(what(event)), "plain")
    if event.kind != "outage":
        return TableRow(event_key(event), (time, ("", "plain"), said), spread=True)
    return TableRow(event_key(event), (time, (_length(event, now_ns), sign), (clean(event.who), "plain"), said))


def _length(event: Event, now_ns: int) -> str:
    length_ns = event.length_ns(now_ns)
    return "" if length_ns is None else duration(length_ns)


def what(event: Event) -> str:
    """Return what happened, without what the other columns say."""
    if event.kind != "outage":
        return tell(event.text)
    if event.end_ns is None:
        return _("still going on: no answer to {n} probes", n=event.lost)
    return _("no answer to {n} probes", n=event.lost)


def events_text(events: Sequence[Event], now_ns: int) -> str:
    """Return the list as plain text, oldest first, one event a line with its date, columns parted by tabs."""
    return "".join(
        "\t".join((date_text(event.t), _length(event, now_ns), clean(event.who), clean(what(event)))) + "\n"
        for event in events
    )
