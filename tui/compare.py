"""Comparing two stretches of recorded time: reading them, and the words for what differs. No Textual here."""

from asyncio import sleep, to_thread
from collections.abc import Iterator, Sequence
from typing import Final

import msgspec

from analysis.compare import ComparedPath, Comparison, Evidence, EvidenceBook, Measure, compare
from analysis.samples import Sample
from analysis.settings import ScoreSettings
from analysis.units import milliseconds, percent
from collectors.store import Store
from tui.text import N_, _

Span = tuple[int, int]
"""start < t <= end, in ns."""
USUAL_NS: Final = 600 * 10**9
"""How long before and after a moment is compared, where nobody says otherwise."""
BREATH: Final = 100
"""Samples that are read before the screen gets its turn."""
NAMES: Final = {
    "latency": N_("latency p50"),
    "p99": N_("latency p99"),
    "jitter": N_("jitter"),
    "loss": N_("loss"),
    "score": N_("score"),
}
MEANINGS: Final = {
    "better": N_("better"),
    "worse": N_("WORSE"),
    "same": N_("no difference"),
    "unclear": N_("too few to tell"),
}


class Side(msgspec.Struct, frozen=True):
    """One of the two: the box's name (text from a file), when, and each path's probes."""

    name: str
    span: Span
    paths: dict[ComparedPath, Evidence]


class Compared(msgspec.Struct, frozen=True):
    """Both sides and what differs."""

    a: Side
    b: Side
    result: Comparison

    @property
    def worse(self) -> bool:
        """Whether anything became worse."""
        return any(measure.meaning == "worse" for path in self.result.paths for measure in path.measures)


def side(name: str, store: Store, span: Span) -> Side:
    """Read a stretch of a store."""
    book = EvidenceBook()
    for sample in samples_of(store, span):
        book.fold(sample)
    return Side(name, span, book.paths)


async def charted_side(name: str, store: Store, span: Span) -> Side:
    """Read a stretch of a store with the history of each path, letting the screen live meanwhile."""
    book = EvidenceBook(charted=True)
    for number, sample in enumerate(samples_of(store, span)):
        book.fold(sample)
        if number % BREATH == 0:
            await sleep(0)
    return Side(name, span, book.paths)


async def compared(a: tuple[str, Store, Span], b: tuple[str, Store, Span], settings: ScoreSettings) -> Compared:
    """Read both sides and compare them."""
    side_a, side_b = await charted_side(*a), await charted_side(*b)
    return Compared(side_a, side_b, await to_thread(compare, side_a.paths, side_b.paths, settings))


def samples_of(store: Store, span: Span) -> Iterator[Sample]:
    """Yield what was in force at the start of a span, then what was observed in it."""
    yield from store.definitions(span[0])
    yield from store.between(*span)


def usual_spans(whole: Span, at_ns: int, marks: Sequence[int], *, at_end: bool) -> tuple[Span, Span]:
    """Return what to compare where nobody says otherwise: ten minutes before and after a moment, less at the edges.

    The moment is the cursor's. Where that is the end it is the last mark, and without marks the ten minutes before
    the last ten, or the two halves of a short session.
    """
    first, last = whole
    pivot = at_ns
    if at_end or not first < at_ns < last:
        halves = last - min(USUAL_NS, (last - first) // 2)
        pivot = next((mark for mark in reversed(marks) if first < mark < last), halves)
    return (max(first, pivot - USUAL_NS), pivot), (pivot, min(last, pivot + USUAL_NS))


def path_name(path: ComparedPath) -> str:
    """Return a compared path as people call it."""
    return f"{path.target} ({path.route})" if path.route else path.target


def value_text(name: str, value: float | None) -> str:
    """Return one side's value of a measure."""
    if name == "loss":
        return percent(value)
    if name == "score":
        return "–" if value is None else f"{value:.2f}"
    return "–" if value is None else f"{milliseconds(value)} ms"


def meaning_text(measure: Measure) -> str:
    """Return whether a difference means anything; "" for what no test was made of and does not follow from one."""
    if measure.meaning == "unclear" and measure.name in ("p99", "score"):
        return ""
    return _(MEANINGS[measure.meaning])


def effect_text(measure: Measure) -> str:
    """Return Cliff's delta: -1 all smaller, +1 all larger."""
    return "" if measure.name == "loss" or measure.effect is None else f"{measure.effect:+.2f}"


def p_text(measure: Measure) -> str:
    """Return how likely chance alone does this."""
    return "–" if measure.p is None else "<0.0001" if measure.p < 0.0001 else f"{measure.p:.4f}"
