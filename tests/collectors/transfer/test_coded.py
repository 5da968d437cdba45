"""Blocks are restored whenever enough of them came, to the byte, whatever came and in which order."""

from hypothesis import given, settings
from hypothesis import strategies as st

from collectors.transfer.coded import CodedSource, Restorer
from collectors.transfer.wire import DATAGRAM, Ask

TOKEN = b"12345678"
BLOCKS = 4
codes = st.integers(1, 10).flatmap(lambda needed: st.tuples(st.just(needed), st.integers(needed + 1, 14)))


def an_ask(needed: int, block: int) -> Ask:
    total = BLOCKS * block * 100
    return Ask("udp", True, False, 1, 1.0, total, pace_bps=total * 8, payload_bytes=100, needed=needed, block=block)


def datagrams(ask: Ask) -> list[bytes]:
    source = CodedSource(ask, TOKEN)
    assert source.total == BLOCKS * (ask.block or 0)
    made = b"".join(source.make(number, 1, number * 1000) for number in range(source.total))
    return [made[start : start + 100] for start in range(0, len(made), 100)]


@settings(max_examples=30)
@given(codes, st.data())
def test_what_can_be_restored_is_and_is_right(code: tuple[int, int], data: st.DataObject) -> None:
    needed, block = code
    ask = an_ask(needed, block)
    sent = datagrams(ask)
    kept = data.draw(st.sets(st.integers(0, len(sent) - 1)))
    order = data.draw(st.permutations(sorted(kept)))
    copies = data.draw(st.lists(st.sampled_from(order), max_size=3)) if order else []
    restorer = Restorer(ask, TOKEN)
    for position, number in enumerate([*order, *copies]):
        restorer.take(number, memoryview(sent[number])[DATAGRAM.size :], 10**6 + position * 1000)
    arrived = restored = 0
    for first in range(0, len(sent), block):
        here = kept & set(range(first, first + block))
        own = len(here & set(range(first, first + needed)))
        arrived += own
        restored += needed - own if len(here) >= needed else 0
    told = restorer.decoded(len(sent))
    assert (told.sources, told.arrived, told.restored, told.wrong) == (BLOCKS * needed, arrived, restored, 0)
    assert (told.wait_max_us is None) == (restored == 0)


def test_a_datagram_that_was_changed_on_its_way_shows() -> None:
    ask = an_ask(2, 3)
    sent = datagrams(ask)
    restorer = Restorer(ask, TOKEN)
    broken = bytearray(sent[2])
    broken[-1] ^= 1
    restorer.take(1, memoryview(sent[1])[DATAGRAM.size :], 1000)
    restorer.take(2, memoryview(broken)[DATAGRAM.size :], 2000)
    told = restorer.decoded(3)
    assert (told.restored, told.wrong) == (0, 1)


@settings(max_examples=30)
@given(st.integers(0, 1 << 64))
def test_numbers_that_cannot_be_are_passed_over(number: int) -> None:
    ask = an_ask(2, 3)
    restorer = Restorer(ask, TOKEN)
    restorer.take(number, memoryview(bytes(76)), 0)
    assert restorer.decoded(BLOCKS * 3).arrived == (number < BLOCKS * 3 and number % 3 < 2)


def test_a_last_block_of_which_sending_was_cut_short_does_not_count() -> None:
    ask = an_ask(2, 3)
    restorer = Restorer(ask, TOKEN)
    for number, datagram in enumerate(datagrams(ask)[:5]):
        restorer.take(number, memoryview(datagram)[DATAGRAM.size :], 10**6)
    told = restorer.decoded(5)
    assert (told.sources, told.arrived, told.restored) == (2, 2, 0)
