"""A small box to ask for advice: plausible facts of an untuned host, changed by keyword."""

from typing import Any

from analysis.advice.engine import judge
from analysis.advice.plan import Verdict
from analysis.advice.registry import RULES
from analysis.advice.situation import Growth, Path, Situation
from analysis.samples import Fact, TcpFlow
from analysis.text import say

PLAIN = {
    "kernel.release": "6.1.0-56-amd64",
    "virtualisation": "none",
    "container": "none",
    "netns.initial": "yes",
    "init.systemd": "yes",
    "cpu.count": "16",
    "cpu.numa_nodes": "1",
    "memory.total_bytes": str(64 << 30),
    "memory.page_bytes": "4096",
    "limit.memlock_bytes": "unlimited",
    "gpu.count": "0",
    "rdma.devices": "",
    "management.interface": "eth0",
    "management.interfaces": "eth0",
    "management.peer": "192.0.2.9",
    "managers": "",
    "manager.tuned_profile": "",
    "module.tcp_bbr": "available",
    "module.sch_fq": "available",
    "module.nf_conntrack": "loaded",
    "module.rdma_rxe": "available",
    "module.nvidia_peermem": "missing",
    "sysctl.net.ipv4.tcp_rmem": "4096 131072 6291456",
    "sysctl.net.ipv4.tcp_wmem": "4096 16384 4194304",
    "sysctl.net.ipv4.tcp_mem": "381024 508032 762048",
    "sysctl.net.ipv4.tcp_congestion_control": "cubic",
    "sysctl.net.ipv4.tcp_available_congestion_control": "reno cubic",
    "sysctl.net.ipv4.tcp_slow_start_after_idle": "1",
    "sysctl.net.ipv4.tcp_notsent_lowat": "4294967295",
    "sysctl.net.ipv4.tcp_mtu_probing": "0",
    "sysctl.net.ipv4.tcp_max_syn_backlog": "1024",
    "sysctl.net.ipv4.tcp_timestamps": "1",
    "sysctl.net.ipv4.tcp_fastopen": "1",
    "sysctl.net.ipv4.tcp_no_metrics_save": "0",
    "sysctl.net.ipv4.tcp_tw_reuse": "2",
    "sysctl.net.ipv4.ip_local_port_range": "32768 60999",
    "sysctl.net.ipv4.ip_local_reserved_ports": "",
    "sysctl.net.ipv4.ip_forward": "0",
    "sysctl.net.core.rmem_max": "212992",
    "sysctl.net.core.wmem_max": "212992",
    "sysctl.net.core.somaxconn": "4096",
    "sysctl.net.core.netdev_max_backlog": "1000",
    "sysctl.net.core.netdev_budget": "300",
    "sysctl.net.core.netdev_budget_usecs": "8000",
    "sysctl.net.core.default_qdisc": "fq_codel",
    "sysctl.net.core.rps_sock_flow_entries": "0",
    "sysctl.net.netfilter.nf_conntrack_max": "262144",
    "sysctl.net.netfilter.nf_conntrack_buckets": "262144",
    "sysctl.net.netfilter.nf_conntrack_count": "120",
    "link.eth0.driver": "mlx5_core",
    "link.eth0.mtu": "1500",
    "link.eth0.operstate": "up",
    "link.eth0.speed_mbps": "1000",
    "link.eth0.numa_node": "0",
    "link.eth0.master": "",
    "link.eth0.lowers": "",
    "link.eth0.tx_queue_len": "1000",
    "link.eth0.rx_queues": "16",
    "link.eth0.tx_queues": "16",
    "link.eth0.rps_cpus": "0",
    "link.eth0.irq_cpus": "0-15",
    "link.eth0.channels": "16",
    "link.eth0.channels_max": "16",
    "link.eth0.ring_rx": "1024",
    "link.eth0.ring_rx_max": "8192",
    "link.eth0.ring_tx": "1024",
    "link.eth0.ring_tx_max": "8192",
    "link.eth0.adaptive_rx": "on",
    "link.eth0.rx_usecs": "8",
    "link.eth0.gro": "on",
    "link.eth0.gso": "on",
    "link.eth0.tso": "on",
    "link.eth0.lro": "off",
    "qdisc.eth0.root": "mq",
    "qdisc.eth0.leaves": "fq_codel",
}

QUIET = Growth(
    seconds=60.0,
    tcp={"TcpExtListenOverflows": 0, "TcpExtListenDrops": 0, "TcpExtTCPMemoryPressures": 0, "TcpExtTCPMTUPFail": 0},
    softnet_processed=(100_000,) * 4,
    softnet_dropped=(0,) * 4,
    softnet_squeezed=(0,) * 4,
    softirq_ratio=(0.02,) * 4,
    busy_ratio=(0.1,) * 4,
    nic={"eth0.rx_dropped": 0},
)
FLOW = TcpFlow(
    local="192.0.2.1",
    remote="198.51.100.7",
    local_port=40000,
    remote_port=443,
    cc="cubic",
    rtt_us=152_000,
    min_rtt_us=150_000,
    cwnd=400,
    mss=1448,
    bytes_acked=900_000_000,
    bytes_received=0,
    bytes_sent=900_000_000,
    bytes_retrans=0,
    delivery_rate_bps=40_000_000,
    delivery_app_limited=False,
    pacing_bps=None,
    busy_us=10_000_000,
    rwnd_limited_us=0,
    sndbuf_limited_us=0,
)
PATH = Path("far.example", "198.51.100.7", "wan", "eth0", rtt_us=152_000, min_rtt_us=150_000, settled=1000, lost=0)


def facts(changed: dict[str, str | None]) -> dict[str, Fact]:
    """Return the plain facts with some changed; None takes one away, as a collector says it."""
    values = {**PLAIN, **changed}
    return {
        key: Fact(value, source=f"source of {key}") if value is not None else Fact(problem=say("unreadable"))
        for key, value in values.items()
    }


def box(changed: dict[str, str | None] | None = None, **fields: Any) -> Situation:
    """Return a quiet box with one healthy long flow and one probed path."""
    given: dict[str, Any] = {"flows": (FLOW,), "growth": QUIET, "paths": (PATH,), **fields}
    return Situation(facts=facts(changed or {}), **given)


def verdict(rule_id: str, situation: Situation) -> Verdict:
    """Return what the rule called `rule_id` says."""
    (rule,) = (rule for rule in RULES if rule.id == rule_id)
    return judge(rule, situation)
