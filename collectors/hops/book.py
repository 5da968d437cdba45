"""What became of each hop probe. Pure bookkeeping: time is an argument, nothing is sent here."""

from collections import deque
from collections.abc import Callable
from typing import Final

from analysis.samples import HopAnswer, Hops, Outcome, ProbeNote
from collectors.probe.flights import Flight

HOLD_NS: Final = 5_000_000_000
"""How long after its timeout a probe is remembered, so that a late or second answer is known for what it is."""
IDENTS: Final = 1 << 16
AGE_GRID_US: Final = 100


class HopFlight(Flight):
    """One hop probe that was sent, until it is forgotten. `series` is its path's id, `seq` its identification."""

    __slots__ = ("flow", "judge", "size", "ttl")

    def __init__(self, path: int, address: str, ident: int, sent_ns: int, timeout_ns: int) -> None:
        super().__init__(path, address, ident, sent_ns, timeout_ns)
        self.ttl = 0
        self.flow = 0
        self.size = 0
        self.judge: Callable[[HopAnswer | None, int | None], None] | None = None
        """Takes the answer (None: none came) and the MTU it tells, in place of the batch: a probe of the MTU."""


class Book:
    """Every hop probe that may still be answered, by an identification never used twice at one time; never 0."""

    def __init__(self) -> None:
        self._by_ident: dict[int, HopFlight] = {}
        self._open: dict[int, deque[HopFlight]] = {}
        self._held: deque[HopFlight] = deque()
        self._last = 0
        self._ended: set[int] = set()
        self._rows: list[tuple[int, int, int, int, Outcome, int | None, HopAnswer | None]] = []
        self._notes: list[ProbeNote] = []

    def open(self, path: int, address: str, sent_ns: int, timeout_ns: int) -> HopFlight | None:
        """Note a probe about to be sent; None where all identifications are in use."""
        if len(self._by_ident) >= IDENTS - 1:
            return None
        ident = self._last % (IDENTS - 1) + 1
        while ident in self._by_ident:
            ident = ident % (IDENTS - 1) + 1
        self._last = ident
        flight = self._by_ident[ident] = HopFlight(path, address, ident, sent_ns, timeout_ns)
        self._open.setdefault(timeout_ns, deque()).append(flight)
        return flight

    def get(self, ident: int) -> HopFlight | None:
        """Return the probe with this identification, None for one never sent or long forgotten."""
        return self._by_ident.get(ident)

    def waiting(self, path: int, flow: int) -> list[HopFlight]:
        """Return the unanswered probes of one flow."""
        return [
            flight
            for flights in self._open.values()
            for flight in flights
            if flight.outcome is None and (flight.series, flight.flow) == (path, flow)
        ]

    @property
    def is_idle(self) -> bool:
        """Whether no probe is waited for."""
        return not any(flight.outcome is None for flights in self._open.values() for flight in flights)

    def failed(self, flight: HopFlight, reason: str) -> None:
        """Tell that a probe could not be sent after all, and why; its identification is free again."""
        flight.outcome = Outcome.FAILED
        self._by_ident.pop(flight.seq, None)
        if flight.judge is None and flight.series not in self._ended:
            self._notes.append(ProbeNote(len(self._rows), reason))
            self._tell(flight, Outcome.FAILED, None, None)

    def answered(self, flight: HopFlight, rtt_ns: int, answer: HopAnswer, mtu: int | None = None) -> None:
        """Tell an answer: in time, late, or once more."""
        if flight.judge is not None:
            if flight.outcome is None:
                flight.outcome = Outcome.ANSWERED
                flight.judge(answer, mtu)
            return
        if flight.outcome is None and rtt_ns > flight.timeout_ns:
            self._lost(flight)
        if flight.outcome is None:
            outcome = Outcome.ANSWERED
        else:
            outcome = Outcome.DUPLICATE if flight.outcome is Outcome.ANSWERED else Outcome.LATE
        flight.outcome = Outcome.ANSWERED
        self._tell(flight, outcome, rtt_ns, answer)

    def expire(self, now_ns: int) -> None:
        """Tell losses up to `now_ns` and forget what is too old to matter. Read the sockets first."""
        for timeout_ns, flights in self._open.items():
            while flights and flights[0].sent_ns + timeout_ns <= now_ns:
                flight = flights.popleft()
                self._lost(flight)
                self._held.append(flight)
        while self._held and self._held[0].sent_ns + self._held[0].timeout_ns + HOLD_NS <= now_ns:
            flight = self._held.popleft()
            if self._by_ident.get(flight.seq) is flight:
                del self._by_ident[flight.seq]

    def end(self, path: int) -> None:
        """Stop telling anything about `path`."""
        self._ended.add(path)

    def batch(self, now_ns: int, sample_offset_ns: int) -> Hops | None:
        """Return what was settled since the last batch; None where nothing was.

        Both times of an age are cut to `AGE_GRID_US`, so that a LATE row names exactly the time of its LOST row.
        """
        rows, self._rows = self._rows, []
        notes, self._notes = tuple(self._notes), []
        if not rows:
            return None
        now_us = _on_grid(now_ns)
        path, ttl, flow, sent, outcome, rtts, answers = zip(*rows, strict=True)
        numbers = {number: at for at, number in enumerate(dict.fromkeys(path))}
        told = {answer: at for at, answer in enumerate(dict.fromkeys(a for a in answers if a is not None))}
        return Hops(
            now_us * 1000 + sample_offset_ns,
            paths=tuple(numbers),
            path=tuple(numbers[one] for one in path),
            ttl=ttl,
            flow=flow,
            age_us=tuple(now_us - _on_grid(sent_ns) for sent_ns in sent),
            outcome=tuple(int(one) for one in outcome),
            rtt_us=tuple(None if rtt is None else (rtt + 500) // 1000 for rtt in rtts),
            answer=tuple(None if one is None else told[one] for one in answers),
            answers=tuple(told),
            notes=notes,
        )

    def _lost(self, flight: HopFlight) -> None:
        if flight.outcome is not None:
            return
        flight.outcome = Outcome.LOST
        if flight.judge is None:
            self._tell(flight, Outcome.LOST, None, None)
        else:
            flight.judge(None, None)

    def _tell(self, flight: HopFlight, outcome: Outcome, rtt_ns: int | None, answer: HopAnswer | None) -> None:
        if flight.series not in self._ended:
            self._rows.append((flight.series, flight.ttl, flight.flow, flight.sent_ns, outcome, rtt_ns, answer))


def _on_grid(time_ns: int) -> int:
    return time_ns // (AGE_GRID_US * 1000) * AGE_GRID_US
