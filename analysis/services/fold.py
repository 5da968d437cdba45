"""Checks become up and down: so many in a row decide, never a single one (as load balancers do)."""

from collections import deque
from collections.abc import Iterator
from itertools import count
from typing import Final, Literal, NamedTuple, TypeAlias

from analysis.events import Event
from analysis.samples import Check, Failure, Ports, Sample, Service
from analysis.services.answers import working
from analysis.services.ports import is_met, port_text
from analysis.severity import Severity
from analysis.text import N_, Sentence, say
from analysis.units import duration

State: TypeAlias = Literal["up", "down", "unknown"]
FAILURES: Final[dict[Failure, Sentence]] = {
    "name": say(N_("no such name")),
    "refused": say(N_("refused")),
    "unreachable": say(N_("no way there")),
    "timeout": say(N_("no answer in time")),
    "reset": say(N_("connection reset")),
    "closed": say(N_("connection closed")),
    "tls": say(N_("no TLS")),
    "certificate": say(N_("certificate not trusted")),
    "status": say(N_("bad status")),
    "protocol": say(N_("no sensible answer")),
    "answer": say(N_("no address")),
}
"""What a check ended with, in a few words."""
KEPT: Final = 600
"""Checks kept of one service: ten minutes at one a second."""


class Streak(NamedTuple):
    """Checks in a row that ended alike, and the state decided so far."""

    state: State = "unknown"
    since_ns: int | None = None
    """When the checks began that decided it."""
    at_least: bool = False
    """Whether those began with the first check ever seen: it may have been so for longer."""
    is_good: bool = False
    length: int = 0
    begun_ns: int = 0
    is_first: bool = True
    """Whether this streak began with the first check ever seen."""


def follow(streak: Streak, is_good: bool, t: int, failures: int, successes: int) -> Streak:
    """Return the streak after a check at `t`. From "unknown" either threshold decides."""
    alike = streak.length > 0 and streak.is_good == is_good
    begun_ns = streak.begun_ns if alike else t
    length = streak.length + 1 if alike else 1
    is_first = streak.is_first if alike else not streak.length
    now = streak._replace(is_good=is_good, length=length, begun_ns=begun_ns, is_first=is_first)
    state: State = "up" if is_good else "down"
    if state != streak.state and length >= (successes if is_good else failures):
        return now._replace(state=state, since_ns=begun_ns, at_least=is_first)
    return now


class Watched:
    """One service with what its checks came to."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.streak = Streak()
        self.checks: deque[Check] = deque(maxlen=KEPT)

    def take(self, check: Check) -> Event | None:
        """Take a check; return the change of state that it decides, if it does."""
        self.checks.append(check)
        before = self.streak
        service = self.service
        after = follow(before, check.failure is None, check.t, service.failures, service.successes)
        self.streak = after
        if after.state == before.state or (before.state, after.state) == ("unknown", "up"):
            return None
        name = service.name
        text = self._is_up(before, after) if after.state == "up" else self._is_down(after, check)
        severity: Severity = "notice" if after.state == "up" else down_severity(check)
        return Event(check.t, "service", severity, text, name, who=name)

    def _is_down(self, after: Streak, check: Check) -> Sentence:
        text = N_("{name} is down: {n} checks in a row failed within {time}, at last: {why}")
        time = duration(check.t - after.begun_ns)
        return say(text, name=self.service.name, n=after.length, time=time, why=check.why or say("–"))

    def _is_up(self, before: Streak, after: Streak) -> Sentence:
        length = duration(after.begun_ns - (before.since_ns or after.begun_ns))
        return say(N_("{name} is up again; it was down for {time}."), name=self.service.name, time=length)


def down_severity(check: Check) -> Severity:
    """Return how grave it is that a service is down; a name that some resolver knows is not lost."""
    return "warn" if any(working(check.answers).values()) else "bad"


class Services:
    """Every service and every host's ports, as told so far."""

    def __init__(self) -> None:
        self.watched: dict[str, Watched] = {}
        self.ports: dict[str, Ports] = {}

    def fold(self, sample: Sample) -> list[Event]:
        """Take a sample; return what changed."""
        return list(self._fold(sample))

    def _fold(self, sample: Sample) -> Iterator[Event]:
        match sample:
            case Service():
                self._define(sample)
            case Check() if sample.service in self.watched:
                event = self.watched[sample.service].take(sample)
                if event is not None:
                    yield event
            case Ports():
                before, self.ports[sample.host] = self.ports.get(sample.host), sample
                yield from _port_events(before, sample)
            case _:
                pass

    def _define(self, service: Service) -> None:
        known = self.watched.get(service.name)
        if known is None or known.service.url != service.url:
            self.watched[service.name] = Watched(service)
        else:
            known.service = service


def _port_events(before: Ports | None, now: Ports) -> Iterator[Event]:
    """Yield the ports that are newly as they must not be, and those that are right again."""
    was = {row.port: is_met(row) for row in before.rows} if before else {}
    for row in now.rows:
        met = is_met(row)
        if met == was.get(row.port, True):
            continue
        severity: Severity = "notice" if met else "bad"
        args = {"host": now.host, "port": row.port, "what": port_text(row)}
        yield Event(
            now.t, "service", severity, say(N_("{host}, port {port}: {what}"), **args), now.host, who=now.host
        )


class Tersely:
    """Tells which samples of a long session must be kept so that the same changes come out of them.

    Of checks in a row that end alike only as many decide anything as the larger threshold.
    """

    def __init__(self) -> None:
        self._limits: dict[str, int] = {}
        self._runs: dict[str, tuple[bool, Iterator[int]]] = {}
        self._ports: dict[str, tuple[bool, ...]] = {}

    def is_needed(self, sample: Sample) -> bool:
        """Return whether to keep a sample; call it with every one, in order."""
        match sample:
            case Service():
                self._limits[sample.name] = max(sample.failures, sample.successes)
                return True
            case Check():
                is_good = sample.failure is None
                run = self._runs.get(sample.service)
                if run is None or run[0] != is_good:
                    run = self._runs[sample.service] = is_good, count(1)
                return next(run[1]) <= self._limits.get(sample.service, 0)
            case Ports():
                met = tuple(map(is_met, sample.rows))
                before, self._ports[sample.host] = self._ports.get(sample.host), met
                return met != before
            case _:
                return False
