"""A smaller session out of a larger one: a span, some targets, without names if so wished."""

from collections.abc import Container, Iterable, Iterator
from pathlib import Path
from typing import Final

import msgspec

from analysis.definitions import in_force
from analysis.samples import Name, Probes, Sample, Series
from collectors.session.filestore import OBSERVATIONS, FileStore
from collectors.session.header import Header, rfc3339
from collectors.session.redact import Redactor
from collectors.session.writer import SessionWriter

PROBES: Final = frozenset((b"probes",))


class Selection(msgspec.Struct, frozen=True):
    """What is taken: start < t <= end, and the probes of these targets (names or addresses; empty: all)."""

    start_ns: int
    end_ns: int
    targets: tuple[str, ...] = ()


def chosen_series(store: FileStore, selection: Selection) -> frozenset[int] | None:
    """Return the numbers of the series to take, None where it is all of them."""
    if not selection.targets:
        return None
    wanted = frozenset(selection.targets)
    return frozenset(
        sample.id for sample in _series(store, selection) if sample.target in wanted or sample.address in wanted
    )


class Excerpt(msgspec.Struct, frozen=True):
    """A selection, ready to be written in any form; `samples` can be gone through once."""

    header: Header
    before: list[Sample]
    """Definitions in force at its start."""
    samples: Iterator[Sample]


def excerpt(store: FileStore, selection: Selection, *, redact: bool) -> Excerpt:
    """Return what is selected, without names if so wished."""
    numbers = chosen_series(store, selection)
    header = _header(store, selection)
    before = list(_filtered(store.definitions(selection.start_ns), selection, numbers))
    samples = _filtered(store.between(selection.start_ns, selection.end_ns), selection, numbers)
    if not redact:
        return Excerpt(header, before, samples)
    redactor = _taught(store, selection)
    return Excerpt(
        redactor.header(header), [redactor.sample(sample) for sample in before], map(redactor.sample, samples)
    )


def write_excerpt(store: FileStore, selection: Selection, path: Path, *, redact: bool) -> int:
    """Write a selection as a new session file; return how many samples it holds. Raises OSError."""
    cut = excerpt(store, selection, redact=redact)
    writer = SessionWriter(path, cut.header, in_force(cut.before))
    count = 0
    try:
        for sample in cut.samples:
            writer.write(sample)
            count += 1
        writer.close()
    except OSError:
        writer.abandon()
        raise
    return count


def _header(store: FileStore, selection: Selection) -> Header:
    file = next((f for f in reversed(store.files) if f.start_ns <= selection.end_ns), store.files[0])
    span = store.span() or (0, 0)
    started = rfc3339(max(selection.start_ns, span[0]))
    cut = selection.targets or selection.start_ns > span[0] or selection.end_ns < span[1]
    return msgspec.structs.replace(file.header, part=0, excerpt=file.header.excerpt or bool(cut), started=started)


def _taught(store: FileStore, selection: Selection) -> Redactor:
    """Return a redactor that knows every name in the selection."""
    redactor = Redactor()
    for file in store.files:
        redactor.learn_header(file.header)
    for sample in store.definitions(selection.start_ns):
        redactor.learn(sample)
    for sample in store.between(selection.start_ns, selection.end_ns, skip=PROBES):
        redactor.learn(sample)
    return redactor


def _filtered(samples: Iterable[Sample], selection: Selection, numbers: frozenset[int] | None) -> Iterator[Sample]:
    """Yield what belongs to the series `numbers`, None meaning all, and whatever belongs to no series."""
    if numbers is None:
        yield from samples
        return
    for sample in samples:
        match sample:
            case Probes():
                if (kept := _rows_of(sample, numbers)) is not None:
                    yield kept
            case Series(id=number):
                if number in numbers:
                    yield sample
            case Name(target=target):
                if target in selection.targets:
                    yield sample
            case _:
                yield sample


def _rows_of(batch: Probes, numbers: Container[int]) -> Probes | None:
    """Return the rows of some series of a batch, None where there are none."""
    rows = [row for row, series in enumerate(batch.series) if series in numbers]
    in_flight = tuple(pair for pair in batch.in_flight if pair[0] in numbers)
    if not rows and not in_flight:
        return None
    place = {row: at for at, row in enumerate(rows)}
    return Probes(
        batch.t,
        series=tuple(batch.series[row] for row in rows),
        age_us=tuple(batch.age_us[row] for row in rows),
        outcome=tuple(batch.outcome[row] for row in rows),
        rtt_us=tuple(batch.rtt_us[row] for row in rows),
        notes=tuple(msgspec.structs.replace(n, row=place[n.row]) for n in batch.notes if n.row in place),
        in_flight=in_flight,
    )


def _series(store: FileStore, selection: Selection) -> Iterator[Series]:
    inside = store.between(selection.start_ns, selection.end_ns, skip=OBSERVATIONS)
    for sample in (*store.definitions(selection.start_ns), *inside):
        if isinstance(sample, Series):
            yield sample
