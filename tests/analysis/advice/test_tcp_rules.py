"""T1, T2, T5, T6, T7: what a long path needs, and when it needs nothing."""

import pytest
from msgspec.structs import replace

from analysis.advice.plan import Kept, NotApplicable, Recommendation, Unknown
from analysis.advice.situation import Growth
from tests.analysis.advice.situations import FLOW, PATH, box, verdict

SNDBUF_LIMITED = replace(FLOW, sndbuf_limited_us=4_000_000)
RWND_LIMITED = replace(FLOW, rwnd_limited_us=4_000_000)
LOSSY = replace(PATH, lost=30)
BBR = {
    "sysctl.net.ipv4.tcp_congestion_control": "bbr",
    "sysctl.net.ipv4.tcp_available_congestion_control": "reno cubic bbr",
}


# --- T2: send buffer ---


def test_a_flow_that_waits_for_its_send_buffer_gets_twice_the_bdp_with_cubic() -> None:
    advice = verdict(
        "T2", box(flows=(SNDBUF_LIMITED,), bandwidth_bps=100_000_000, paths=(replace(PATH, rtt_us=200_000),))
    )
    assert isinstance(advice, Recommendation)
    assert str(advice.formula) == "2 × 100 Mb/s × 200 ms / 8 = 5 MB"
    (change,) = advice.changes
    assert (change.key, change.current) == ("net.ipv4.tcp_wmem", "4096 16384 4194304")
    assert change.proposed == f"4096 16384 {5 << 20}"
    assert change.undo == "sysctl -w net.ipv4.tcp_wmem='4096 16384 4194304'"
    assert advice.evidence[0].fact == "tcp.198.51.100.7:443.sndbuf_limited"
    assert advice.evidence[0].value == 0.4


def test_bbr_needs_three_times_the_bdp() -> None:
    advice = verdict("T2", box(BBR, flows=(SNDBUF_LIMITED,), bandwidth_bps=100_000_000))
    assert isinstance(advice, Recommendation)
    assert str(advice.formula) == "3 × 100 Mb/s × 152 ms / 8 = 5.7 MB"
    assert advice.changes[0].proposed == "4096 16384 6291456"


def test_bbr_of_the_same_plan_counts_too() -> None:
    advice = verdict("T2", box(flows=(SNDBUF_LIMITED,), paths=(LOSSY,), bandwidth_bps=100_000_000))
    assert isinstance(advice, Recommendation)
    assert str(advice.formula).startswith("3 ×")


def test_a_goal_stands_as_evidence_and_says_what_it_assumed() -> None:
    advice = verdict("T2", box({"link.eth0.speed_mbps": None}, flows=(), paths=(), goal="long-path"))
    assert isinstance(advice, Recommendation)
    assert advice.confidence == "low"
    assert {e.fact for e in advice.evidence} >= {"goal", "goal.rtt_us", "goal.bandwidth_bps"}


@pytest.mark.parametrize("rule", ["T1", "T2"])
def test_buffers_stay_where_flows_do_not_wait_for_them(rule: str) -> None:
    assert isinstance(verdict(rule, box()), Kept)


@pytest.mark.parametrize("rule", ["T1", "T2"])
def test_buffers_without_a_bulk_flow_or_a_goal_are_unknown(rule: str) -> None:
    assert isinstance(verdict(rule, box(flows=(replace(FLOW, bytes_acked=500),))), Unknown)
    assert isinstance(verdict(rule, box(flows=None)), Unknown)


@pytest.mark.parametrize(("rule", "key"), [("T1", "tcp_rmem"), ("T2", "tcp_wmem")])
def test_a_larger_buffer_than_needed_is_never_lowered(rule: str, key: str) -> None:
    large = {f"sysctl.net.ipv4.{key}": f"4096 131072 {1 << 30}"}
    assert isinstance(verdict(rule, box(large, flows=(SNDBUF_LIMITED,), goal="long-path")), Kept)


@pytest.mark.parametrize(("rule", "key"), [("T1", "tcp_rmem"), ("T2", "tcp_wmem")])
def test_one_socket_gets_at_most_a_sixteenth_of_memory(rule: str, key: str) -> None:
    small = {"memory.total_bytes": str(256 << 20)}
    advice = verdict(rule, box(small, goal="long-path", bandwidth_bps=10_000_000_000))
    assert isinstance(advice, Recommendation)
    assert int(advice.changes[0].proposed.split()[2]) == 16 << 20


def test_a_flow_to_this_machine_says_nothing() -> None:
    assert isinstance(verdict("T2", box(flows=(replace(SNDBUF_LIMITED, remote="127.0.0.1"),))), Unknown)


def test_without_a_known_bandwidth_a_limited_flow_may_double() -> None:
    limited = replace(SNDBUF_LIMITED, delivery_rate_bps=120_000_000)
    advice = verdict("T2", box({"link.eth0.speed_mbps": None}, flows=(limited,)))
    assert isinstance(advice, Recommendation)
    assert advice.confidence == "low"


# --- T1: receive buffer ---


def test_a_peer_whose_window_limits_is_told_what_to_raise() -> None:
    advice = verdict("T1", box(flows=(RWND_LIMITED,), bandwidth_bps=100_000_000))
    assert isinstance(advice, Recommendation)
    assert advice.changes == ()
    assert "198.51.100.7:443" in str(advice.instructions[0])
    assert "3800000" in str(advice.instructions[0])


def test_a_goal_raises_this_box_own_window_and_never_the_small_values() -> None:
    advice = verdict("T1", box({"sysctl.net.ipv4.tcp_rmem": "8192 87380 6291456"}, goal="long-path"))
    assert isinstance(advice, Recommendation)
    assert advice.changes[0].proposed == f"8192 131072 {64 << 20}"
    assert "Containers that already run" in str(advice.instructions[-1])


# --- T5: congestion control ---


def test_loss_on_a_long_path_asks_for_bbr_and_loads_it_first() -> None:
    advice = verdict("T5", box(paths=(LOSSY,), bandwidth_bps=100_000_000))
    assert isinstance(advice, Recommendation)
    assert [(c.knob, c.key, c.proposed) for c in advice.changes] == [
        ("module", "tcp_bbr", "loaded"),
        ("sysctl", "net.ipv4.tcp_congestion_control", "bbr"),
    ]
    assert str(advice.effect) == "543 kb/s → ~97 Mb/s"
    assert advice.severity == "bad"
    assert any(e.fact == "loss_ratio.far.example" and e.value == 0.03 for e in advice.evidence)


def test_small_loss_without_a_queue_that_halves_the_path_asks_for_bbr() -> None:
    some = replace(PATH, settled=10_000, lost=10)
    assert isinstance(verdict("T5", box(paths=(some,), bandwidth_bps=100_000_000)), Recommendation)


def test_small_loss_with_a_filling_queue_is_congestion_and_stays() -> None:
    some = replace(PATH, settled=10_000, lost=10, min_rtt_us=60_000)
    assert isinstance(verdict("T5", box(paths=(some,), bandwidth_bps=100_000_000)), Kept)


def test_a_recorded_box_without_probes_is_judged_by_what_its_flows_sent_again() -> None:
    flow = replace(FLOW, bytes_retrans=FLOW.bytes_acked // 30)
    advice = verdict("T5", box(paths=(), flows=(flow,)))
    assert isinstance(advice, Recommendation)
    assert any(e.fact == "loss_ratio.198.51.100.7:443" for e in advice.evidence)


def test_a_clean_path_keeps_cubic() -> None:
    assert isinstance(verdict("T5", box()), Kept)


def test_bbr_in_use_is_kept() -> None:
    assert isinstance(verdict("T5", box(BBR, paths=(LOSSY,))), Kept)


def test_a_kernel_without_bbr_is_not_asked_for_it() -> None:
    answer = verdict("T5", box({"module.tcp_bbr": "missing"}, paths=(LOSSY,)))
    assert isinstance(answer, Unknown)
    assert "does not offer" in str(answer.why)


def test_a_few_probes_prove_nothing() -> None:
    few = replace(PATH, settled=20, lost=1)
    assert isinstance(verdict("T5", box(paths=(few,), flows=())), Unknown)
    assert isinstance(verdict("T5", box(paths=(), flows=())), Unknown)


# --- T6: fq ---


def test_a_multiqueue_card_gets_its_mq_made_again_so_that_its_leaves_become_fq() -> None:
    advice = verdict("T6", box(BBR))
    assert isinstance(advice, Recommendation)
    default, card = advice.changes
    assert (default.key, default.proposed) == ("net.core.default_qdisc", "fq")
    assert (card.knob, card.key, card.current, card.proposed) == ("qdisc", "eth0", "mq fq_codel", "mq fq")
    assert advice.risk == "R1"


def test_a_single_queue_gets_fq_as_its_root() -> None:
    single = {
        "qdisc.eth0.root": "pfifo_fast",
        "qdisc.eth0.leaves": "pfifo_fast",
        "sysctl.net.core.default_qdisc": "fq",
    }
    advice = verdict("T6", box({**BBR, **single}))
    assert isinstance(advice, Recommendation)
    (change,) = advice.changes
    assert (change.current, change.proposed) == ("pfifo_fast", "fq")


@pytest.mark.parametrize("kind", ["fq", "htb", "cake", "netem"])
def test_a_queue_that_paces_or_that_somebody_chose_stays(kind: str) -> None:
    assert isinstance(verdict("T6", box({**BBR, "qdisc.eth0.root": kind, "qdisc.eth0.leaves": kind})), Kept)


def test_fq_is_not_for_cubic_nor_for_a_kernel_without_it() -> None:
    assert isinstance(verdict("T6", box()), Kept)
    assert isinstance(verdict("T6", box({**BBR, "module.sch_fq": "missing"})), Unknown)


def test_nothing_that_queues_is_not_applicable() -> None:
    assert isinstance(verdict("T6", box({**BBR, "qdisc.eth0.root": "noqueue"})), NotApplicable)


# --- T7: slow start after idle ---


def test_flows_that_pause_over_a_long_path_keep_their_window() -> None:
    advice = verdict("T7", box(flows=(replace(FLOW, delivery_app_limited=True),)))
    assert isinstance(advice, Recommendation)
    assert advice.changes[0].proposed == "0"


def test_steady_short_or_bbr_flows_need_no_window_over_pauses() -> None:
    near = replace(FLOW, delivery_app_limited=True, rtt_us=900)
    assert isinstance(verdict("T7", box()), Kept)
    assert isinstance(verdict("T7", box(flows=(near,))), Kept)
    assert isinstance(verdict("T7", box(BBR, goal="long-path")), Kept)
    assert isinstance(verdict("T7", box({"sysctl.net.ipv4.tcp_slow_start_after_idle": "0"}, goal="long-path")), Kept)


def test_growth_is_not_needed_for_the_rules_about_flows() -> None:
    assert isinstance(verdict("T2", box(flows=(SNDBUF_LIMITED,), growth=None)), Recommendation)
    assert isinstance(verdict("T2", box(flows=(SNDBUF_LIMITED,), growth=Growth(1.0))), Recommendation)
