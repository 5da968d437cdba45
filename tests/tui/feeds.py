"""Feeds for screens under test: a recorded stream behind the same interface as a live box."""

from collections.abc import Iterable

from textual.pilot import Pilot

from analysis.buckets import Bucket
from analysis.events import Event
from analysis.samples import Mark, Sample, Series
from analysis.settings import Settings
from collectors.pcapfile.replay import CaptureStore
from collectors.player import Player
from collectors.store import LiveStore
from collectors.timeline import LiveTimeline
from tui.app import LongpipeApp


class CannedFeed:
    """Hands out samples when told to; counts what the application asks of it."""

    host = "gpu-07"
    only_capture = False

    def __init__(
        self, samples: Iterable[Sample] = (), settings: Settings | None = None, timeline: LiveTimeline | None = None
    ) -> None:
        self.timeline = timeline or LiveTimeline(LiveStore(), settings or Settings())
        self.player = Player(self.timeline)
        self.waiting = list(samples)
        self.closed = 0
        self.traced: list[tuple[str, bool]] = []

    def poll(self, elapsed_s: float) -> bool:
        taken, self.waiting = self.waiting, []
        self.timeline.take(taken)
        return self.player.tick(elapsed_s) or (bool(taken) and self.timeline.following)

    def problems(self) -> list[str]:
        return []

    def overview(self, start_ns: int, end_ns: int, step_ns: int) -> tuple[Bucket, ...]:
        return self.timeline.end.overview(start_ns, end_ns, step_ns)

    def events(self) -> tuple[Event, ...]:
        return self.timeline.end.events(self.timeline.end_ns)

    def trace(self, series: Series, on: bool) -> None:
        self.traced.append((series.target, on))

    def captures(self) -> list[CaptureStore]:
        return []

    def recording(self) -> None:
        return None

    def next_source(self) -> bool:
        return False

    def mark(self, text: str) -> bool:
        self.waiting.append(Mark(self.timeline.at_ns, text))
        return True

    def close(self) -> None:
        self.closed += 1


async def settle(pilot: Pilot[int]) -> None:
    """Wait until what was asked for has been drawn."""
    app = pilot.app
    assert isinstance(app, LongpipeApp)
    while app.dashboard is None or not app.dashboard.is_mounted:
        await pilot.pause()
    app.tick()
    await pilot.pause()
