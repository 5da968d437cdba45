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

RDMA = {
    "rdma.devices": "mlx5_0",
    "rdma.mlx5_0.netdev": "eth0",
    "rdma.mlx5_0.driver": "mlx5_core",
    "rdma.mlx5_0.link_layer": "Ethernet",
    "rdma.mlx5_0.gids": "0,IB/RoCEv1,fe80::1 3,RoCEv2,::ffff:10.0.0.1",
    "rdma.mlx5_0.cm_mode": "RoCEv2",
    "rdma.mlx5_0.cm_tos": "106",
    "rdma.mlx5_0.traffic_class": "106",
    "rdma.mlx5_0.max_read_request": "4096",
    "rdma.mlx5_0.dcqcn": "rpg_time_reset=300 rpg_ai_rate=5",
    "link.eth0.dcb_trust": "dscp",
    "link.eth0.pfc_priorities": "3",
    "link.eth0.pause_rx": "off",
    "link.eth0.pause_tx": "off",
    "link.eth0.ecn_np": "on",
    "link.eth0.ecn_rp": "on",
    "gpu.count": "8",
    "gpu.open_driver": "no",
    "module.nvidia_peermem": "loaded",
    "pci.acs_bridges": "0",
    "nccl.processes": "8",
    "nccl.version": "2.21.5",
    "roce.qp_imbalance": "1.1",
}
"""A sound GPU host with one ConnectX, NCCL running."""

OTHERS = {
    "route.default_interfaces": "eth0",
    "link.eth0.subnets": "192.0.2.0/24",
    "sysctl.net.ipv4.conf.all.arp_ignore": "0",
    "sysctl.net.ipv4.conf.all.arp_announce": "0",
    "sysctl.net.ipv4.conf.all.rp_filter": "1",
    "tcp.time_wait_to_one": "12",
    "ports.listening": "22 443",
}
"""What rules ask for beyond the plain facts."""

QUIET = Growth(
    seconds=60.0,
    tcp={
        "TcpExtListenOverflows": 0,
        "TcpExtListenDrops": 0,
        "TcpExtTCPMemoryPressures": 0,
        "UdpRcvbufErrors": 0,
        "UdpSndbufErrors": 0,
    },
    softnet_processed=(100_000,) * 4,
    softnet_dropped=(0,) * 4,
    softnet_squeezed=(0,) * 4,
    softirq_ratio=(0.02,) * 4,
    busy_ratio=(0.1,) * 4,
    interrupts=(60_000,) * 4,
    nic={"eth0.rx_out_of_buffer": 0},
    rdma={"mlx5_0.packet_seq_err": 0, "rxe0.sent_pkts": 0},
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
    values = {**PLAIN, **OTHERS, **changed}
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
