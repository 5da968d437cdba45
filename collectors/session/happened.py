"""Outages, changes and marks of a recorded session as lines: CSV or JSON lines."""

import csv
import io
from collections.abc import Iterable, Iterator
from typing import Final

import msgspec

from analysis.events import Event
from analysis.model import Model
from analysis.samples import Sample
from analysis.settings import Settings
from collectors.session.header import rfc3339
from collectors.session.tables import spreadsheet_cell

COLUMNS: Final = ("time", "kind", "severity", "who", "length_s", "lost", "text")


def happened(samples: Iterable[Sample], settings: Settings) -> tuple[tuple[Event, ...], int]:
    """Return every event of a session, ascending in time, and the time of its last sample."""
    model = Model(settings, events_kept=None)
    last_ns = 0
    for sample in samples:
        model.fold(sample)
        last_ns = max(last_ns, sample.t)
    return model.events(last_ns), last_ns


def event_csv(events: Iterable[Event], end_ns: int) -> Iterator[str]:
    """Yield one line an event (UTC). Outages have a length and probes lost; one that goes on lasts to `end_ns`."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(COLUMNS)
    for event in events:
        length_s = "" if (length := _length_s(event, end_ns)) is None else f"{length:.3f}"
        lost = event.lost if event.kind == "outage" else ""
        who, text = spreadsheet_cell(event.who), spreadsheet_cell(str(event.text))
        writer.writerow((rfc3339(event.t), event.kind, event.severity, who, length_s, lost, text))
    yield buffer.getvalue()


def event_json_lines(events: Iterable[Event], end_ns: int) -> Iterator[str]:
    """Yield one object an event; `length_s` of an outage that goes on is null, `so_far_s` says how long it has."""
    for event in events:
        told: dict[str, object] = {
            "time": rfc3339(event.t),
            "t": event.t,
            "kind": event.kind,
            "severity": event.severity,
            "who": event.who,
            "text": str(event.text),
        }
        if event.kind == "outage":
            goes_on = event.end_ns is None
            told |= {"lost": event.lost, "length_s": None if goes_on else _length_s(event, end_ns)}
            told |= {"so_far_s": _length_s(event, end_ns)} if goes_on else {}
        yield msgspec.json.encode(told).decode() + "\n"


def _length_s(event: Event, end_ns: int) -> float | None:
    length_ns = event.length_ns(end_ns)
    return None if length_ns is None else length_ns / 1e9
