"""T10, T11, T22: queues and tables of the host."""

from msgspec.structs import replace

from analysis.advice.plan import Kept, NotApplicable, Recommendation, Unknown
from tests.analysis.advice.situations import QUIET, box, verdict

OVERFLOWS = replace(QUIET, tcp={"TcpExtListenOverflows": 41, "TcpExtListenDrops": 41})
DROPS = replace(QUIET, softnet_dropped=(0, 300, 0, 0))
CONNTRACK_MAX = "sysctl.net.netfilter.nf_conntrack_max"
CONNTRACK_COUNT = "sysctl.net.netfilter.nf_conntrack_count"


def test_listen_overflows_lengthen_both_queues_and_tell_the_application() -> None:
    advice = verdict("T10", box({"sysctl.net.core.somaxconn": "128"}, growth=OVERFLOWS))
    assert isinstance(advice, Recommendation)
    assert {(c.key, c.proposed) for c in advice.changes} == {
        ("net.core.somaxconn", "4096"),
        ("net.ipv4.tcp_max_syn_backlog", "4096"),
    }
    assert "listen()" in str(advice.instructions[0])


def test_a_long_accept_queue_leaves_only_the_application_to_change() -> None:
    long = {"sysctl.net.core.somaxconn": "65535", "sysctl.net.ipv4.tcp_max_syn_backlog": "65535"}
    advice = verdict("T10", box(long, growth=OVERFLOWS))
    assert isinstance(advice, Recommendation)
    assert advice.changes == ()


def test_quiet_counters_keep_and_single_readings_do_not_tell() -> None:
    for rule in ("T10", "T11"):
        assert isinstance(verdict(rule, box()), Kept)
        assert isinstance(verdict(rule, box(growth=None)), Unknown)
    assert isinstance(verdict("T10", box(growth=replace(QUIET, tcp={}))), Unknown)


def test_backlog_drops_double_the_backlog_up_to_its_bound() -> None:
    advice = verdict("T11", box(growth=DROPS))
    assert isinstance(advice, Recommendation)
    assert (advice.severity, advice.changes[0].proposed) == ("info", "2000")
    bounded = verdict("T11", box({"sysctl.net.core.netdev_max_backlog": "10000"}, growth=DROPS))
    assert isinstance(bounded, Recommendation)
    assert bounded.changes[0].proposed == "16384"
    assert isinstance(verdict("T11", box({"sysctl.net.core.netdev_max_backlog": "30000"}, growth=DROPS)), Kept)


def test_heavy_backlog_drops_are_a_warning() -> None:
    advice = verdict("T11", box(growth=replace(QUIET, softnet_dropped=(20_000, 0, 0, 0))))
    assert isinstance(advice, Recommendation)
    assert advice.severity == "warn"


def test_a_container_is_told_that_the_operator_of_the_host_must_act() -> None:
    advice = verdict("T11", box({"container": "docker"}, growth=DROPS))
    assert isinstance(advice, Recommendation)
    assert advice.changes == ()
    assert "operator of the host" in str(advice.instructions[0])
    own = verdict("T10", box({"container": "docker"}, growth=OVERFLOWS))
    assert isinstance(own, Recommendation)
    assert "--sysctl 'net.core.somaxconn=8192'" in " ".join(map(str, own.instructions))


def test_a_filling_tracking_table_is_doubled_with_its_buckets() -> None:
    advice = verdict(
        "T22",
        box({CONNTRACK_COUNT: "60000", CONNTRACK_MAX: "65536", "sysctl.net.netfilter.nf_conntrack_buckets": "16384"}),
    )
    assert isinstance(advice, Recommendation)
    assert [c.proposed for c in advice.changes] == ["131072", "65536"]


def test_a_roomy_tracking_table_is_kept_and_an_absent_one_is_not_applicable() -> None:
    assert isinstance(verdict("T22", box()), Kept)
    gone = {CONNTRACK_COUNT: None, CONNTRACK_MAX: None}
    assert isinstance(verdict("T22", box({**gone, "module.nf_conntrack": "available"})), NotApplicable)
    assert isinstance(verdict("T22", box(gone)), Unknown)


def test_a_table_that_memory_cannot_hold_is_left_to_a_person() -> None:
    tight = {CONNTRACK_COUNT: "950000", CONNTRACK_MAX: "1000000", "memory.total_bytes": str(1 << 30)}
    advice = verdict("T22", box(tight))
    assert isinstance(advice, Recommendation)
    assert advice.changes == ()
    assert "notrack" in str(advice.instructions[0])
