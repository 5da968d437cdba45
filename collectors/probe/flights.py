"""What becomes of each probe. Pure bookkeeping: time is an argument, nothing is sent here."""

from collections import deque
from typing import Final

from analysis.samples import Outcome, ProbeNote, Probes

HOLD_NS: Final = 10_000_000_000
"""How long after its timeout a probe is remembered, so that a late or second reply is known for what it is."""
SEQUENCES: Final = 1 << 16
AGE_GRID_US: Final = 1000
"""Precision of sending times; round-trip times keep theirs. Three more digits would be a sixth of a session file."""


class Flight:
    """One probe that was sent, until it is forgotten."""

    __slots__ = ("address", "clock_offset_ns", "outcome", "sent_ns", "seq", "series", "timeout_ns", "tx_stamp_ns")

    def __init__(self, series: int, address: str, seq: int, sent_ns: int, timeout_ns: int) -> None:
        self.series = series
        self.address = address
        self.seq = seq
        self.sent_ns = sent_ns
        """CLOCK_MONOTONIC just before sending."""
        self.timeout_ns = timeout_ns
        self.outcome: Outcome | None = None
        self.clock_offset_ns = 0
        """Wall clock minus monotonic clock when it was sent."""
        self.tx_stamp_ns: int | None = None


class Flights:
    """Every probe that may still be answered, by a 16-bit sequence that is never used twice at one time."""

    def __init__(self) -> None:
        self._by_seq: dict[int, Flight] = {}
        self._open: dict[int, deque[Flight]] = {}
        self._held: dict[int, deque[Flight]] = {}
        self._in_flight: dict[int, int] = {}
        self._seq = 0
        self._ended: set[int] = set()
        self._rows: list[tuple[int, int, Outcome, int | None]] = []
        self._notes: list[ProbeNote] = []

    def open(self, series: int, address: str, sent_ns: int, timeout_ns: int) -> Flight | None:
        """Note a probe about to be sent; None where all sequences are in use."""
        if len(self._by_seq) >= SEQUENCES:
            return None
        seq = (self._seq + 1) % SEQUENCES
        while seq in self._by_seq:
            seq = (seq + 1) % SEQUENCES
        self._seq = seq
        flight = self._by_seq[seq] = Flight(series, address, seq, sent_ns, timeout_ns)
        self._open.setdefault(timeout_ns, deque()).append(flight)
        self._in_flight[series] = self._in_flight.get(series, 0) + 1
        return flight

    def get(self, seq: int) -> Flight | None:
        """Return the probe that holds `seq`, None for one never sent or long forgotten."""
        return self._by_seq.get(seq)

    def failed(self, series: int, sent_ns: int, reason: str) -> None:
        """Tell a probe that never left, and why."""
        self._tell(series, sent_ns, Outcome.FAILED, None, reason)

    def take_back(self, flight: Flight, reason: str) -> None:
        """Tell that an opened probe could not be sent after all; its sequence is free again."""
        self._settle(flight, Outcome.FAILED)
        self._by_seq.pop(flight.seq, None)
        self.failed(flight.series, flight.sent_ns, reason)

    def answered(self, flight: Flight, rtt_ns: int, note: str | None = None) -> None:
        """Tell a reply from the address that was asked: in time, late, or once more."""
        if flight.outcome is None and rtt_ns > flight.timeout_ns:
            self.lost(flight)
        if flight.outcome is None:
            outcome = Outcome.ANSWERED
            self._settle(flight, outcome)
        else:
            outcome = Outcome.DUPLICATE if flight.outcome is Outcome.ANSWERED else Outcome.LATE
            flight.outcome = Outcome.ANSWERED
        self._tell(flight.series, flight.sent_ns, outcome, rtt_ns, note)

    def foreign(self, flight: Flight, rtt_ns: int, sender: str) -> None:
        """Tell a reply from another address; the probe stays open."""
        self._tell(flight.series, flight.sent_ns, Outcome.FOREIGN, rtt_ns, "reply", sender)

    def unreachable(self, flight: Flight, reason: str, sender: str | None) -> None:
        """Tell what a router or the target said; nothing once the probe is settled."""
        if flight.outcome is None:
            self._settle(flight, Outcome.UNREACHABLE)
            said_by = None if sender == flight.address else sender
            self._tell(flight.series, flight.sent_ns, Outcome.UNREACHABLE, None, reason, said_by)

    def lost(self, flight: Flight) -> None:
        """Tell that no reply came in time; nothing once the probe is settled."""
        if flight.outcome is None:
            self._settle(flight, Outcome.LOST)
            self._tell(flight.series, flight.sent_ns, Outcome.LOST, None)

    def expire(self, now_ns: int) -> None:
        """Tell losses up to `now_ns` and forget what is too old to matter. Read the sockets first."""
        for timeout_ns, flights in self._open.items():
            while flights and flights[0].sent_ns + timeout_ns <= now_ns:
                flight = flights.popleft()
                self.lost(flight)
                self._held.setdefault(timeout_ns, deque()).append(flight)
        for timeout_ns, flights in self._held.items():
            while flights and flights[0].sent_ns + timeout_ns + HOLD_NS <= now_ns:
                flight = flights.popleft()
                if self._by_seq.get(flight.seq) is flight:
                    del self._by_seq[flight.seq]

    def end(self, series: int) -> None:
        """Stop telling anything about `series`."""
        self._ended.add(series)
        self._in_flight.pop(series, None)

    def batch(self, now_ns: int, sample_offset_ns: int) -> Probes:
        """Return what was settled since the last batch. Sample time is monotonic time plus `sample_offset_ns`.

        Both times of an age are cut to `AGE_GRID_US`, so that a LATE row names exactly the sent time of the LOST row
        it takes back. Rows are sorted by series, which packs best, and keep their order within one.
        """
        order = sorted(range(len(self._rows)), key=lambda row: self._rows[row][0])
        rows = [self._rows[row] for row in order]
        place = {row: at for at, row in enumerate(order)}
        notes = tuple(ProbeNote(place[note.row], note.reason, note.sender) for note in self._notes)
        self._rows, self._notes = [], []
        series, sent, outcomes, rtts = zip(*rows, strict=True) if rows else ((), (), (), ())
        now_us = _on_grid(now_ns)
        return Probes(
            now_us * 1000 + sample_offset_ns,
            series=series,
            age_us=tuple(now_us - _on_grid(sent_ns) for sent_ns in sent),
            outcome=tuple(int(outcome) for outcome in outcomes),
            rtt_us=tuple(None if rtt is None else (rtt + 500) // 1000 for rtt in rtts),
            notes=notes,
            in_flight=tuple((series, count) for series, count in self._in_flight.items() if count),
        )

    def _settle(self, flight: Flight, outcome: Outcome) -> None:
        flight.outcome = outcome
        if flight.series in self._in_flight:
            self._in_flight[flight.series] -= 1

    def _tell(
        self,
        series: int,
        sent_ns: int,
        outcome: Outcome,
        rtt_ns: int | None,
        reason: str | None = None,
        sender: str | None = None,
    ) -> None:
        if series in self._ended:
            return
        if reason is not None:
            self._notes.append(ProbeNote(len(self._rows), reason, sender))
        self._rows.append((series, sent_ns, outcome, rtt_ns))


def _on_grid(time_ns: int) -> int:
    return time_ns // (AGE_GRID_US * 1000) * AGE_GRID_US
