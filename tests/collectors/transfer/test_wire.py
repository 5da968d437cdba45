"""What two ends say to each other survives the way; anything else is refused, whatever it is."""

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.samples import DatagramCounts, SenderAccount
from collectors.transfer.bounds import Limits, believed, objection
from collectors.transfer.talk import Gone
from collectors.transfer.wire import Arrived, Ask, Decoded, Done, Flow, Go, Hello, Message, Sent, decode, encode

TCP = Ask("tcp", up=True, down=False, flows=2, seconds=1.0, most_bytes=1 << 20)
UDP = Ask("udp", up=True, down=False, flows=1, seconds=1.0, most_bytes=1 << 20, pace_bps=1_000_000)
CODED = msgspec.structs.replace(UDP, needed=10, block=12)
LIMITS = Limits(most_seconds=5.0, most_bytes=1 << 21)

counts = st.integers(0, 1 << 62)
messages: st.SearchStrategy[Message] = st.one_of(
    st.builds(Hello, st.integers(), st.text(max_size=50)),
    st.builds(Flow, st.binary(min_size=8, max_size=8).map(bytes.hex), st.integers(0, 63), st.booleans()),
    st.builds(Sent, counts),
    st.just(Go()),
    st.builds(
        Done,
        st.none() | st.builds(Arrived, counts, counts, counts, counts, st.lists(counts, max_size=4).map(tuple)),
        st.none() | st.builds(SenderAccount, st.text(max_size=9), st.integers(), st.integers()),
        counts,
    ),
)


@settings(max_examples=40)
@given(messages)
def test_a_message_comes_as_it_was_sent_in_one_line(message: Message) -> None:
    line = encode(message)
    assert line.count(b"\n") == 1
    assert decode(line[:-1]) == message


@settings(max_examples=40)
@given(st.binary(max_size=200) | st.text(max_size=100).map(str.encode))
def test_garbage_is_a_value_error_and_nothing_else(line: bytes) -> None:
    with pytest.raises(ValueError):
        decode(line)


@pytest.mark.parametrize(
    "line",
    [
        b"[" * 100_000,
        b'{"m":"refused","why":' + b'{"text":"x","args":{"a":' * 2000 + b'"x"' + b"}}" * 2000 + b"}",
        b'{"m":"ask","protocol":"tcp","up":true,"down":true,"flows":65,"seconds":1,"most_bytes":1}',
        b'{"m":"ask","protocol":"tcp","up":true,"down":true,"flows":1,"seconds":1e9,"most_bytes":1}',
        b'{"m":"ask","protocol":"tcp","up":true,"down":true,"flows":1,"seconds":1,"most_bytes":-1}',
        b'{"m":"flow","token":"../../etc","index":0,"up":true}',
        b'{"m":"nonsense"}',
    ],
)
def test_what_is_out_of_bounds_is_refused_where_it_is_read(line: bytes) -> None:
    with pytest.raises(ValueError):
        decode(line)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"seconds": 6.0}, "up to 5.0 s at a time"),
        ({"most_bytes": 1 << 22}, "up to 2.00 MiB in one test"),
        ({"down": True, "most_bytes": (1 << 20) + 1}, "up to 2.00 MiB in one test"),
        ({"up": False}, "does not exist"),
        ({"needed": 3, "block": 4}, "does not exist"),
        ({"protocol": "udp"}, "has a pace"),
    ],
)
def test_a_server_says_what_it_does_not_do(change: dict[str, object], said: str) -> None:
    assert objection(TCP, LIMITS, 1 << 21) is None
    assert said in str(objection(msgspec.structs.replace(TCP, **change), LIMITS, 1 << 21))


def test_so_many_datagrams_that_counting_them_takes_the_memory_are_refused() -> None:
    ask = msgspec.structs.replace(UDP, pace_bps=1 << 40, payload_bytes=64, most_bytes=1 << 50)
    assert "cannot be counted" in str(objection(ask, Limits(most_bytes=1 << 51), 1 << 51))
    assert "more datagrams in a block" in str(objection(msgspec.structs.replace(UDP, needed=3), LIMITS, 1 << 21))


GOOD = Done(Arrived(1000, 10**9, 0, 1000, (600, 400)))
SEEN = DatagramCounts(100, 98, bursts=((1, 2),))
GOOD_UDP = Done(Arrived(1000, 10**9, 0, 1000, datagrams=SEEN, pattern=(50, 1, 10, 1, 38)))


def changed(done: Done, **fields: object) -> Done:
    assert done.arrived is not None
    return msgspec.structs.replace(done, arrived=msgspec.structs.replace(done.arrived, **fields))


@pytest.mark.parametrize(
    ("done", "ask"),
    [
        (changed(GOOD, moved_bytes=1 << 30), TCP),
        (changed(GOOD, bytes=1001), TCP),
        (changed(GOOD, span_ns=1 << 60), TCP),
        (changed(GOOD, flow_bytes=(1 << 50, 1)), TCP),
        (changed(GOOD, datagrams=SEEN), TCP),
        (Done(), TCP),
        (Done(GOOD.arrived, moved_bytes=1 << 40), TCP),
        (Done(GOOD.arrived, SenderAccount("x", -1, 5)), TCP),
        (changed(GOOD_UDP, datagrams=DatagramCounts(100, 101)), UDP),
        (changed(GOOD_UDP, datagrams=DatagramCounts(1 << 60, 98)), UDP),
        (changed(GOOD_UDP, datagrams=DatagramCounts(100, 98, -1, bursts=((1, 2),))), UDP),
        (changed(GOOD_UDP, datagrams=DatagramCounts(100, 98, bursts=((1 << 60, 1),))), UDP),
        (changed(GOOD_UDP, pattern=(1 << 61,)), UDP),
        (GOOD_UDP, CODED),
        (changed(GOOD_UDP, decoded=Decoded(10, 9, 2, 0)), CODED),
    ],
)
def test_a_server_that_lies_is_not_believed(done: Done, ask: Ask) -> None:
    assert believed(GOOD, TCP, 1000) is GOOD
    assert believed(GOOD_UDP, UDP, 1 << 20) is GOOD_UDP
    with pytest.raises(Gone, match="cannot be"):
        believed(done, ask, 1000 if ask is TCP else 1 << 20)
