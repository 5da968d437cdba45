"""The lines above the panes: who and when, and the verdict."""

from collections.abc import Mapping
from datetime import datetime

from rich.cells import cell_len

from analysis.samples import Prober
from analysis.text import Sentence
from analysis.view import View
from tui.panes.base import Pane
from tui.severity import glyph, role, word
from tui.text import N_, _, tell
from tui.widgets.clean import clean
from tui.widgets.runs import Glyphs, Row, Run, fit
from tui.widgets.wrap import wrap_rows

_STAMPS = {
    "kernel": N_("kernel stamps"),
    "kernel-rx": N_("kernel receive stamps only"),
    "user": N_("process clock: busy boxes look slow"),
}
_SOCKETS = {"raw": N_("icmp raw"), "dgram": N_("icmp datagram"), "none": N_("no icmp: TCP only")}


def clock_text(at_ns: int) -> str:
    """Return a time of day as the box's own clock shows it."""
    return datetime.fromtimestamp(at_ns / 1e9).astimezone().strftime("%H:%M:%S")


def header_row(view: View, host: str, live: bool, following: bool, glyphs: Glyphs, width: int) -> Row:
    """Return the first line: product, host, whether this is now, and how it is measured."""
    dot = "*" if glyphs == "ascii" else "●"
    when = clock_text(view.at_ns) if view.at_ns else "--:--:--"
    if live and following:
        state: Run = (f"{dot} {_('LIVE')} {when}", "ok")
    elif live:
        state = (f"|| {_('PAUSED at {time}', time=when)}", "warn")
    else:
        state = (f"> {_('REPLAY')} {when}", "accent")
    left: Row = ((" longpipe  ", "accent"), (f"{clean(host)}  ", "plain"), state)
    right = " · ".join(measured(view)) + " "
    room = width - sum(cell_len(text) for text, role_ in left)
    return (*left, (fit(right, room, right=True, glyphs=glyphs), "dim"))


def measured(view: View) -> list[str]:
    """Return how probes are sent and timed, and what was dropped or marked."""
    parts = []
    if view.probers:
        parts.append(_prober(view.probers[0]))
    marks = sum(1 for event in view.events if event.kind == "mark")
    if marks:
        parts.append(_("{n} marks", n=marks))
    if view.dropped:
        parts.append(_("{n} samples dropped", n=view.dropped))
    return parts


def _prober(prober: Prober) -> str:
    how = _(_SOCKETS[prober.socket])
    return how if prober.socket == "none" else f"{how}, {_(_STAMPS[prober.stamps])}"


def verdict_rows(view: View, glyphs: Glyphs, width: int) -> list[Row]:
    """Return the verdict, severity first by glyph and word, over at most two rows."""
    severity = view.verdict.severity
    text = f" {glyph(severity, glyphs)} {word(severity)}  {tell(view.verdict.text)}"
    return wrap_rows(text, max(20, width - 1), role(severity), indent=3)[:2]


def sentence_rows(sentences: tuple[Sentence, ...], width: int) -> list[Row]:
    """Return sentences as a list, one to a paragraph."""
    return [row for sentence in sentences for row in wrap_rows(f"- {tell(sentence)}", width, indent=2)]


def tab_row(panes: Mapping[str, type[Pane]], front: str) -> Row:
    """Return the names of the panes, for screens that have room for one."""
    runs: list[Run] = [(" ", "plain")]
    for name, pane in panes.items():
        runs += [(f" {pane.number} {_(pane.heading)} ", "cursor" if name == front else "dim"), (" ", "plain")]
    return tuple(runs)
