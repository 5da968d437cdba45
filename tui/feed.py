"""Where the application's samples come from: the hub of a live box, or a recorded session."""

from typing import Protocol

from analysis.samples import Mark
from collectors.hub import Hub, Inbox
from collectors.timeline import LiveTimeline, Timeline


class Feed(Protocol):
    """A timeline and what may be asked of it."""

    host: str
    live: bool

    @property
    def timeline(self) -> Timeline:
        """What is seen through."""
        ...

    @property
    def following(self) -> bool:
        """Whether the cursor follows the end."""
        ...

    def poll(self) -> bool:
        """Take what is new; return whether there is anything new to see."""
        ...

    def pause(self, on: bool) -> None:
        """Hold the cursor, or let it follow again."""
        ...

    def mark(self, text: str) -> bool:
        """Mark the moment at the cursor; return whether this feed can be marked."""
        ...

    def close(self) -> None:
        """Stop observing. Safe to call twice."""
        ...


class LiveFeed:
    """The collectors of this box."""

    live = True

    def __init__(self, hub: Hub, inbox: Inbox, timeline: LiveTimeline, host: str) -> None:
        self.host = host
        self.timeline = timeline
        self._hub = hub
        self._inbox = inbox
        hub.subscribe(inbox.put)

    @property
    def following(self) -> bool:
        """Whether the cursor follows the end."""
        return self.timeline.following

    def start(self) -> None:
        """Start observing."""
        self._hub.start()

    def poll(self) -> bool:
        """Take what the collectors have emitted since."""
        samples = self._inbox.drain()
        self.timeline.take(samples)
        return bool(samples) and self.timeline.following

    def pause(self, on: bool) -> None:
        """Hold the cursor, or let it follow again."""
        if on:
            self.timeline.hold()
        else:
            self.timeline.follow()

    def mark(self, text: str) -> bool:
        """Mark this moment; the mark is a sample like any other."""
        self._hub.emit(Mark(self._hub.clock.now_ns(), text))
        return True

    def close(self) -> None:
        """Stop every collector."""
        self._hub.stop()
