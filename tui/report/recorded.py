"""What a recorded session, or a part of it, holds for a report."""

from analysis.history import MINUTES_NS
from analysis.model import Model
from analysis.settings import Settings
from collectors.session.export import Excerpt, Selection, excerpt
from collectors.session.filestore import FileStore
from tui.report.seen import Seen, seen
from tui.text import _


def recorded(store: FileStore, selection: Selection, settings: Settings, *, redact: bool = False) -> Seen:
    """Return what was seen in a part of a session: every probe of it is read, at most those of a day.

    A minute for a day of 100 targets at 1 Hz, a few seconds for what the dashboard probes by itself.
    """
    start, end = _within(store.span() or (0, 0), selection)
    notes: tuple[str, ...] = ()
    if end - start > MINUTES_NS:
        start = end - MINUTES_NS
        notes = (_("The session is longer than a day; this is its last day."),)
    cut = excerpt(store, Selection(start - 1, end, selection.targets), redact=redact)
    return seen(_folded(cut, settings), cut.header.host, cut.header.tool, start, end, notes)


def _within(span: tuple[int, int], selection: Selection) -> tuple[int, int]:
    return max(span[0], selection.start_ns), min(span[1], selection.end_ns)


def _folded(cut: Excerpt, settings: Settings) -> Model:
    model = Model(settings)
    for sample in cut.before:
        model.fold(sample)
    for sample in cut.samples:
        model.fold(sample)
    return model
