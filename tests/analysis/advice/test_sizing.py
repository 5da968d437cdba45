"""The size of a path: BBR alone measures bandwidth, and a goal is about a path as long as it says."""

from msgspec.structs import replace

from analysis.advice.plan import Kept, Recommendation, Unknown
from analysis.advice.situation import Growth
from analysis.advice.sizing import longest_rtt, measured_bps
from tests.analysis.advice.situations import FLOW, PATH, RDMA, box, verdict

BBR = replace(FLOW, cc="bbr", delivery_rate_bps=40_000_000)
NEAR = replace(FLOW, rtt_us=900, min_rtt_us=500)


def test_flows_of_bbr_to_one_peer_share_its_bandwidth() -> None:
    other = replace(BBR, remote="198.51.100.8", delivery_rate_bps=70_000_000)
    assert measured_bps((BBR, replace(BBR, remote_port=8443), other)) == 80_000_000


def test_flows_that_something_else_holds_back_measure_nothing() -> None:
    held = ({"cc": "cubic"}, {"delivery_app_limited": True}, {"rwnd_limited_us": 9_000_000}, {"bytes_acked": 10})
    assert all(measured_bps((replace(BBR, **fields),)) is None for fields in held)
    assert measured_bps(()) is None


def test_a_long_path_is_not_sized_by_a_neighbour() -> None:
    near = replace(PATH, rtt_us=800, min_rtt_us=400)
    assert longest_rtt(box(flows=(NEAR,), paths=(near,), goal="long-path")).value == 0.15
    assert longest_rtt(box(flows=(NEAR,), paths=(near,))).value == 0.0008
    assert longest_rtt(box(goal="long-path")).value == 0.152
    advice = verdict("T2", box(flows=(NEAR,), paths=(near,), goal="long-path"))
    assert isinstance(advice, Recommendation)
    assert any("no path seen is that long" in str(found.source) for found in advice.evidence)


def test_queues_that_cannot_be_more_need_no_look_at_the_load() -> None:
    silent = Growth(seconds=60.0)
    assert isinstance(verdict("T14", box({"link.eth0.channels": "16"}, growth=silent)), Kept)
    assert isinstance(verdict("T14", box({"link.eth0.channels": "4"}, growth=silent)), Unknown)


def test_the_balance_of_queue_pairs_takes_a_capture() -> None:
    told = verdict("D17", box({**RDMA, "roce.qp_imbalance": None}))
    assert isinstance(told, Unknown)
    assert "capture" in str(told.why)
