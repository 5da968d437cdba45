"""Where the application's samples come from: the hub of a live box, or recorded sessions."""

from typing import TYPE_CHECKING, Protocol

from analysis.buckets import Bucket
from analysis.events import Event
from analysis.samples import Mark, Series
from collectors.hub import Hub, Inbox
from collectors.player import Player
from collectors.session.recorder import Recorder, RecorderState
from collectors.timeline import LiveTimeline

if TYPE_CHECKING:
    from collectors.pcapfile.replay import CaptureStore


class Feed(Protocol):
    """A player and what may be asked of the session it plays."""

    @property
    def host(self) -> str:
        """The box that is seen."""
        ...

    @property
    def player(self) -> Player:
        """The cursor, and how it moves."""
        ...

    def poll(self, elapsed_s: float) -> bool:
        """Let time pass and take what is new; return whether there is anything new to see."""
        ...

    def mark(self, text: str) -> bool:
        """Mark this moment; return whether this session can be marked."""
        ...

    def problems(self) -> list[str]:
        """Return what is wrong with the files that are seen, in sentences."""
        ...

    def overview(self, start_ns: int, end_ns: int, step_ns: int) -> tuple[Bucket, ...]:
        """Return the whole session as one row of columns."""
        ...

    def events(self) -> tuple[Event, ...]:
        """Return everything that happened in the session, ascending in time."""
        ...

    def trace(self, series: Series, on: bool) -> None:
        """Look at the hops of a path closely, or no longer; a recorded session has what it has."""
        ...

    @property
    def only_capture(self) -> bool:
        """Whether there is nothing to see but a capture."""
        ...

    def captures(self) -> "list[CaptureStore]":
        """Return the captures whose packets can be looked at: none live, where no packet is kept."""
        ...

    def recording(self) -> RecorderState | None:
        """Return how recording goes, None where nothing is recorded."""
        ...

    def next_source(self) -> bool:
        """Switch to the next box; return whether there is another."""
        ...

    def close(self) -> None:
        """Stop observing. Safe to call twice."""
        ...


class LiveFeed:
    """The collectors of this box, and the recorder that makes rewinding possible."""

    def __init__(
        self, hub: Hub, inbox: Inbox, timeline: LiveTimeline, host: str, recorder: Recorder | None = None
    ) -> None:
        self.host = host
        self.player = Player(timeline)
        self._timeline = timeline
        self._hub = hub
        self._inbox = inbox
        self._recorder = recorder
        hub.subscribe(inbox.put)
        if recorder is not None:
            hub.subscribe(recorder.put)

    def start(self) -> None:
        """Start recording and observing."""
        if self._recorder is not None:
            self._recorder.start()
        self._hub.start()

    def poll(self, elapsed_s: float) -> bool:
        """Take what the collectors have emitted since."""
        samples = self._inbox.drain()
        self._timeline.take(samples)
        return self.player.tick(elapsed_s) or (bool(samples) and self._timeline.following)

    def mark(self, text: str) -> bool:
        """Mark this moment; the mark is a sample like any other."""
        self._hub.emit(Mark(self._hub.clock.now_ns(), text))
        return True

    def problems(self) -> list[str]:
        """What is seen comes from no file."""
        return []

    def overview(self, start_ns: int, end_ns: int, step_ns: int) -> tuple[Bucket, ...]:
        """Return the session since its start, as long as memory reaches."""
        return self._timeline.end.overview(start_ns, end_ns, step_ns)

    def events(self) -> tuple[Event, ...]:
        """Return everything that has happened, also where the cursor stands before it."""
        return self._timeline.end.events(self._timeline.end_ns)

    def trace(self, series: Series, on: bool) -> None:
        """Look at the hops of a path once a second, or no longer."""
        from collectors.hops.tracer import HopTracer, want_of

        for collector in self._hub.collectors:
            if isinstance(collector, HopTracer):
                (collector.request if on else collector.release)(want_of(series))

    @property
    def only_capture(self) -> bool:
        """A box has more to show."""
        return False

    def captures(self) -> "list[CaptureStore]":
        """No packet is kept."""
        return []

    def recording(self) -> RecorderState | None:
        """Return how recording goes."""
        return self._recorder.state() if self._recorder else None

    def next_source(self) -> bool:
        """There is only this box."""
        return False

    def close(self) -> None:
        """Stop every collector, then close the recording."""
        self._hub.stop()
        if self._recorder is not None:
            self._recorder.stop()
