"""The line that shows the whole session, and what is said of where the cursor stands."""

from datetime import datetime
from typing import Final

from analysis.units import duration
from tui.feed import Feed
from tui.text import _
from tui.widgets.runs import Glyphs, Run
from tui.widgets.scrubber import ScrubberData

STEPS_NS: Final = tuple(s * 10**9 for s in (1, 2, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 7200))


def clock_text(at_ns: int) -> str:
    """Return a time of day as the box's own clock shows it."""
    return datetime.fromtimestamp(at_ns / 1e9).astimezone().strftime("%H:%M:%S")


def date_text(at_ns: int) -> str:
    """Return a day and time as the box's own clock shows them."""
    return datetime.fromtimestamp(at_ns / 1e9).astimezone().strftime("%Y-%m-%d %H:%M:%S")


def state_run(feed: Feed, glyphs: Glyphs) -> Run:
    """Return whether this is now, and if not, how far it is from now and what the cursor does."""
    player = feed.player
    at_ns = player.timeline.at_ns
    when = clock_text(at_ns) if at_ns else "--:--:--"
    dot, pause, play, stop = ("*", "||", ">", "#") if glyphs == "ascii" else ("●", "‖", "▶", "■")
    if player.mode == "follow":
        return f"{dot} {_('LIVE')} {when}", "ok"
    if player.live:
        span = player.timeline.store.span()
        behind = duration(span[1] - at_ns) if span else "–"
        sign = play if player.mode == "play" else pause
        return f"{sign} {_('NOT LIVE: {time}, {behind} ago', time=when, behind=behind)}{_speed(feed)}", "cursor"
    if player.mode == "end":
        return f"{stop} {_('END OF RECORDING')} {when}", "warn"
    word = _("REPLAY") if player.mode == "play" else _("REPLAY PAUSED")
    sign = play if player.mode == "play" else pause
    return f"{sign} {word} {when}{_speed(feed)}", "accent"


def _speed(feed: Feed) -> str:
    return "" if feed.player.speed == 1 else f" ×{feed.player.speed:g}"


def scrubber_data(feed: Feed, width: int) -> ScrubberData | None:
    """Return the whole session in at most `width` columns, None while it is shorter than one second."""
    span = feed.player.timeline.stretch()
    if span is None or span[1] - span[0] < 10**9:
        return None
    start, end = span
    step = next((step for step in STEPS_NS if (end - start) / step <= width), STEPS_NS[-1])
    cursor = None if feed.player.mode == "follow" else feed.player.timeline.at_ns
    events = feed.events()
    return ScrubberData(
        feed.overview(start, end, step),
        start,
        end,
        cursor_ns=cursor,
        marks=tuple(event.t for event in events if event.kind == "mark"),
        epochs=tuple(event.t for event in events if event.kind in {"route", "best"}),
        start_label=clock_text(start)[:5],
        end_label=clock_text(end)[:5],
    )
