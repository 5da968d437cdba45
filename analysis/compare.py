"""Two sessions, or two spans of one, side by side: what differs on each path, by how much, and if it means it."""

from array import array
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Final, Literal

import msgspec

from analysis.history import SeriesHistory
from analysis.jitter import Jitter
from analysis.ranks import Shift, holm, loss_shift, rank_shift
from analysis.samples import Outcome, Probes, Routes, Sample, Series
from analysis.score import score
from analysis.settings import ScoreSettings
from analysis.text import N_, Sentence, say
from analysis.units import milliseconds, percent
from analysis.window import Window

ALPHA: Final = 0.01
"""Chance of calling any of the differences real where none is, over all of them together (Holm)."""
SMALL_EFFECT: Final = 0.147
"""Below this Cliff's delta is called negligible (Romano et al., FAIR 2006)."""
SMALL_SHIFT: Final = 0.02
"""A median that moved by less than this share is no change worth acting on, however certain."""
SMALL_LOSS: Final = 0.001
SAME_PROBE_NS: Final = 2_000

Meaning = Literal["better", "worse", "same", "unclear"]


class ComparedPath(msgspec.Struct, frozen=True, order=True):
    """What is compared with its like in the other session: addresses and gateways may differ."""

    target: str
    route: str
    protocol: str
    port: int | None = None
    family: int = 4


class Evidence:
    """What became of one path's probes, in order of settling; `history` has them by time, where that was wanted."""

    def __init__(self, history: SeriesHistory | None = None) -> None:
        self.history = history
        self.rtts_us = array("I")
        self.lost = bytearray()
        """1 for each settled probe that was lost."""
        self.late = 0
        self._told: dict[int, int] = {}

    def add(self, sent_ns: int, outcome: int, rtt_us: int | None) -> None:
        """Add one row of a batch; LATE takes back the loss of the same probe."""
        if self.history is not None:
            self.history.record(sent_ns, outcome, rtt_us)
        if outcome == Outcome.ANSWERED:
            if rtt_us is not None and 0 <= rtt_us < 1 << 32:
                self.rtts_us.append(rtt_us)
                self.lost.append(0)
        elif outcome in (Outcome.LOST, Outcome.UNREACHABLE):
            self._told[sent_ns // SAME_PROBE_NS] = len(self.lost)
            self.lost.append(1)
        elif outcome == Outcome.LATE:
            slot = sent_ns // SAME_PROBE_NS
            place = next((self._told[near] for near in (slot, slot - 1, slot + 1) if near in self._told), None)
            if place is not None:
                self.lost[place] = 0
            self.late += 1

    @property
    def loss_ratio(self) -> float | None:
        """Lost over settled."""
        return sum(self.lost) / len(self.lost) if self.lost else None

    def steps_us(self) -> "array[int]":
        """Return how much neighbouring answers differ: what RFC 3550 calls |D|."""
        return array("I", (abs(later - earlier) for earlier, later in pairwise(self.rtts_us)))

    def window(self) -> Window:
        """Return what the score is made from."""
        rtts = sorted(self.rtts_us)
        lost = sum(self.lost)
        return Window(
            0,
            0,
            answered=len(rtts),
            late=len(self.lost) - lost - len(rtts),
            lost=lost,
            p50_us=_rank(rtts, 0.5),
            p99_us=_rank(rtts, 0.99),
            jitter_us=Jitter().after(self.rtts_us).jitter_us,
        )


class EvidenceBook:
    """Folds samples into the evidence of each path, with its history where it is to be `charted`."""

    def __init__(self, *, charted: bool = False) -> None:
        self._charted = charted
        self.paths: dict[ComparedPath, Evidence] = {}
        self._series: dict[int, Evidence] = {}
        self._routes: dict[str, str] = {}

    def fold(self, sample: Sample) -> None:
        """Add a sample."""
        match sample:
            case Routes():
                self._routes |= {route.id: route.name for route in sample.routes}
            case Series() if sample.role == "target":
                route = self._routes.get(sample.route, sample.route)
                family = 6 if ":" in sample.address else 4
                path = ComparedPath(sample.target, route, sample.protocol, sample.port, family)
                if path not in self.paths:
                    self.paths[path] = Evidence(SeriesHistory() if self._charted else None)
                self._series[sample.id] = self.paths[path]
            case Probes():
                columns = zip(sample.series, sample.age_us, sample.outcome, sample.rtt_us, strict=True)
                for number, age_us, outcome, rtt_us in columns:
                    if (evidence := self._series.get(number)) is not None:
                        evidence.add(sample.t - age_us * 1000, outcome, rtt_us)
            case _:
                pass


class Measure(msgspec.Struct, frozen=True):
    """One quantity of one path on both sides. `p` is corrected for all tests made; None: too little to tell.

    latency, p99 and jitter in µs (jitter: median difference of neighbours), loss as a ratio, score from 0 to 1.
    """

    name: Literal["latency", "p99", "jitter", "loss", "score"]
    a: float | None
    b: float | None
    meaning: Meaning
    effect: float | None = None
    p: float | None = None
    n_a: int = 0
    n_b: int = 0
    worth_a: int = 0
    worth_b: int = 0


class PathDifference(msgspec.Struct, frozen=True):
    """One path that both sides have."""

    path: ComparedPath
    measures: tuple[Measure, ...]
    verdict: Sentence


class Comparison(msgspec.Struct, frozen=True):
    """Everything there is to say. `tests`: how many were made; their p-values are corrected for it."""

    paths: tuple[PathDifference, ...]
    only_a: tuple[ComparedPath, ...]
    only_b: tuple[ComparedPath, ...]
    tests: int
    verdict: Sentence


def compare(
    a: Mapping[ComparedPath, Evidence], b: Mapping[ComparedPath, Evidence], settings: ScoreSettings | None = None
) -> Comparison:
    """Compare what was probed on both sides; B is the later one, the one after the change."""
    a, b = ({path: evidence for path, evidence in side.items() if evidence.lost} for side in (a, b))
    settings = settings or ScoreSettings()
    both = sorted((path for path in a if path in b), key=_order)
    shifts = [_shifts(a[path], b[path]) for path in both]
    corrected = holm([shift.p for three in shifts for shift in three])
    paths = tuple(
        _difference(path, a[path], b[path], three, corrected[3 * at : 3 * at + 3], settings)
        for at, (path, three) in enumerate(zip(both, shifts, strict=True))
    )
    return Comparison(
        paths,
        only_a=tuple(sorted((path for path in a if path not in b), key=_order)),
        only_b=tuple(sorted((path for path in b if path not in a), key=_order)),
        tests=sum(p is not None for p in corrected),
        verdict=_overall(paths),
    )


def _shifts(a: Evidence, b: Evidence) -> tuple[Shift, Shift, Shift]:
    return rank_shift(a.rtts_us, b.rtts_us), rank_shift(a.steps_us(), b.steps_us()), loss_shift(a.lost, b.lost)


def _difference(
    path: ComparedPath,
    a: Evidence,
    b: Evidence,
    shifts: tuple[Shift, Shift, Shift],
    ps: Sequence[float | None],
    settings: ScoreSettings,
) -> PathDifference:
    window_a, window_b = a.window(), b.window()
    latency, jitter, loss = (_with_p(shift, p) for shift, p in zip(shifts, ps, strict=True))
    steps_a, steps_b = sorted(a.steps_us()), sorted(b.steps_us())
    before, after = score(window_a, None, settings).value, score(window_b, None, settings).value
    told = (
        _measure("latency", window_a.p50_us, window_b.p50_us, latency, len(a.rtts_us), len(b.rtts_us)),
        _measure("jitter", _rank(steps_a, 0.5), _rank(steps_b, 0.5), jitter, len(steps_a), len(steps_b)),
        _measure("loss", a.loss_ratio, b.loss_ratio, loss, len(a.lost), len(b.lost)),
    )
    score_means = _of_score(before, after, (told[0].meaning, told[2].meaning))
    p99 = Measure("p99", window_a.p99_us, window_b.p99_us, "unclear", n_a=len(a.rtts_us), n_b=len(b.rtts_us))
    measures = (
        told[0],
        p99,
        *told[1:],
        Measure("score", before, after, score_means, n_a=len(a.lost), n_b=len(b.lost)),
    )
    return PathDifference(path, measures, _verdict(path, told))


def _with_p(shift: Shift, p: float | None) -> Shift:
    return msgspec.structs.replace(shift, p=p)


def _measure(
    name: Literal["latency", "jitter", "loss"], a: float | None, b: float | None, shift: Shift, n_a: int, n_b: int
) -> Measure:
    return Measure(
        name, a, b, _meaning(name, a, b, shift), shift.effect, shift.p, n_a, n_b, shift.worth_a, shift.worth_b
    )


def _meaning(name: str, a: float | None, b: float | None, shift: Shift) -> Meaning:
    """Say whether a difference is both certain and large enough to matter. Larger is worse in all of these."""
    if a is None or b is None or shift.p is None or shift.effect is None:
        return "unclear"
    large = abs(b - a) >= SMALL_LOSS if name == "loss" else abs(b - a) >= SMALL_SHIFT * max(a, b)
    if name != "loss":
        large = large and abs(shift.effect) >= SMALL_EFFECT
    if shift.p >= ALPHA or not large or a == b:
        return "same"
    return "worse" if b > a else "better"


def _of_score(before: float | None, after: float | None, parts: tuple[Meaning, Meaning]) -> Meaning:
    """A score differs where what it is made of does, in the same direction; chance in another part may hide it."""
    if before is None or after is None or "unclear" in parts:
        return "unclear"
    if before == after or not {"better", "worse"} & set(parts):
        return "same"
    direction: Meaning = "better" if after > before else "worse"
    return direction if direction in parts else "unclear"


def _verdict(path: ComparedPath, measures: Sequence[Measure]) -> Sentence:
    latency, jitter, loss = measures
    where = f"{path.target} ({path.route})" if path.route else path.target
    changed = [measure for measure in measures if measure.meaning in ("better", "worse")]
    if not changed:
        if any(measure.meaning == "unclear" for measure in measures):
            return say(N_("{path}: too few probes to tell."), path=where)
        return say(N_("{path}: no difference that means anything."), path=where)
    worst = loss if loss in changed else latency if latency in changed else jitter
    texts: dict[tuple[str, str], str] = {
        ("loss", "worse"): N_("{path}: loses more, {b} after {a}."),
        ("loss", "better"): N_("{path}: loses less, {b} after {a}."),
        ("latency", "worse"): N_("{path}: slower, {b} after {a}."),
        ("latency", "better"): N_("{path}: faster, {b} after {a}."),
        ("jitter", "worse"): N_("{path}: less steady, {b} between neighbours after {a}."),
        ("jitter", "better"): N_("{path}: steadier, {b} between neighbours after {a}."),
    }
    as_text = percent if worst.name == "loss" else _ms
    return say(texts[worst.name, worst.meaning], path=where, a=as_text(worst.a), b=as_text(worst.b))


def _overall(paths: Sequence[PathDifference]) -> Sentence:
    if not paths:
        return say(N_("The two have no path in common: nothing can be compared."))
    kinds = [{measure.meaning for measure in path.measures if measure.name != "p99"} for path in paths]
    worse, better = sum("worse" in kind for kind in kinds), sum("better" in kind for kind in kinds)
    if worse or better:
        return say(
            N_("Of {n} paths {worse} became worse in something and {better} better."),
            n=len(paths),
            worse=worse,
            better=better,
        )
    return say(N_("Nothing differs in a way that means anything, on any of {n} paths."), n=len(paths))


def _ms(us: float | None) -> str:
    return f"{milliseconds(us)} ms"


def _rank(values: Sequence[int], q: float) -> int | None:
    """Return the value at nearest rank of sorted values."""
    return values[max(0, -(-len(values) * round(q * 100) // 100) - 1)] if values else None


def _order(path: ComparedPath) -> tuple[str, str, str, int, int]:
    return path.target, path.route, path.protocol, path.port or 0, path.family
