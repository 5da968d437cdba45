"""What is told of each probe, whatever order replies, errors and timeouts come in."""

from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.samples import Outcome
from collectors.probe.flights import HOLD_NS, SEQUENCES, Flight, Flights
from tests.lab.probing import outcomes, rows

MS = 1_000_000
TIMEOUT = 100 * MS
HOME = "192.0.2.1"

EVENTS = st.lists(
    st.tuples(
        st.sampled_from(["send", "reply", "foreign", "unreachable", "fail"]),
        st.integers(0, 30),
        st.integers(0, 80 * MS),
    ),
    max_size=80,
)


def play(events: list[tuple[str, int, int]]) -> tuple[list, int, Counter]:
    """Play (what, to which probe, after how long); return what was told, how many sent, and what is in flight."""
    flights, now, sent, told, in_flight = Flights(), 1_000_000_007, [], [], ()
    for what, which, pause in [*events, ("end", 0, TIMEOUT)]:
        now += pause
        flights.expire(now)
        if what == "send":
            sent.append(flights.open(which % 3, HOME, now, TIMEOUT))
        elif what == "fail":
            flights.failed(which % 3, now, "ENETUNREACH")
        elif sent and what != "end":
            answer(flights, what, sent[which % len(sent)], now)
        batch = flights.batch(now, 5_000_000_123)
        told += rows(batch)
        in_flight = batch.in_flight
    return told, len(sent), Counter(dict(in_flight))


def answer(flights: Flights, what: str, flight: Flight, now: int) -> None:
    if flights.get(flight.seq) is not flight:
        return
    if what == "reply":
        flights.answered(flight, now - flight.sent_ns)
    elif what == "foreign":
        flights.foreign(flight, now - flight.sent_ns, "198.51.100.1")
    else:
        flights.unreachable(flight, "icmp 3/1", "198.51.100.1")


@given(EVENTS)
@settings(max_examples=150)
def test_every_probe_is_settled_exactly_once(events: list) -> None:
    told, sent, in_flight = play(events)
    count = Counter(outcomes(told))
    assert count[Outcome.ANSWERED] + count[Outcome.LOST] + count[Outcome.UNREACHABLE] == sent
    assert not +in_flight
    assert count[Outcome.FAILED] == sum(what == "fail" for what, _, _ in events)


@given(EVENTS)
@settings(max_examples=150)
def test_a_late_row_names_the_sent_time_of_a_loss_and_takes_it_back_only_once(events: list) -> None:
    told, _, _ = play(events)
    losses = Counter((row.series, row.sent_ns) for row in told if row.outcome in (Outcome.LOST, Outcome.UNREACHABLE))
    late = Counter((row.series, row.sent_ns) for row in told if row.outcome is Outcome.LATE)
    assert late <= losses


@given(EVENTS)
@settings(max_examples=100)
def test_only_replies_have_a_time_and_every_trouble_has_a_reason(events: list) -> None:
    for row in play(events)[0]:
        has_time = row.outcome in (Outcome.ANSWERED, Outcome.LATE, Outcome.DUPLICATE, Outcome.FOREIGN)
        assert (row.rtt_ms is not None) == has_time
        if row.outcome in (Outcome.FAILED, Outcome.UNREACHABLE, Outcome.FOREIGN):
            assert row.reason
        if row.outcome is Outcome.ANSWERED:
            assert row.rtt_ms * MS <= TIMEOUT


def test_a_reply_read_after_a_long_stall_counts_by_its_own_time() -> None:
    """A stopped process reads in time what came in time: its sockets are read before losses are judged."""
    flights = Flights()
    flight = flights.open(1, HOME, 0, TIMEOUT)
    flights.answered(flight, 20 * MS)
    flights.expire(5000 * MS)
    assert outcomes(rows(flights.batch(5000 * MS, 0))) == [Outcome.ANSWERED]


def test_a_reply_over_the_timeout_is_a_loss_and_a_late_reply_even_when_read_first() -> None:
    flights = Flights()
    flights.answered(flights.open(1, HOME, 0, TIMEOUT), TIMEOUT + MS)
    assert outcomes(rows(flights.batch(200 * MS, 0))) == [Outcome.LOST, Outcome.LATE]


def test_sequences_wrap_and_never_repeat_while_they_can_be_answered() -> None:
    flights, now = Flights(), 0
    waiting = flights.open(1, HOME, now, 3600 * 1000 * MS)
    seen = Counter()
    for _ in range(2 * SEQUENCES):
        now += MS
        flight = flights.open(2, HOME, now, MS)
        seen[flight.seq] += 1
        flights.expire(now)
    assert seen[waiting.seq] == 0
    assert flights.get(waiting.seq) is waiting
    assert len(seen) == SEQUENCES - 1


def test_when_no_sequence_is_free_the_probe_is_not_sent() -> None:
    flights = Flights()
    for _ in range(SEQUENCES):
        assert flights.open(1, HOME, 0, MS)
    assert flights.open(1, HOME, 0, MS) is None
    flights.expire(MS)
    assert flights.open(1, HOME, 0, MS) is None, "a late reply could still be taken for the new probe's"
    flights.expire(MS + HOLD_NS)
    assert flights.open(1, HOME, 0, MS)


def test_an_ended_series_tells_nothing_more() -> None:
    flights = Flights()
    flight = flights.open(1, HOME, 0, TIMEOUT)
    flights.end(1)
    flights.answered(flight, MS)
    batch = flights.batch(MS, 0)
    assert batch.series == batch.in_flight == ()
