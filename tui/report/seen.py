"""What a report is made of: everything that was seen over a span of time."""

from typing import Final

import msgspec

from analysis.events import Event
from analysis.model import Model
from analysis.view import Lens, PathSpan, View

STEPS_NS: Final = tuple(s * 10**9 for s in (1, 2, 5, 10, 20, 30, 60, 120, 300, 600))
COLUMNS: Final = 300
"""Columns of a graph, at most."""


class Seen(msgspec.Struct, frozen=True):
    """A span of a session of `host`. `view` is what was to be seen at its end; `notes` are in plain words."""

    host: str
    tool: str
    start_ns: int
    end_ns: int
    view: View
    paths: tuple[PathSpan, ...]
    events: tuple[Event, ...]
    notes: tuple[str, ...] = ()


def seen(model: Model, host: str, tool: str, start_ns: int, end_ns: int, notes: tuple[str, ...] = ()) -> Seen:
    """Return what `model`, folded up to `end_ns`, knows of [start_ns, end_ns)."""
    step = next((step for step in STEPS_NS if (end_ns - start_ns) / step <= COLUMNS), STEPS_NS[-1])
    return Seen(
        host,
        tool,
        start_ns,
        end_ns,
        model.view(end_ns, Lens()),
        model.spans(start_ns, end_ns, step),
        tuple(event for event in model.events(end_ns) if event.t >= start_ns),
        notes,
    )
