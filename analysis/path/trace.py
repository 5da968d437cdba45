"""Folds hop probes into traces, one for each path; bounded, and the same samples give the same traces."""

from collections.abc import Iterable, Iterator
from operator import itemgetter
from typing import Final, NamedTuple

from analysis.samples import HopAnswer, HopKind, HopPath, Hops, Outcome, PathMtu, Sample

KEPT_NS: Final = 900 * 10**9
KEPT_PROBES: Final = 40_000
"""Of one path: 20 hops for a quarter of an hour at 2 Hz."""
KEPT_PATHS: Final = 500


_SENT: Final = itemgetter(0)


class Probe(NamedTuple):
    """One settled hop probe. `answer` is None where there was none."""

    sent_ns: int
    ttl: int
    flow: int
    outcome: Outcome
    rtt_us: int | None
    answer: HopAnswer | None

    @property
    def is_lost(self) -> bool:
        """Whether nothing came in time or ever."""
        return self.outcome is Outcome.LOST

    @property
    def is_final(self) -> bool:
        """Whether whoever answered ends the path: the target, or what bars the way."""
        return self.answer is not None and self.answer.kind != HopKind.EXCEEDED


class Trace:
    """What is known of one path."""

    def __init__(self, path: HopPath) -> None:
        self.path = path
        self.mtu: PathMtu | None = None
        self._probes: dict[tuple[int, int, int], Probe] = {}
        self._newest_ns = 0

    def record(self, probe: Probe) -> None:
        """Take one settled probe; a late answer takes its loss back, duplicates and failures are no probes."""
        key = probe.ttl, probe.flow, probe.sent_ns
        if probe.outcome in (Outcome.ANSWERED, Outcome.LOST):
            self._probes.setdefault(key, probe)
        elif probe.outcome is Outcome.LATE and key in self._probes:
            self._probes[key] = probe
        self._newest_ns = max(self._newest_ns, probe.sent_ns)

    def trim(self) -> None:
        """Forget what is too old or too much, the oldest first."""
        oldest_ns = self._newest_ns - KEPT_NS
        while self._probes:
            key = next(iter(self._probes))
            if len(self._probes) <= KEPT_PROBES and key[2] >= oldest_ns:
                return
            del self._probes[key]

    def probes(self, start_ns: int, end_ns: int) -> list[Probe]:
        """Return the probes sent in [start_ns, end_ns), in order of sending."""
        return sorted((probe for probe in self._probes.values() if start_ns <= probe.sent_ns < end_ns), key=_SENT)


class Traces:
    """Every traced path of the session, in order of appearance."""

    def __init__(self) -> None:
        self.by_id: dict[int, Trace] = {}

    def fold(self, sample: Sample) -> bool:
        """Take the next sample; tell whether it was one about hops."""
        match sample:
            case Hops():
                self._record(sample)
            case HopPath():
                self._define(sample)
            case PathMtu():
                if (trace := self.by_id.get(sample.path)) is not None:
                    trace.mtu = sample
            case _:
                return False
        return True

    def of(self, address: str, route: str | None = None) -> Iterator[Trace]:
        """Yield the traces to an address, the newest definition first; over one route only where it is given."""
        for trace in reversed(self.by_id.values()):
            if trace.path.address == address and route in (None, trace.path.route):
                yield trace

    def _define(self, path: HopPath) -> None:
        trace = self.by_id.get(path.id)
        if trace is None:
            self.by_id[path.id] = Trace(path)
            while len(self.by_id) > KEPT_PATHS:
                del self.by_id[next(iter(self.by_id))]
        else:
            trace.path = path

    def _record(self, hops: Hops) -> None:
        """Take a batch; probes of unknown paths belong to a definition that was lost."""
        for number, probe in _probes(hops):
            if (trace := self.by_id.get(number)) is not None:
                trace.record(probe)
        for number in hops.paths:
            if (trace := self.by_id.get(number)) is not None:
                trace.trim()


def _probes(hops: Hops) -> Iterable[tuple[int, Probe]]:
    """Yield (path, probe); rows that do not fit together are left out: a session may come from a stranger."""
    columns = zip(hops.path, hops.ttl, hops.flow, hops.age_us, hops.outcome, hops.rtt_us, hops.answer, strict=False)
    known = {int(outcome): outcome for outcome in Outcome}
    for path, ttl, flow, age_us, outcome, rtt_us, answer in columns:
        if (
            not 0 <= path < len(hops.paths)
            or outcome not in known
            or not (answer is None or 0 <= answer < len(hops.answers))
        ):
            continue
        said = None if answer is None else hops.answers[answer]
        yield hops.paths[path], Probe(hops.t - age_us * 1000, ttl, flow, known[outcome], rtt_us, said)
