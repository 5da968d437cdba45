"""The lines above the panes: who and when, and the verdict."""

from collections.abc import Mapping
from typing import Final

from rich.cells import cell_len

from analysis.samples import Prober
from analysis.text import Sentence
from analysis.units import duration, size
from analysis.view import View
from tui.feed import Feed
from tui.panes.base import Pane
from tui.panes.time import state_run
from tui.severity import glyph, role, word
from tui.text import N_, _, tell
from tui.widgets.clean import clean
from tui.widgets.runs import Glyphs, Row, Run, cut, fit
from tui.widgets.wrap import wrap, wrap_rows

STAMPS = {
    "kernel": N_("kernel stamps"),
    "kernel-rx": N_("kernel receive stamps only"),
    "user": N_("process clock: busy boxes look slow"),
}
_SOCKETS = {"raw": N_("icmp raw"), "dgram": N_("icmp datagram"), "none": N_("no icmp: TCP only")}


_LEAST_HOST: Final = 6
"""Cells of the host's name that stay, however narrow it is."""


def header_row(view: View, feed: Feed, glyphs: Glyphs, width: int) -> Row:
    """Return the first line: product, host, whether this is now, how it is measured and recorded."""
    name, state = " longpipe  ", state_run(feed, glyphs)
    host, left_for_it = clean(feed.host), width - cell_len(f"{name}  {state[0]}")
    if cell_len(host) > left_for_it:
        host = cut(host, max(_LEAST_HOST, left_for_it), glyphs)
    left: Row = ((name, "accent"), (f"{host}  ", "plain"), state)
    room = width - sum(cell_len(text) for text, role_ in left)
    parts = [*services_up(view), *recorded(feed), *measured(view)]
    while parts and cell_len(_joined(parts)) > room:
        parts.pop()
    return (*left, (fit(_joined(parts), room, right=True, glyphs=glyphs), "dim"))


def _joined(parts: list[str]) -> str:
    return f"  {' · '.join(parts)} " if parts else ""


def services_up(view: View) -> list[str]:
    """Return how many services are up and ports as they must be, where any are checked."""
    parts: list[str] = []
    if view.services:
        up = sum(row.state == "up" for row in view.services)
        parts.append(_("services up: {n}/{all}", n=up, all=len(view.services)))
    if judged := [one for host in view.ports for one in host.ports]:
        parts.append(_("ports right: {n}/{all}", n=sum(one.is_met for one in judged), all=len(judged)))
    return parts


def recorded(feed: Feed) -> list[str]:
    """Return how long and how much has been recorded, and how many marks were set."""
    parts = [_("file damaged: e says how")] if feed.problems() else []
    state = feed.recording()
    if state is not None and state.problem is not None:
        parts.append(_("NOT RECORDING"))
    elif state is not None and (end_ns := _end_ns(feed)) is not None:
        length = duration(end_ns - state.since_ns)
        parts.append(_("rec {length} {size}", length=length, size=size(state.bytes)))
    if marks := sum(event.kind == "mark" for event in feed.events()):
        parts.append(_("marks: {n}", n=marks))
    return parts


def _end_ns(feed: Feed) -> int | None:
    span = feed.player.timeline.store.span()
    return span[1] if span else None


def measured(view: View) -> list[str]:
    """Return how probes are sent and timed, whether the clock moved, and what was dropped."""
    parts = [_("clock moved")] if any(one.collector == "clock" and one.problem for one in view.health) else []
    if view.probers:
        parts.append(_prober(view.probers[0]))
    if view.dropped:
        parts.append(_("{n} samples dropped", n=view.dropped))
    return parts


def _prober(prober: Prober) -> str:
    how = _(_SOCKETS[prober.socket])
    return how if prober.socket == "none" else _("{how}, {stamps}", how=how, stamps=_(STAMPS[prober.stamps]))


def verdict_rows(view: View, glyphs: Glyphs, width: int) -> list[Row]:
    """Return the verdict, severity first by glyph and word, over at most two rows."""
    severity = view.verdict.severity
    text = f" {glyph(severity, glyphs)} {word(severity)}  {tell(view.verdict.text)}"
    rows = wrap(text, max(20, width - 1), indent=3)
    if len(rows) > 2:
        rows = [rows[0], cut(f"{rows[1]} {rows[2].strip()}", width - 1, glyphs)]
    return [((row, role(severity)),) for row in rows]


def sentence_rows(sentences: tuple[Sentence, ...], width: int) -> list[Row]:
    """Return sentences as a list, one to a paragraph."""
    return [row for sentence in sentences for row in wrap_rows(f"- {tell(sentence)}", width, indent=2)]


def unseen_rows(sentences: tuple[Sentence, ...], width: int) -> list[Row]:
    """Return what cannot be known, under a head that says so: such a sentence names a fault that nobody saw."""
    if not sentences:
        return []
    return [(), ((_("What cannot be seen here"), "head"),), *sentence_rows(sentences, width)]


def tab_row(panes: Mapping[str, type[Pane]], front: str) -> Row:
    """Return the names of the panes, for screens that have room for one."""
    runs: list[Run] = [(" ", "plain")]
    for name, pane in panes.items():
        runs += [(f" {pane.number} {_(pane.heading)} ", "cursor" if name == front else "dim"), (" ", "plain")]
    return tuple(runs)
