"""The definitions of the report, packet by packet and with sets: slow, and plainly right."""

from dataclasses import dataclass, field


def signed24(way: int) -> int:
    way &= 0xFFFFFF
    return way - 0x1000000 if way & 0x800000 else way


@dataclass
class Flow:
    packets: int = 0
    expected: int | None = None
    head: int = 0
    """`expected`, unwrapped."""
    gap_events: int = 0
    gap_psns: int = 0
    behind: int = 0
    repeats: int = 0
    rewinds: int = 0
    wrapped: bool = False
    first_psn: int = 0
    last_psn: int = 0
    starts: set[int] = field(default_factory=set)
    covered: set[int] = field(default_factory=set)
    last_end: int = 0
    waiting: bool = False

    def add(self, psn: int, span: int) -> None:
        self.packets += 1
        if self.expected is None:
            self.expected = self.head = self.first_psn = self.last_psn = psn
        way = signed24(psn - self.expected)
        self.wrapped |= psn < self.last_psn and signed24(psn - self.last_psn) > 0
        self.last_psn = psn
        at = self.head + way
        again = at in self.starts
        self.repeats += again
        if way < 0:
            self.behind += 1
            if at < self.last_end:
                self.waiting = True
            elif again and self.waiting:
                self.rewinds += 1
                self.waiting = False
        else:
            if way > 0:
                self.gap_events += 1
                self.gap_psns += way
            self.head = at + span
            self.expected = (psn + span) & 0xFFFFFF
            self.waiting = False
        self.last_end = at + span
        self.starts.add(at)
        self.covered.update(range(at, at + span))

    @property
    def missing(self) -> int:
        return max(self.covered) - min(self.covered) + 1 - len(self.covered)
