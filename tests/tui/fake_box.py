"""A box that can be tuned, and only remembers what was asked of it."""

import random
from collections.abc import Callable, Sequence

import msgspec

from analysis.samples import Fact, Facts, Sample
from analysis.text import say
from tests.samples import at, definitions, second
from tuning.conflicts import Setter
from tuning.plan import Request, Wanted
from tuning.reports import Order, Report
from tuning.verify import Reach
from tuning.wizard import Ended, Event, Reported

LIVED_S = 40
DEADLINE_NS = at(1000)
CONTROL = "net.ipv4.tcp_congestion_control"
FACTS = {
    f"sysctl.{CONTROL}": "cubic",
    "sysctl.net.ipv4.tcp_available_congestion_control": "reno cubic bbr",
    "sysctl.net.ipv4.tcp_allowed_congestion_control": "reno cubic bbr",
    "sysctl.net.core.default_qdisc": "fq",
    "sysctl.net.ipv4.tcp_wmem": "4096 16384 4194304",
    "sysctl.net.ipv4.tcp_rmem": "4096 131072 6291456",
    "sysctl.net.ipv4.tcp_slow_start_after_idle": "1",
    "module.tcp_bbr": "loaded",
    "kernel.release": "6.1.0",
    "container": "none",
    "netns.initial": "yes",
}


def seconds(start_s: int, count: int, rtt_us: int) -> list[Sample]:
    """Seconds whose times have nothing to do with each other: each counts in full."""
    chance = random.Random(start_s)
    rtts = [rtt_us + chance.randrange(500) for _ in range(count)]
    return [second(n, 300, rtt, 2 * rtt) for n, rtt in enumerate(rtts, start_s)]


def life(flows: Sequence[Sample] = ()) -> list[Sample]:
    """Return what this box has lived through so far: its facts, and seconds of probes."""
    facts = Facts(at(0), {key: Fact(value, "/proc") for key, value in FACTS.items()})
    lived = sorted([*seconds(1, LIVED_S, 150_000), *flows], key=lambda sample: sample.t)
    return [facts, *definitions(), *lived]


class FakeBox:
    """Does at once what it is asked for, and keeps the orders."""

    def __init__(self, *, may_change: bool = True, refuses: str = "") -> None:
        self.may_change = may_change
        self.refuses = refuses
        self.orders: list[str] = []
        self.now: dict[str, str] = {}
        self.found: dict[str, str] = {}
        self.answers = Reach("answers", "answers")

    def management(self) -> tuple[str, ...]:
        return ("eth0",)

    def reach(self) -> Reach:
        return self.answers

    def others(self, changes: Sequence[Wanted]) -> tuple[Setter, ...]:
        path = "/etc/sysctl.d/99-own.conf"
        told = say("{path} sets it too.", path=path)
        return tuple(Setter(c.key, path, "4096", True, told) for c in changes if c.key == "net.ipv4.tcp_rmem")

    def values(self, changes: Sequence[Wanted]) -> tuple[str | None, ...]:
        return tuple(self.now.get(change.key) for change in changes)

    def start(self, order: Order, tell: Callable[[Event], None]) -> None:
        self.orders.append(order.do)
        if self.refuses:
            tell(Reported(Report("refused", text=say(self.refuses), trouble=True)))
            tell(Ended(False))
            return
        for report in self._apply(order) if order.do == "apply" else self._close(order):
            tell(Reported(report))
        tell(Ended(True))

    def _apply(self, order: Order) -> list[Report]:
        asked = msgspec.json.decode(order.request, type=Request)
        self.found = {change.key: change.current for change in asked.changes}
        self.now = {change.key: change.proposed for change in asked.changes}
        steps = [Report("step", "P", change.key, "applied", change.proposed) for change in asked.changes]
        return [Report("armed", "P", deadline_ns=DEADLINE_NS), *steps, Report("applied", "P")]

    def _close(self, order: Order) -> list[Report]:
        if order.do == "confirm":
            return [Report("kept", "P"), Report("file", "P", "/etc/sysctl.d/90-longpipe.conf")]
        self.now = dict(self.found)
        return [*(Report("step", "P", key, "reverted") for key in self.now), Report("rolled-back", "P")]
