"""Feeds for screens under test: a recorded stream behind the same interface as a live box."""

from collections.abc import Iterable

from analysis.samples import Mark, Sample
from analysis.settings import Settings
from collectors.store import LiveStore
from collectors.timeline import LiveTimeline


class CannedFeed:
    """Hands out samples when told to; counts what the application asks of it."""

    host = "gpu-07"
    live = True

    def __init__(self, samples: Iterable[Sample] = (), settings: Settings | None = None) -> None:
        self.timeline = LiveTimeline(LiveStore(), settings or Settings())
        self.waiting = list(samples)
        self.marks: list[str] = []
        self.closed = 0

    @property
    def following(self) -> bool:
        return self.timeline.following

    def poll(self) -> bool:
        taken, self.waiting = self.waiting, []
        self.timeline.take(taken)
        return bool(taken) and self.timeline.following

    def pause(self, on: bool) -> None:
        if on:
            self.timeline.hold()
        else:
            self.timeline.follow()

    def mark(self, text: str) -> bool:
        self.marks.append(text)
        self.waiting.append(Mark(self.timeline.at_ns, text))
        return True

    def close(self) -> None:
        self.closed += 1
