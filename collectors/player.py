"""Moves a cursor in time as a person asks: pause, play, step, jump, faster, to the next event. Knows no clock."""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from typing import Final, Literal, TypeAlias

from collectors.timeline import LiveTimeline, Timeline

Mode: TypeAlias = Literal["follow", "play", "pause", "end"]
"""Following the end of a live session; playing; standing still; at the end of a recorded one."""

SPEEDS: Final = (0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0)
SECOND_NS: Final = 10**9
LATE_NS: Final = 5 * SECOND_NS
"""Samples are recorded in the order of their arrival; so late after its time may one come."""


class Player:
    """A timeline and how its cursor moves. A live timeline begins by following, a recorded one by playing."""

    def __init__(self, timeline: Timeline) -> None:
        self.timeline = timeline
        self.speed = 1.0
        self._rewound = False
        self.mode: Mode = "follow" if isinstance(timeline, LiveTimeline) else "play"
        if not isinstance(timeline, LiveTimeline) and (span := timeline.store.span()):
            timeline.seek(span[0])

    @property
    def live(self) -> bool:
        """Whether the timeline grows."""
        return isinstance(self.timeline, LiveTimeline)

    def tick(self, elapsed_s: float) -> bool:
        """Let `elapsed_s` pass; return whether the cursor moved."""
        if self.mode != "play":
            return False
        span = self.timeline.store.span()
        if span is None:
            return False
        target = self.timeline.at_ns + int(elapsed_s * self.speed * SECOND_NS)
        if target < span[1]:
            self.timeline.seek(target)
        else:
            self.end()
        return True

    def toggle(self) -> None:
        """Pause, or go on: a live view that was only held follows again, a rewound one plays from where it is."""
        if self.mode in {"follow", "play"}:
            self._hold()
            self.mode = "pause"
        elif self.live and not self._rewound:
            self.end()
        elif self.mode == "end":
            self.start()
            self.mode = "play"
        else:
            self.mode = "play"

    def step(self, delta_ns: int) -> None:
        """Move by `delta_ns` and stand still there."""
        self.seek(self.timeline.at_ns + delta_ns)

    def seek(self, to_ns: int) -> None:
        """Stand still at a time within the session."""
        span = self.timeline.bounds(to_ns)
        if span is None:
            return
        self._rewound = True
        self.mode = "pause"
        self.timeline.seek(max(span[0], min(to_ns, span[1])))

    def start(self) -> None:
        """Go to the beginning."""
        if span := self.timeline.store.span():
            self.seek(span[0])

    def end(self) -> None:
        """Go to the end; a live view follows again, a recorded one stops and says so."""
        self._rewound = False
        if isinstance(self.timeline, LiveTimeline):
            self.timeline.follow()
            self.mode = "follow"
        elif span := self.timeline.store.span():
            self.timeline.seek(span[1])
            self.mode = "end"

    def grew(self, before_ns: int) -> None:
        """Take note that a recording that ended at `before_ns` goes on: the cursor is at its end no more."""
        if self.mode == "end":
            self.mode = "pause"
        if self.timeline.at_ns > before_ns - LATE_NS:
            self.timeline.again()

    def faster(self, by: int = 1) -> None:
        """Play faster, or slower for -1."""
        at = bisect_left(SPEEDS, self.speed)
        self.speed = SPEEDS[max(0, min(at + by, len(SPEEDS) - 1))]

    def walk(self, moments: Sequence[int], by: Literal[1, -1]) -> bool:
        """Go to the next of the ascending `moments` in a direction; return whether there is one."""
        now = self.timeline.at_ns
        at = bisect_right(moments, now) if by > 0 else bisect_left(moments, now) - 1
        if not 0 <= at < len(moments):
            return False
        self.seek(moments[at])
        return True

    def _hold(self) -> None:
        if isinstance(self.timeline, LiveTimeline):
            self.timeline.hold()
