"""Rates, grades, limits and scores are made from counts as they are described."""

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.bandwidth import bandwidth
from analysis.box import Box
from analysis.definitions import in_force
from analysis.samples import (
    BandwidthRun,
    DatagramCounts,
    Direction,
    LinkCounters,
    Links,
    Route,
    RttQuantiles,
    SenderAccount,
)
from analysis.transfer.bufferbloat import bloat
from analysis.transfer.limits import limit, rate_bps
from analysis.transfer.results import FRESH_NS
from analysis.transfer.span import SLOT_NS, steady

HOUR, SECOND = 3600 * 10**9, 10**9
WAN = Route("wan-1", "wan", 4, "eth0", gateway="192.0.2.1")
NOW = 10 * HOUR


def a_run(direction: Direction, mbps: float, age_ns: int = 0, **fields: object) -> BandwidthRun:
    plain: dict[str, object] = {
        "t": NOW - age_ns, "ended_ns": NOW - age_ns, "target": "far", "address": "192.0.2.9", "port": 5209,
        "protocol": "tcp", "direction": direction, "flows": 4, "span_us": 8_000_000, "skipped_us": 2_000_000,
        "bytes": int(mbps * 1e6), "moved_bytes": int(mbps * 1.2e6), "route": WAN.id,
    }  # fmt: skip
    return BandwidthRun(**plain | fields)  # type: ignore[arg-type]


def box_after(*runs: BandwidthRun) -> Box:
    box = Box()
    for run in runs:
        assert box.fold(run)
    return box


def rtt(p50_ms: float, n: int = 100) -> RttQuantiles:
    us = round(p50_ms * 1000)
    return RttQuantiles(n, 0, us, us, us, us)


@settings(max_examples=40)
@given(st.lists(st.lists(st.integers(0, 1000), min_size=2, max_size=2), min_size=3, max_size=40))
def test_the_first_fifth_is_left_out_and_nothing_else(slots: list[list[int]]) -> None:
    span = steady(slots, len(slots) * SLOT_NS)
    left_out = -(-len(slots) // 5)
    assert span.skipped_ns == left_out * SLOT_NS
    assert span.span_ns == (len(slots) - left_out) * SLOT_NS
    assert span.bytes == sum(map(sum, slots[left_out:]))


def test_a_transfer_of_an_instant_tells_no_rate_and_a_stalled_one_tells_a_low_one() -> None:
    assert steady([[1 << 30]], SLOT_NS).span_ns == 0
    stalled = steady([[1000], [1000]], 10 * SECOND)
    assert (stalled.bytes, stalled.span_ns) == (0, 8 * SECOND)
    assert rate_bps(a_run("up", 1, span_us=0)) is None


@pytest.mark.parametrize(
    ("growth_ms", "grade"),
    [(0, "A+"), (4.9, "A+"), (5, "A"), (29.9, "A"), (30, "B"), (60, "C"), (200, "D"), (399, "D"), (400, "F")],
)
def test_bufferbloat_is_graded_by_the_growth_of_the_median(growth_ms: float, grade: str) -> None:
    found = bloat(rtt(20), rtt(20 + growth_ms, n=40))
    assert found is not None
    assert (found.grade, found.n) == (grade, 40)


def test_too_few_round_trips_give_no_grade() -> None:
    assert bloat(rtt(20, n=9), rtt(90)) is None
    assert bloat(rtt(20), None) is None


ACCOUNT = SenderAccount(
    "cubic", 1448, 100, bytes_sent=10**8, bytes_retrans=0, busy_us=8 * 10**6, rwnd_limited_us=0, sndbuf_limited_us=0
)


@pytest.mark.parametrize(
    ("changes", "loaded_ms", "said"),
    [
        ({"rwnd_limited_us": 4 * 10**6}, 20, "receive window held the rate 50%"),
        ({"sndbuf_limited_us": 6 * 10**6}, 20, "send buffer held the rate 75%"),
        ({}, 120, "its queue added 100 ms"),
        ({"bytes_retrans": 10**6}, 20, "Loss held the rate: 1.0%"),
        ({"bytes_retrans": 10**6, "cc": "bbr"}, 20, "1.0% of the bytes were sent again"),
        ({}, 20, "no buffer, no loss and no growing queue"),
    ],
)
def test_what_held_the_rate_is_told_from_the_senders_account(
    changes: dict[str, object], loaded_ms: float, said: str
) -> None:
    account = msgspec.structs.replace(ACCOUNT, **changes)
    assert said in str(limit(a_run("up", 100, sender=account, idle=rtt(20), loaded=rtt(loaded_ms))))


def test_nothing_is_said_where_nothing_is_known() -> None:
    assert limit(a_run("up", 100)) is None
    unknown = msgspec.structs.replace(ACCOUNT, bytes_retrans=None, rwnd_limited_us=None)
    assert limit(a_run("up", 100, sender=unknown)) is None


def test_lost_datagrams_are_told_at_their_pace() -> None:
    run = a_run("up", 9, protocol="udp", asked_bps=10**7, datagrams=DatagramCounts(1000, 900))
    assert str(limit(run)) == "10% of the datagrams were lost at the asked pace of 10.0 Mb/s."


def test_a_fresh_test_is_what_the_route_carries_in_its_slower_direction() -> None:
    told = bandwidth(WAN, box_after(a_run("down", 400), a_run("up", 40)), NOW)
    assert (told.mbps, told.at_least) == (40.0, False)
    assert told.judged(100) == 40.0  # a lower bound would say nothing here
    assert "a test to far" in str(told.source)
    assert "slower direction" in str(told.source)


def test_a_test_counts_for_an_hour_and_is_shown_ever_after() -> None:
    box = box_after(a_run("down", 400))
    assert bandwidth(WAN, box, NOW + FRESH_NS - 1).mbps == 400
    assert bandwidth(WAN, box, NOW + FRESH_NS).mbps is None
    assert [run.direction for run in box.tests.over(WAN.id)] == ["down"]


def test_a_test_over_another_way_or_none_says_nothing_of_this_one() -> None:
    box = box_after(a_run("down", 400, route="other"), a_run("up", 300, route=""))
    assert bandwidth(WAN, box, NOW).mbps is None


def test_a_line_seen_to_carry_more_than_it_was_tested_at_is_faster_now() -> None:
    box = box_after(a_run("down", 100), a_run("up", 10))
    for second, total in ((1, 0), (2, 11_000_000)):  # 88 Mb/s: the test's own traffic
        box.fold(Links(NOW + second * SECOND, (LinkCounters("eth0", True, total, 0, 0, 0, 0, 0, 0, 0),)))
    assert bandwidth(WAN, box, NOW + 2 * SECOND).mbps == 10
    box.fold(Links(NOW + 3 * SECOND, (LinkCounters("eth0", True, 61_000_000, 0, 0, 0, 0, 0, 0, 0),)))
    told = bandwidth(WAN, box, NOW + 3 * SECOND)
    assert (told.mbps, told.at_least) == (400, True)


def test_the_newest_of_a_kind_counts_whatever_order_they_come_in() -> None:
    new, old = a_run("down", 200), a_run("down", 100, age_ns=SECOND)
    assert bandwidth(WAN, box_after(new, old), NOW).mbps == bandwidth(WAN, box_after(old, new), NOW).mbps == 200


def test_a_test_stays_in_force_for_whoever_begins_to_read_later() -> None:
    up, down = a_run("up", 1), a_run("down", 2)
    assert set(in_force([up, down]).values()) == {up, down}
