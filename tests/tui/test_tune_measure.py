"""What the wizard makes of the kernel's account of TCP flows: what they carried, and what they sent again."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.compare import ComparedPath, Evidence
from analysis.samples import TcpFlow, TcpFlows
from collectors.store import ListStore
from tests.samples import FLOW, at
from tui.tune.measure import Stretch, choices, stretch, tcp_differs


def flow(acked: int, sent: int | None = None, resent: int | None = 0, **more: object) -> TcpFlow:
    told = {"bytes_acked": acked, "bytes_sent": acked if sent is None else sent, "bytes_retrans": resent}
    return msgspec.structs.replace(FLOW, **told, **more)


def seen(*looks: list[TcpFlow], every_s: int = 5) -> Stretch:
    store = ListStore([TcpFlows(at(1 + every_s * number), tuple(flows)) for number, flows in enumerate(looks)])
    return stretch(store, at(0), at(1000))


def test_the_rate_is_what_flows_seen_twice_have_carried() -> None:
    told = seen([flow(0)], [flow(6_250_000), flow(9 << 30, local_port=1)], [flow(12_500_000)])
    assert told.tcp_mbps == (10.0, 10.0)


def test_what_is_sent_again_is_a_share_of_what_is_sent() -> None:
    told = seen([flow(0)], [flow(900_000, 1_000_000, 10_000)], [flow(1_900_000, 2_000_000, 40_000)])
    assert told.tcp_resent == (1.0, 3.0)


def test_an_old_kernel_that_does_not_count_says_nothing() -> None:
    told = seen([flow(0, None, None)], [flow(1_000_000, None, None)])
    assert told.tcp_mbps
    assert told.tcp_resent == ()


@pytest.mark.parametrize("remote", ["127.0.0.1", "::1", "::ffff:127.0.0.1", "10.0.0.2"])
def test_what_stays_on_the_box_does_not_count(remote: str) -> None:
    assert seen([flow(0, remote=remote)], [flow(1_000_000, remote=remote)]) == Stretch({})


def test_the_busiest_flow_tells_whether_what_is_tried_was_used() -> None:
    before = seen([flow(0)], [flow(1_000_000)])
    idle = [flow(0, local_port=22, cc="bbr"), flow(10, local_port=22, cc="bbr")]
    still = seen([flow(0), idle[0]], [flow(1_000_000), idle[1]])
    opened = seen([flow(0, cc="bbr")], [flow(9_000_000, cc="bbr")])
    assert tcp_differs(before, still, "bbr").stale == "cubic"
    assert tcp_differs(before, opened, "bbr").stale == ""
    assert tcp_differs(before, still, None).stale == ""


def test_ten_times_the_rate_is_better_and_less_sent_again_is_better() -> None:
    slow = seen(*([flow(n * 1_000_000, n * 1_100_000, n * 100_000 + n % 2)] for n in range(8)))
    fast = seen(*([flow(n * 10_000_000, n * 10_100_000, n * 100_000 + n % 2)] for n in range(8)))
    told = {each.metric.unit: each.outcome for each in tcp_differs(slow, fast, None).measures}
    assert told == {"Mb/s": "better", "%": "better"}
    back = {each.metric.unit: each.outcome for each in tcp_differs(fast, slow, None).measures}
    assert back == {"Mb/s": "worse", "%": "worse"}


def test_without_flows_there_is_nothing_to_tell() -> None:
    assert tcp_differs(Stretch({}), Stretch({}), "bbr").measures == ()


@given(st.lists(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 1 << 40), st.integers(0, 1 << 20)), max_size=4)))
def test_any_recording_gives_numbers_that_can_be(looks: list[list[tuple[int, int, int]]]) -> None:
    told = seen(
        *([flow(acked, acked + again, again, local_port=port) for port, acked, again in look] for look in looks)
    )
    assert len(told.tcp_resent) <= len(told.tcp_mbps) < max(1, len(looks))


def test_what_can_be_measured_is_told_apart() -> None:
    """One name with an address of each family is two round trips."""
    paths = [ComparedPath("far.example", "eth0", "icmp", None, family) for family in (4, 6)]
    names = [str(choice.metric.name) for choice in choices(Stretch({path: Evidence() for path in paths}))]
    assert names == [f"round trip to far.example v{family} icmp over eth0" for family in (4, 6)]
    (alone,) = choices(Stretch({paths[0]: Evidence()}))
    assert str(alone.metric.name) == "round trip to far.example over eth0"
