"""Lines of a session into samples. Nothing in a line is believed: it may come from a stranger or from the future."""

from collections.abc import Callable, Mapping, Sequence, Sized
from typing import Any, Final, get_args

import msgspec

from analysis.samples import AnySample, BandwidthRun, FecRun, Hops, Outcome, Probes, RoceTick, Sample

TIME_LIMIT_NS: Final = 1 << 62
"""The year 2116. Times beyond are damage."""

DEPTH_LIMIT: Final = 32
"""Sentences may hold sentences; a line nested deeper than this is meant to exhaust whoever walks through it."""

FIELDS: Final[Mapping[str, frozenset[str]]] = {
    str(kind.__struct_config__.tag): frozenset(("k", *kind.__struct_encode_fields__)) for kind in get_args(AnySample)
}
"""The fields of every kind of sample, by its tag."""

RENAMED_KINDS: Final[Mapping[str, str]] = {}
"""Old tag of a kind: its tag today."""
RENAMED_FIELDS: Final[Mapping[str, Mapping[str, str]]] = {}
"""By today's tag of a kind, the old name of a field: its name today."""

_BLOCK_LIMIT: Final = 256
_PATTERN_LIMIT: Final = 20_000_000
"""Datagrams; longpipe sends no more in one test."""
_OPEN: Final = ord("{")
_CLOSE: Final = ord("}")
_LAST_OUTCOME: Final = max(Outcome)
_ANY: Final = msgspec.json.Decoder(AnySample)
_SHALLOW: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])
_FAILURES: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


class Counts(msgspec.Struct):
    """What could not be read, so that it can be said."""

    bad_lines: int = 0
    long_lines: int = 0
    unknown_kinds: int = 0
    unknown_fields: int = 0
    damaged_frames: int = 0

    def any(self) -> bool:
        """Tell whether anything was passed over."""
        return any(msgspec.structs.astuple(self))


class Decoder:
    """Decodes lines and counts what it cannot read.

    `foreign`: the lines come from another version, so each is checked for fields that are unknown or were renamed.
    """

    def __init__(
        self,
        *,
        foreign: bool,
        counts: Counts | None = None,
        renamed_kinds: Mapping[str, str] = RENAMED_KINDS,
        renamed_fields: Mapping[str, Mapping[str, str]] = RENAMED_FIELDS,
    ) -> None:
        self.counts = counts or Counts()
        self._foreign = foreign
        self._kinds = renamed_kinds
        self._fields = renamed_fields

    def decode(self, line: bytes) -> Sample | None:
        """Return the sample in `line`, or None where there is none to be had."""
        if line.count(b'"args"') > DEPTH_LIMIT and _depth(line) > DEPTH_LIMIT:
            self.counts.bad_lines += 1
            return None
        if not self._foreign:
            try:
                return self._checked(_ANY.decode(line))
            except _FAILURES:
                pass  # looked at more closely below: it is either of an unknown kind or bad
        try:
            return self._closely(_SHALLOW.decode(line))
        except _FAILURES:
            self.counts.bad_lines += 1
            return None

    def _closely(self, fields: dict[str, msgspec.Raw]) -> Sample | None:
        """Decode field by field name, under old names too."""
        tag = msgspec.json.decode(fields.get("k", b"null"), type=str)
        tag = self._kinds.get(tag, tag)
        if tag not in FIELDS:
            self.counts.unknown_kinds += 1
            return None
        names = self._fields.get(tag, {})
        wanted: dict[str, Any] = {names.get(name, name): raw for name, raw in fields.items()}
        self.counts.unknown_fields += len(wanted.keys() - FIELDS[tag])
        wanted["k"] = tag
        return self._checked(_ANY.decode(msgspec.json.encode(wanted)))

    def _checked(self, sample: Sample) -> Sample | None:
        """Return the sample if its parts fit together."""
        if 0 <= sample.t < TIME_LIMIT_NS and _CHECKS.get(type(sample), _anything)(sample):
            return sample
        self.counts.bad_lines += 1
        return None


def _depth(line: bytes) -> int:
    """Return how deep braces nest. Those inside of text count too, where they are placeholders and close again."""
    depth = deepest = 0
    for byte in line:
        if byte == _OPEN:
            depth += 1
            deepest = max(deepest, depth)
        elif byte == _CLOSE:
            depth -= 1
    return deepest


def _anything(_sample: object) -> bool:
    return True


def _sound_probes(batch: Probes) -> bool:
    """Tell whether the columns are parallel and say something that is defined."""
    columns = (batch.series, batch.age_us, batch.outcome, batch.rtt_us)
    return _parallel(columns, batch.outcome) and all(0 <= note.row < len(batch.series) for note in batch.notes)


def _sound_hops(batch: Hops) -> bool:
    """Tell the same of hop probes, whose rows point at paths and answers."""
    columns = (batch.path, batch.ttl, batch.flow, batch.age_us, batch.outcome, batch.rtt_us, batch.answer)
    return (
        _parallel(columns, batch.outcome)
        and _within(batch.path, batch.paths)
        and _within([answer for answer in batch.answer if answer is not None], batch.answers)
        and all(0 <= note.row < len(batch.path) for note in batch.notes)
    )


def _sound_tick(tick: RoceTick) -> bool:
    """Tell whether every flow points at hosts that are named."""
    return _within([flow.src for flow in tick.flows] + [flow.dst for flow in tick.flows], tick.hosts)


def _parallel(columns: Sequence[Sized], outcomes: Sequence[int]) -> bool:
    if len({len(column) for column in columns}) != 1:
        return False
    return not outcomes or 0 <= min(outcomes) <= max(outcomes) <= _LAST_OUTCOME


def _within(places: Sequence[int], rows: Sized) -> bool:
    return not places or 0 <= min(places) <= max(places) < len(rows)


def _sound_run(run: BandwidthRun) -> bool:
    """Tell whether counts and times can be such."""
    return min(run.span_us, run.bytes, run.moved_bytes, *run.flow_bytes, run.ended_ns) >= 0


def _sound_fec(run: FecRun) -> bool:
    """Tell whether the blocks are blocks, and the pattern one that fits into memory."""
    return (
        0 < run.needed < run.block <= _BLOCK_LIMIT
        and min(run.paced_bps, run.payload_bytes) > 0
        and min(run.pattern, default=0) >= 0
        and sum(run.pattern) <= _PATTERN_LIMIT
    )


_CHECKS: Final[Mapping[type, Callable[[Any], bool]]] = {
    BandwidthRun: _sound_run,
    FecRun: _sound_fec,
    Probes: _sound_probes,
    Hops: _sound_hops,
    RoceTick: _sound_tick,
}
