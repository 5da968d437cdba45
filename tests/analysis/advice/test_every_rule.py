"""Each rule fires when it should and stays silent when it should not, from one table."""

from typing import Any

import pytest
from msgspec.structs import replace

from analysis.advice.plan import Kept, NotApplicable, Recommendation, Unknown
from analysis.advice.situation import Growth, Situation
from tests.analysis.advice.situations import FLOW, PATH, QUIET, RDMA, box, verdict

Changed = dict[str, str | None]

HOT = replace(QUIET, softirq_ratio=(0.95, 0.1, 0.1, 0.1))
UDP_FULL = replace(QUIET, tcp={"UdpRcvbufErrors": 7, "UdpSndbufErrors": 0})
PRESSED = replace(QUIET, tcp={"TcpExtTCPMemoryPressures": 2})
SQUEEZED = replace(QUIET, softnet_squeezed=(0, 600, 0, 0))
DROPPING = replace(QUIET, nic={"eth0.rx_out_of_buffer": 90})
LOSING = replace(QUIET, rdma={"mlx5_0.packet_seq_err": 9})
SENDING = replace(QUIET, rdma={"rxe0.sent_pkts": 100_000})
STORM = replace(QUIET, interrupts=(9_000_000, 0, 0, 0))
INSIDE = {"route.default_interfaces": "wan0", "management.interfaces": "wan0"}
FABRIC = {"goal": "lossless-fabric"}
RXE = {"rdma.devices": "rxe0", "rdma.rxe0.netdev": "eth0", "rdma.rxe0.driver": "rdma_rxe"}
TWINS = {
    "link.eth1.subnets": "192.0.2.0/24",
    **{
        f"sysctl.net.ipv4.conf.{i}.{k}": "0"
        for i in ("eth0", "eth1")
        for k in ("arp_ignore", "arp_announce", "rp_filter")
    },
}
BOND = {
    "link.bond0.mtu": "1500",
    "link.bond0.driver": "bond",
    "bond.bond0.mode": "802.3ad",
    "bond.bond0.partner_mac": "02:00:00:00:00:01",
    "bond.bond0.aggregators": "1",
}
NUMA = {"cpu.numa_nodes": "2", "numa.0.cpus": "0-7", "numa.1.cpus": "8-15", "link.eth0.irq_cpus": "8-15"}


def jumbo(size: int | None) -> dict[str, Any]:
    return {"paths": (replace(PATH, largest_bytes=size),)}


FIRES: list[tuple[str, Changed, dict[str, Any], list[tuple[str, str]]]] = [
    ("T3", {}, {"growth": UDP_FULL}, [("net.core.rmem_max", "38000000")]),
    ("T4", {}, {"growth": PRESSED}, [("net.ipv4.tcp_mem", "1006632 1509949 4194304")]),
    (
        "T8",
        {},
        {"goal": "inference-across-sites", "flows": (replace(FLOW, notsent_bytes=900_000),)},
        [("net.ipv4.tcp_notsent_lowat", "131072")],
    ),
    ("T9", {}, {"paths": (replace(PATH, silent_above_bytes=1400),)}, [("net.ipv4.tcp_mtu_probing", "1")]),
    ("T12", {}, {"growth": SQUEEZED}, [("net.core.netdev_budget", "600"), ("net.core.netdev_budget_usecs", "16000")]),
    ("T13", {}, {"growth": DROPPING}, [("eth0.rx", "2048")]),
    ("T14", {"link.eth0.channels": "4", "link.eth0.channels_max": "63"}, {"growth": HOT}, [("eth0", "16")]),
    (
        "T15",
        {"link.eth0.rx_queues": "1", "link.eth0.rps_flow_cnt": "0", "link.eth0.irq_cpus": "0"},
        {"growth": HOT},
        [("eth0.rps_cpus", "fffe"), ("eth0.rps_flow_cnt", "32768"), ("net.core.rps_sock_flow_entries", "32768")],
    ),
    ("T16", {**NUMA}, {}, [("eth0", "0-7")]),
    (
        "T17",
        {"link.eth0.adaptive_rx": "off", "link.eth0.rx_usecs": "0"},
        {"growth": STORM},
        [("eth0.adaptive_rx", "on")],
    ),
    ("T17", {"link.eth0.adaptive_rx": "off", "link.eth0.rx_usecs": "250"}, FABRIC, [("eth0.adaptive_rx", "on")]),
    ("T18", {"link.eth0.gro": "off"}, {}, [("eth0.gro", "on")]),
    ("T19", INSIDE, {"goal": "storage", **jumbo(9000)}, [("eth0", "9000 proven by 198.51.100.7")]),
    ("T20", {**RDMA, **INSIDE}, jumbo(9000), [("eth0", "4200 proven by 198.51.100.7")]),
    (
        "T21",
        TWINS,
        {},
        [
            (f"net.ipv4.conf.{i}.{k}", v)
            for i in ("eth0", "eth1")
            for k, v in (("arp_ignore", "1"), ("arp_announce", "2"), ("rp_filter", "2"))
        ],
    ),
    (
        "T23",
        {"tcp.time_wait_to_one": "27000", "ports.listening": "22 25000 31000"},
        {},
        [("net.ipv4.ip_local_reserved_ports", "25000,30000-32767"), ("net.ipv4.ip_local_port_range", "20000 60999")],
    ),
    ("T26", {"sysctl.net.ipv4.tcp_no_metrics_save": "1"}, {}, []),
    ("T28", {**BOND, "bond.bond0.partner_mac": "00:00:00:00:00:00"}, {}, []),
    ("T28", {**BOND, "bond.bond0.aggregators": "1 2"}, {}, []),
    ("T28", {**BOND, "bond.bond0.mode": "balance-rr"}, {}, []),
    ("T29", {"sysctl.net.ipv4.tcp_timestamps": "0"}, {}, [("net.ipv4.tcp_timestamps", "1")]),
    ("T30", {**RDMA, "limit.memlock_bytes": "8388608"}, {}, [("memlock", "unlimited")]),
    ("D1", {**RDMA, "rdma.mlx5_0.gids": "0,IB/RoCEv1,::ffff:10.0.0.1 1,RoCEv2,fe80::1"}, {}, []),
    ("D2", {**RDMA, "nccl.env.NCCL_IB_GID_INDEX": "3"}, {}, []),
    ("D2", {**RDMA, "nccl.version": "2.18.3"}, {}, []),
    ("D3", {**RDMA, "rdma.mlx5_0.cm_mode": "IB/RoCEv1"}, {}, [("mlx5_0.cm_mode", "RoCEv2")]),
    ("D4", {**RDMA, "rdma.mlx5_0.traffic_class": "0"}, FABRIC, [("mlx5_0.traffic_class", "106")]),
    ("D5", {**RDMA, "link.eth0.dcb_trust": "pcp"}, FABRIC, []),
    ("D6", {**RDMA, "link.eth0.pfc_priorities": ""}, FABRIC, []),
    ("D6", {**RDMA, "link.eth0.pfc_priorities": "0 1 2 3 4 5 6 7"}, FABRIC, []),
    ("D6", {**RDMA, "link.eth0.pause_rx": "on"}, FABRIC, []),
    ("D7", {**RDMA, "link.eth0.pfc_priorities": ""}, {"growth": LOSING}, []),
    ("D8", {**RDMA, "link.eth0.ecn_rp": "off"}, {}, [("eth0.ecn_rp", "on")]),
    ("D9", {**RDMA, "rdma.mlx5_0.dcqcn": "rpg_time_reset=300 rpg_ai_rate=50"}, {}, []),
    ("D10", {**RDMA, "module.nvidia_peermem": "available"}, {}, [("nvidia_peermem", "loaded")]),
    ("D11", {**RDMA, "pci.acs_bridges": "12"}, {}, []),
    ("D12", {**RDMA, "nccl.env.NCCL_IB_PCI_RELAXED_ORDERING": "0"}, {}, []),
    ("D13", {**RDMA, "rdma.mlx5_0.max_read_request": "512"}, {}, []),
    ("D14", {**RDMA, "rdma.devices": "mlx5_1 mlx5_10 mlx5_11", "nccl.env.NCCL_IB_HCA": "mlx5_1"}, {}, []),
    ("D15", {**RDMA, "link.eth01.mtu": "1500", "nccl.env.NCCL_SOCKET_IFNAME": "eth0"}, {}, []),
    ("D16", {**RDMA, "nccl.env.NCCL_IB_TIMEOUT": "14"}, {}, []),
    ("D17", {**RDMA, "roce.qp_imbalance": "2.4"}, {}, []),
    ("D18", {"nccl.processes": "8"}, {}, []),
    ("D19", {"limit.memlock_bytes": "unlimited"}, FABRIC, [("rdma_rxe", "loaded"), ("rxe0", "rxe on eth0")]),
    (
        "D19",
        {"limit.memlock_bytes": "8388608"},
        FABRIC,
        [("rdma_rxe", "loaded"), ("rxe0", "rxe on eth0"), ("memlock", "unlimited")],
    ),
    ("D20", RXE, {"growth": SENDING}, []),
]

SILENT: list[tuple[str, Changed, dict[str, Any], type]] = [
    ("T3", {}, {}, Kept),
    ("T3", {"sysctl.net.core.rmem_max": "1000000000"}, {"growth": UDP_FULL}, Kept),
    ("T4", {}, {}, Kept),
    ("T4", {"sysctl.net.ipv4.tcp_mem": "9006632 9509949 9994304"}, {"growth": PRESSED}, Kept),
    ("T8", {}, {}, NotApplicable),
    ("T8", {}, {"goal": "inference-across-sites"}, Unknown),
    ("T8", {"sysctl.net.ipv4.tcp_notsent_lowat": "16384"}, {"goal": "inference-across-sites"}, Kept),
    ("T9", {}, {}, Unknown),
    ("T9", {}, jumbo(1500), Kept),
    ("T9", {"sysctl.net.ipv4.tcp_mtu_probing": "2"}, {"paths": (replace(PATH, silent_above_bytes=1400),)}, Kept),
    ("T12", {}, {}, Kept),
    ("T12", {}, {"growth": replace(SQUEEZED, busy_ratio=(1.0,) * 4)}, Kept),
    ("T12", {}, {"growth": replace(SQUEEZED, busy_ratio=())}, Unknown),
    (
        "T12",
        {"sysctl.net.core.netdev_budget": "900", "sysctl.net.core.netdev_budget_usecs": "20000"},
        {"growth": SQUEEZED},
        Kept,
    ),
    ("T13", {}, {}, Kept),
    ("T13", {"link.eth0.ring_rx": "8192"}, {"growth": DROPPING}, Kept),
    ("T13", {}, {"growth": replace(QUIET, nic={})}, Unknown),
    ("T13", {"link.eth0.driver": "veth"}, {"growth": DROPPING}, NotApplicable),
    ("T14", {}, {"growth": HOT}, Kept),
    ("T14", {"link.eth0.channels": "4"}, {}, Kept),
    ("T15", {}, {"growth": HOT}, Kept),
    ("T15", {"link.eth0.rx_queues": "1"}, {}, Kept),
    ("T15", {"link.eth0.rx_queues": "1", "link.eth0.rps_cpus": "f"}, {"growth": HOT}, Kept),
    ("T16", {}, {}, NotApplicable),
    ("T16", {**NUMA, "link.eth0.irq_cpus": "0-3"}, {}, Kept),
    ("T16", {**NUMA, "numa.0.cpus": None}, {}, Unknown),
    ("T17", {}, {"growth": STORM}, Kept),
    ("T17", {"link.eth0.adaptive_rx": "off", "link.eth0.rx_usecs": "0"}, {}, Kept),
    ("T17", {"link.eth0.adaptive_rx": "off", "link.eth0.rx_usecs": "250"}, {}, Kept),
    ("T18", {}, {}, Kept),
    ("T18", {"link.eth0.lro": "off"}, {}, Kept),
    ("T19", {}, jumbo(9000), NotApplicable),
    ("T19", {}, {"goal": "storage", **jumbo(9000)}, Kept),
    ("T19", INSIDE, {"goal": "storage"}, Unknown),
    ("T19", INSIDE, {"goal": "storage", **jumbo(1500)}, Kept),
    ("T19", {**INSIDE, "link.eth0.mtu": "9216"}, {"goal": "storage"}, Kept),
    ("T20", {}, {}, NotApplicable),
    ("T20", {**RDMA, **INSIDE}, {}, Unknown),
    ("T20", {**RDMA, "link.eth0.mtu": "9000"}, {}, Kept),
    ("T21", {}, {}, NotApplicable),
    ("T23", {}, {}, Kept),
    ("T23", {"tcp.time_wait_to_one": "59000", "sysctl.net.ipv4.ip_local_port_range": "1024 60999"}, {}, Kept),
    ("T24", {}, {}, NotApplicable),
    ("T24", {"gpu.count": "4"}, {}, Unknown),
    ("T25", {}, {}, Kept),
    ("T26", {}, {}, Kept),
    ("T27", {}, {}, Kept),
    ("T28", {}, {}, NotApplicable),
    ("T28", BOND, {}, Kept),
    ("T29", {}, {}, Kept),
    ("T30", {"limit.memlock_bytes": "65536"}, {}, NotApplicable),
    ("T30", RDMA, {}, Kept),
    *[(f"D{n}", {**RDMA}, FABRIC, Kept) for n in (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 16, 17, 19)],
    *[(f"D{n}", {}, FABRIC, NotApplicable) for n in (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 14, 16, 17, 20)],
    *[(f"D{n}", {**RDMA}, {}, NotApplicable) for n in (4, 5, 6, 18, 20)],
    ("D2", {**RDMA, "nccl.processes": "0"}, {}, NotApplicable),
    ("D2", {**RDMA, "nccl.version": "?"}, {}, Unknown),
    ("D4", {**RDMA, "rdma.mlx5_0.traffic_class": "96"}, FABRIC, Kept),
    ("D7", {**RDMA, "link.eth0.pfc_priorities": ""}, {}, Kept),
    ("D10", {**RDMA, "module.nvidia_peermem": "missing"}, {}, Unknown),
    ("D10", {**RDMA, "module.nvidia_peermem": "missing", "gpu.open_driver": "yes"}, {}, Kept),
    ("D11", {**RDMA, "pci.acs_bridges": "12", "virtualisation": "kvm"}, {}, NotApplicable),
    ("D12", {"nccl.processes": "0"}, {}, NotApplicable),
    ("D14", {**RDMA, "rdma.devices": "mlx5_1 mlx5_10", "nccl.env.NCCL_IB_HCA": "=mlx5_1"}, {}, Kept),
    ("D15", RDMA, {}, Unknown),
    ("D15", {**RDMA, "nccl.env.NCCL_SOCKET_IFNAME": "=eth0"}, {}, Kept),
    ("D18", {"nccl.processes": "8", "nccl.env.NCCL_SOCKET_NTHREADS": "4"}, {}, Kept),
    ("D18", {"nccl.processes": "8"}, {"flows": (), "paths": (replace(PATH, rtt_us=500),)}, Kept),
    ("D19", {}, {}, NotApplicable),
    ("D19", {"module.rdma_rxe": "missing"}, FABRIC, Unknown),
    ("D20", RXE, {}, Kept),
    ("D20", RXE, {"growth": Growth(1.0)}, Unknown),
]


@pytest.mark.parametrize(
    ("rule", "changed", "fields", "writes"), FIRES, ids=lambda value: value if isinstance(value, str) else ""
)
def test_fires(rule: str, changed: Changed, fields: dict[str, Any], writes: list[tuple[str, str]]) -> None:
    advice = verdict(rule, box(changed, **fields))
    assert isinstance(advice, Recommendation), advice
    assert [(change.key, change.proposed) for change in advice.changes] == writes
    assert advice.changes or advice.instructions
    assert advice.evidence


@pytest.mark.parametrize(
    ("rule", "changed", "fields", "ends"), SILENT, ids=lambda value: value if isinstance(value, str) else ""
)
def test_stays_silent(rule: str, changed: Changed, fields: dict[str, Any], ends: type) -> None:
    answer = verdict(rule, box(changed, **fields))
    assert type(answer) is ends, answer


@pytest.mark.parametrize(
    ("rule", "changed", "fields", "writes"), FIRES, ids=lambda value: value if isinstance(value, str) else ""
)
def test_without_its_evidence_a_rule_does_not_fire_on_it(
    rule: str, changed: Changed, fields: dict[str, Any], writes: list[tuple[str, str]]
) -> None:
    situation = box(changed, **fields)
    advice = verdict(rule, situation)
    assert isinstance(advice, Recommendation)
    for key in situation.facts:
        without = replace(situation, facts={name: fact for name, fact in situation.facts.items() if name != key})
        again = verdict(rule, without)
        assert not isinstance(again, Recommendation) or all(evidence.fact != key for evidence in again.evidence)


@pytest.mark.parametrize("rule", [f"T{n}" for n in range(1, 33)] + [f"D{n}" for n in range(1, 21)])
def test_on_a_box_that_tells_nothing_a_rule_says_so(rule: str) -> None:
    answer = verdict(rule, Situation())
    only_for_a_goal = rule in {"T8", "T19", "T31", "T32", "D4", "D5", "D6"}
    assert isinstance(answer, NotApplicable if only_for_a_goal else Unknown)
    assert str(answer.why)


@pytest.mark.parametrize("rule", ["T13", "T14", "T15", "T17", "T18", "T28"])
def test_a_device_whose_kind_was_not_read_is_not_called_absent(rule: str) -> None:
    assert isinstance(verdict(rule, box({"link.eth0.driver": None})), Unknown)


def test_queues_that_were_not_read_are_not_called_absent() -> None:
    bbr = {"sysctl.net.ipv4.tcp_congestion_control": "bbr"}
    assert isinstance(verdict("T6", box({**bbr, "qdisc.eth0.root": None})), Unknown)


def test_a_change_of_the_card_under_the_session_is_risky() -> None:
    ring = verdict("T13", box(growth=DROPPING))
    aside = verdict("T13", box({"management.interfaces": "eth9"}, growth=DROPPING))
    unknown = verdict("T13", box({"management.interfaces": None}, growth=DROPPING))
    assert [v.risk for v in (ring, aside, unknown) if isinstance(v, Recommendation)] == ["R2", "R1", "R2"]


def test_soft_roce_is_offered_beside_the_session_not_under_it() -> None:
    second = {"link.eth1.mtu": "1500", "link.eth1.driver": "virtio_net", "link.eth1.operstate": "up"}
    advice = verdict("D19", box(second, goal="lossless-fabric"))
    assert isinstance(advice, Recommendation)
    assert "rxe on eth1" in [change.proposed for change in advice.changes]


def test_soft_roce_names_its_ceiling() -> None:
    flow = replace(FLOW, min_rtt_us=30_000)
    advice = verdict("D20", box(RXE, growth=SENDING, flows=(flow,), paths=()))
    assert isinstance(advice, Recommendation)
    assert str(advice.formula) == "128 × 1024 B × 8 / 30 ms = 35 Mb/s"


def test_masks_are_written_as_the_kernel_writes_them() -> None:
    many = {"cpu.count": "64", "link.eth0.rx_queues": "1", "link.eth0.irq_cpus": "0"}
    advice = verdict("T15", box(many, growth=HOT))
    assert isinstance(advice, Recommendation)
    assert advice.changes[0].proposed == "ffffffff,fffffffe"
