"""A jump reads only what the view shows, and shows what reading everything would."""

import random
from pathlib import Path

import pytest

from analysis.samples import NicCounters, RoceFlow, RoceTick, Sample
from analysis.settings import Settings
from analysis.view import SPANS_NS, Lens
from collectors.session.filestore import FileStore
from collectors.session.reader import SessionFile
from collectors.session.writer import SessionWriter
from collectors.store import ListStore, LiveStore
from collectors.timeline import LiveTimeline, Timeline
from tests.collectors.session.samples import TOOL, a_header
from tests.samples import SECOND_NS, at, box, definitions, second

LENGTH = 320
NARROW, WIDE = Lens(), Lens(span_ns=SPANS_NS[1])


def tick(n: int) -> RoceTick:
    """Return one second of one flow."""
    flow = RoceFlow(
        0, 1, 0x11, "req", "RC", None, 4096, 0, n, 0, packets=10 + n % 7, wire_bytes=40_000 + n, payload_bytes=40_000
    )
    return RoceTick(at(n), "eth0", SECOND_NS, captured=20, hosts=("192.0.2.1", "192.0.2.2"), flows=(flow,))


def a_session(dice: random.Random) -> list[Sample]:
    """Return a session whose counters come at any interval, with holes of any length."""
    samples: list[Sample] = definitions()
    kinds = len(box(1)) + 2
    every = [dice.choice((1, 1, 5, 30, 70)) for _ in range(kinds)]
    silent = [sorted(dice.choices(range(LENGTH + 1), k=2)) if dice.random() < 0.7 else (0, 0) for _ in range(kinds)]
    for n in range(1, LENGTH + 1):
        counted = NicCounters(at(n), {"eth0": {"rx_discards_phy": n * n}})
        samples.append(second(n, 300 + n % 7, None if n % 9 == 0 else 20_000 + n % 50, 40_000))
        rows = zip([*box(n), counted, tick(n)], every, silent, strict=True)
        samples += [sample for sample, step, (begin, end) in rows if n % step == 0 and not begin <= n < end]
    return samples


@pytest.mark.parametrize("seed", range(3))
def test_a_jump_shows_what_whoever_was_there_has_seen(tmp_path: Path, seed: int) -> None:
    dice = random.Random(seed)
    samples = a_session(dice)
    writer = SessionWriter(tmp_path / "session.lps", a_header())
    for sample in samples:
        writer.write(sample)
    writer.close()
    store = FileStore([SessionFile(writer.path, TOOL)])
    watched, jumped = Timeline(ListStore(samples), Settings()), Timeline(store, Settings())
    watched.advance(samples[0].t)
    for n in sorted(dice.choices(range(1, LENGTH), k=2)):
        watched.advance(at(n))
        for lens in (NARROW, WIDE, NARROW):
            jumped.seek(at(LENGTH))
            jumped.seek(at(n))
            assert jumped.view(lens) == watched.view(lens)
            assert jumped.situation() == watched.situation()
    jumped.seek(at(LENGTH))
    watched.advance(at(LENGTH))
    assert jumped.view(NARROW) == watched.view(NARROW)
    store.close()


def test_a_live_view_that_is_followed_again_is_the_one_that_went_on(tmp_path: Path) -> None:
    samples = [*definitions(), *(sample for n in range(1, 200) for sample in (*box(n), tick(n)))]
    writer = SessionWriter(tmp_path / "session.lps", a_header())
    for sample in samples:
        writer.write(sample)
    writer.close()
    store = FileStore([SessionFile(writer.path, TOOL)])
    timeline, unmoved = LiveTimeline(LiveStore(), Settings(), store), LiveTimeline(LiveStore(), Settings())
    timeline.take(samples)
    timeline.seek(at(150))
    timeline.view(NARROW)
    timeline.follow()
    unmoved.take(samples)
    timeline.view(WIDE)
    timeline.take([tick(200)])
    unmoved.take([tick(200)])
    assert timeline.view(WIDE) == unmoved.view(WIDE)
    store.close()
