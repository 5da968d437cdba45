"""Sessions in other tools' formats, line by line: CSV, JSON lines, Prometheus text."""

import csv
import io
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from typing import Final

import msgspec

from analysis.samples import Outcome, Probes, Routes, Sample, Series
from collectors.session.header import Header, rfc3339

COLUMNS: Final = ("time", "target", "address", "protocol", "route", "outcome", "rtt_ms", "note")
BOUNDS_US: Final = (
    1_000,
    2_500,
    5_000,
    10_000,
    25_000,
    50_000,
    100_000,
    150_000,
    250_000,
    500_000,
    1_000_000,
    2_500_000,
)
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
_COUNTED: Final = (
    Outcome.ANSWERED,
    Outcome.LOST,
    Outcome.LATE,
    Outcome.FAILED,
    Outcome.DUPLICATE,
    Outcome.UNREACHABLE,
)


class _Names:
    """What series and routes are called, as told so far."""

    def __init__(self) -> None:
        self._series: dict[int, Series] = {}
        self._routes: dict[str, str] = {}

    def learn(self, sample: Sample) -> None:
        if isinstance(sample, Series):
            self._series[sample.id] = sample
        elif isinstance(sample, Routes):
            self._routes = {route.id: route.name for route in sample.routes}

    def of(self, number: int) -> tuple[str, str, str, str]:
        """Return target, address, protocol and route of a series."""
        series = self._series.get(number)
        if series is None:
            return f"#{number}", "", "", ""
        return series.target, series.address, series.protocol, self._routes.get(series.route, series.route)


def csv_lines(samples: Iterable[Sample]) -> Iterator[str]:
    """Yield one line for each settled probe, at its time of sending (UTC); times in ms, empty where unanswered."""
    names, buffer = _Names(), io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(COLUMNS)
    for sample in samples:
        names.learn(sample)
        if not isinstance(sample, Probes):
            continue
        notes = {
            note.row: note.reason if note.sender is None else f"{note.reason} {note.sender}" for note in sample.notes
        }
        columns = zip(sample.series, sample.age_us, sample.outcome, sample.rtt_us, strict=True)
        for row, (number, age_us, outcome, rtt_us) in enumerate(columns):
            time = rfc3339(sample.t - age_us * 1000)
            word = Outcome(outcome).name.lower()
            rtt = "" if rtt_us is None else f"{rtt_us / 1000:.3f}"
            name = map(spreadsheet_cell, names.of(number))
            writer.writerow((time, *name, word, rtt, spreadsheet_cell(notes.get(row, ""))))
        yield buffer.getvalue()
        buffer.seek(0)
        buffer.truncate()
    yield buffer.getvalue()


def json_lines(header: Header, samples: Iterable[Sample]) -> Iterator[str]:
    """Yield the session as plain lines, which is a session file too."""
    encoder = msgspec.json.Encoder()
    yield encoder.encode(header).decode() + "\n"
    for sample in samples:
        yield encoder.encode(sample).decode() + "\n"


def prometheus_lines(samples: Iterable[Sample]) -> Iterator[str]:
    """Yield totals in the Prometheus text format 0.0.4: probes by outcome, a histogram of round-trip times.

    A late reply was told lost before: `lost` minus `late` is what never came.
    """
    names = _Names()
    totals: dict[tuple[tuple[str, str, str, str], str], int] = {}
    histograms: dict[tuple[str, str, str, str], list[int]] = {}
    sums: dict[tuple[str, str, str, str], int] = {}
    for sample in samples:
        names.learn(sample)
        if not isinstance(sample, Probes):
            continue
        for number, outcome, rtt_us in zip(sample.series, sample.outcome, sample.rtt_us, strict=True):
            name = names.of(number)
            if outcome in _COUNTED:
                key = name, Outcome(outcome).name.lower()
                totals[key] = totals.get(key, 0) + 1
            if outcome == Outcome.ANSWERED and rtt_us is not None:
                counts = histograms.setdefault(name, [0] * (len(BOUNDS_US) + 1))
                counts[bisect_left(BOUNDS_US, rtt_us)] += 1
                sums[name] = sums.get(name, 0) + rtt_us
    yield "# HELP longpipe_probes_total Probes settled, by outcome.\n# TYPE longpipe_probes_total counter\n"
    for (name, word), count in sorted(totals.items()):
        yield f'longpipe_probes_total{{{_labels(name)},outcome="{word}"}} {count}\n'
    yield "# HELP longpipe_rtt_seconds Round-trip time of answered probes.\n# TYPE longpipe_rtt_seconds histogram\n"
    for name, counts in sorted(histograms.items()):
        yield from _histogram(_labels(name), counts, sums[name])


def _histogram(labels: str, counts: list[int], sum_us: int) -> Iterator[str]:
    below = 0
    for bound, count in zip((*(f"{us / 1e6:g}" for us in BOUNDS_US), "+Inf"), counts, strict=True):
        below += count
        yield f'longpipe_rtt_seconds_bucket{{{labels},le="{bound}"}} {below}\n'
    yield f"longpipe_rtt_seconds_sum{{{labels}}} {sum_us / 1e6}\n"
    yield f"longpipe_rtt_seconds_count{{{labels}}} {below}\n"


def _labels(name: tuple[str, str, str, str]) -> str:
    pairs = zip(("target", "address", "protocol", "route"), name, strict=True)
    return ",".join(f'{label}="{_escaped(value)}"' for label, value in pairs)


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")


def spreadsheet_cell(text: str) -> str:
    """Return text that no spreadsheet takes for a formula (CWE-1236): a session may come from a stranger."""
    return "'" + text if text.startswith(_FORMULA) else text
