"""Live, paused, rewound and replayed are one thing: where the cursor stands decides what is seen."""

from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.samples import Sample
from analysis.settings import Settings
from analysis.view import Lens
from collectors.store import ListStore, LiveStore
from collectors.timeline import LiveTimeline, Timeline
from tests.samples import at, session, streams

LENS = Lens()


def live(samples: list[Sample], cuts: list[int]) -> LiveTimeline:
    """Return a live timeline that was given `samples` in several batches."""
    timeline = LiveTimeline(LiveStore(), Settings())
    for start, end in zip([0, *cuts], [*cuts, len(samples)], strict=True):
        timeline.take(samples[start:end])
    return timeline


@given(streams(), st.data())
@settings(max_examples=30, deadline=None)
def test_the_same_samples_give_the_same_view_live_and_replayed(samples: list[Sample], data: st.DataObject) -> None:
    cuts = sorted(data.draw(st.lists(st.integers(0, len(samples)), max_size=5)))
    replayed = Timeline(ListStore(samples), Settings())
    replayed.seek(samples[-1].t)
    assert live(samples, cuts).view(LENS) == replayed.view(LENS)


@given(streams(), st.data())
@settings(max_examples=30, deadline=None)
def test_going_back_shows_what_was_seen_then(samples: list[Sample], data: st.DataObject) -> None:
    moment = data.draw(st.integers(at(0), samples[-1].t))
    timeline = Timeline(ListStore(samples), Settings())
    timeline.seek(moment)
    seen = timeline.view(LENS)
    timeline.seek(samples[-1].t)
    timeline.seek(moment)
    assert timeline.view(LENS) == seen


def test_a_held_view_stands_still_while_the_store_grows_and_catches_up_after() -> None:
    samples = session(30)
    half = next(i for i, sample in enumerate(samples) if sample.t > at(15))
    timeline = LiveTimeline(LiveStore(), Settings())
    timeline.take(samples[:half])
    timeline.hold()
    before = timeline.view(LENS)
    timeline.take(samples[half:])
    assert timeline.view(LENS) == before
    timeline.follow()
    assert timeline.view(LENS) == live(samples, []).view(LENS)


def test_a_sample_that_comes_late_belongs_to_the_past_of_a_held_view() -> None:
    samples = session(10)
    timeline = LiveTimeline(LiveStore(), Settings())
    timeline.take(sample for sample in samples if sample is not samples[-3])
    timeline.hold()
    timeline.take([samples[-3]])
    assert timeline.view(LENS).links == live(samples, []).view(LENS).links


def test_a_live_store_forgets_samples_but_not_what_they_defined() -> None:
    store = LiveStore(keep_ns=60 * 10**9)
    for sample in session(600):
        store.append(sample)
    first, last = store.span() or (0, 0)
    assert last - first < 70 * 10**9
    kinds = {type(sample).__name__ for sample in store.definitions(first)}
    assert {"Series", "Routes", "Prober"} <= kinds
