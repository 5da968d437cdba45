"""Echo requests against a far side that answers in every way a network can."""

import time
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise

import pytest

from analysis.samples import Outcome
from collectors.clock import Clock
from collectors.probe.packet import filling
from tests.lab.bed import Bed, can_make_namespaces
from tests.lab.path import add_targets
from tests.lab.probing import Seen, answered, at_least, outcomes, series, watch
from tests.lab.responder import Behaviour

pytestmark = pytest.mark.netns

TARGETS = {
    "10.200.0.1": Behaviour(delay_ms=10),
    "10.200.0.2": Behaviour(lose=(1, 3)),
    "10.200.0.3": Behaviour(delay_ms=150),
    "10.200.0.4": Behaviour(copies=2),
    "10.200.0.5": Behaviour(reply_from="10.200.0.99"),
    "10.200.0.6": Behaviour(unreachable=(3, 1), unreachable_from="10.200.7.7"),
    "10.200.0.7": Behaviour(delay_ms=5, other_ms=60),
    "10.200.0.8": Behaviour(hops=("10.200.8.1",)),
    "10.200.0.9": Behaviour(silent=True),
    "fd00:200::1": Behaviour(delay_ms=10),
    "fd00:200::4": Behaviour(copies=2),
    "fd00:200::5": Behaviour(reply_from="fd00:200::99"),
    "fd00:200::6": Behaviour(unreachable=(1, 3), unreachable_from="fd00:200::77"),
}


@pytest.fixture(scope="module")
def far() -> Iterator[str]:
    if not can_make_namespaces():
        pytest.skip("network namespaces need root, ip(8) and /dev/net/tun")
    bed = Bed()
    try:
        namespace = bed.namespace()
        add_targets(bed, namespace, TARGETS)
        yield namespace
    finally:
        bed.close()


@pytest.mark.parametrize("address", ["10.200.0.1", "fd00:200::1"])
async def test_a_reply_is_answered_with_the_time_it_took(far: str, address: str) -> None:
    seen = await watch(series(address), until=answered(10, within_ms=20), namespace=far)
    assert set(outcomes(seen)) == {Outcome.ANSWERED}
    assert min(told.rtt_ms for told in seen) >= 10


async def test_loss_is_told_for_the_probes_that_were_lost_and_only_those(far: str) -> None:
    one = series("10.200.0.2", timeout_ns=2_000_000_000)
    seen = await watch(one, until=lambda seen: at_least(2, Outcome.LOST)(seen) and len(seen) > 5, namespace=far)
    in_order = sorted(seen, key=lambda told: told.sent_ns)
    assert outcomes(in_order)[:5] == [Outcome(code) for code in (0, 1, 0, 1, 0)]
    assert all(told.rtt_ms is None for told in seen if told.outcome is Outcome.LOST)


async def test_a_late_reply_takes_back_the_loss_of_the_same_probe(far: str) -> None:
    seen = await watch(series("10.200.0.3", timeout_ns=50_000_000), until=at_least(3, Outcome.LATE), namespace=far)
    lost = {told.sent_ns for told in seen if told.outcome is Outcome.LOST}
    late = [told for told in seen if told.outcome is Outcome.LATE]
    assert {told.sent_ns for told in late} <= lost
    assert all(told.rtt_ms >= 150 for told in late)
    assert Outcome.ANSWERED not in outcomes(seen)


@pytest.mark.parametrize("address", ["10.200.0.4", "fd00:200::4"])
async def test_a_second_reply_is_a_duplicate_and_not_another_probe(far: str, address: str) -> None:
    seen = await watch(series(address), until=at_least(3, Outcome.DUPLICATE), namespace=far)
    once, twice = (
        Counter(told.sent_ns for told in seen if told.outcome is outcome)
        for outcome in (Outcome.ANSWERED, Outcome.DUPLICATE)
    )
    assert twice <= once
    assert set(outcomes(seen)) == {Outcome.ANSWERED, Outcome.DUPLICATE}


@pytest.mark.parametrize(("address", "other"), [("10.200.0.5", "10.200.0.99"), ("fd00:200::5", "fd00:200::99")])
async def test_a_reply_from_another_address_is_told_and_the_probe_stays_lost(
    far: str, address: str, other: str
) -> None:
    one = series(address, timeout_ns=60_000_000)
    both = (at_least(2, Outcome.LOST), at_least(2, Outcome.FOREIGN))
    seen = await watch(one, until=lambda seen: all(enough(seen) for enough in both), namespace=far)
    assert set(outcomes(seen)) == {Outcome.FOREIGN, Outcome.LOST}
    assert {told.sender for told in seen if told.outcome is Outcome.FOREIGN} == {other}


@pytest.mark.parametrize(
    ("address", "reason", "router"),
    [("10.200.0.6", "icmp 3/1", "10.200.7.7"), ("fd00:200::6", "icmp 1/3", "fd00:200::77")],
)
async def test_unreachable_says_what_and_who(far: str, address: str, reason: str, router: str) -> None:
    seen = await watch(series(address), until=at_least(3, Outcome.UNREACHABLE), namespace=far)
    assert {(told.outcome, told.reason, told.sender) for told in seen} == {(Outcome.UNREACHABLE, reason, router)}


async def test_replies_that_overtake_each_other_keep_their_own_times(far: str) -> None:
    def overtaken(seen: Seen) -> bool:
        arrival = sorted(seen, key=lambda told: told.sent_ns + told.rtt_ms * 1e6)
        return len(seen) >= 10 and any(before.sent_ns > after.sent_ns for before, after in pairwise(arrival))

    seen = await watch(series("10.200.0.7"), until=overtaken, namespace=far)
    assert set(outcomes(seen)) == {Outcome.ANSWERED}
    in_order = [told.rtt_ms for told in sorted(seen, key=lambda told: told.sent_ns)]
    assert min(in_order[1:8:2]) >= 65
    assert min(in_order[0:8:2]) >= 5


async def test_a_probe_that_cannot_leave_has_failed_and_is_no_loss(far: str) -> None:
    seen = await watch(series("203.0.113.1"), until=at_least(3, Outcome.FAILED), namespace=far)
    assert {(told.outcome, told.reason) for told in seen} == {(Outcome.FAILED, "ENETUNREACH")}


async def test_a_probe_longer_than_the_link_fails_where_fragments_are_forbidden(far: str) -> None:
    one = series("10.200.0.1", payload_bytes=3000, dont_fragment=True)
    seen = await watch(one, until=at_least(2, Outcome.FAILED), namespace=far)
    assert {told.reason for told in seen} == {"EMSGSIZE"}


async def test_failures_do_not_shift_the_stamps_of_the_probes_between_them(far: str) -> None:
    """Transmit stamps are matched to probes by key, not by counting: a failed send uses no stamp."""
    bad, good = series("203.0.113.1"), series("10.200.0.1")
    seen = await watch(bad, good, until=at_least(10, Outcome.ANSWERED), namespace=far)
    assert Outcome.FAILED in outcomes(seen)
    assert all(told.rtt_ms >= 10 for told in seen if told.outcome is Outcome.ANSWERED)


async def test_the_wall_clock_stepped_by_an_hour_changes_no_round_trip(far: str) -> None:
    step_ns = 0
    clock = Clock(wall=lambda: time.time_ns() + step_ns)

    def step(seen: Seen) -> None:
        nonlocal step_ns
        step_ns = (len(seen) % 3 - 1) * 3_600_000_000_000

    seen = await watch(
        series("10.200.0.1"), until=at_least(15, Outcome.ANSWERED), namespace=far, clock=clock, meanwhile=step
    )
    assert set(outcomes(seen)) == {Outcome.ANSWERED}
    assert all(10 <= told.rtt_ms < 100_000 for told in seen)
    sent = sorted(told.sent_ns for told in seen)
    assert sent[-1] - sent[0] < 100_000_000_000


def test_payloads_say_whose_they_are() -> None:
    assert filling(20) == b"longpipelongpipelong"
    assert filling(0) == b""
