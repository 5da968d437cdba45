"""Every kind of setting is read, set and put back exactly, by Python and by the dead-man's script alike."""

from pathlib import Path

import pytest

from tests.tuning.boxes import TOOL, Ear, file_box, now, plan_of, want
from tuning import deadman
from tuning.failure import Refused
from tuning.host import Host
from tuning.knobs.registry import KNOBS
from tuning.plan import steps
from tuning.trial import apply, rollback

RX = "/sys/class/net/eth0/queues/rx-{}/{}"
ECN = "/sys/class/net/eth0/ecn/roce_np/enable/3"
CLASS = "/sys/class/infiniband/mlx5_0/tc/1/traffic_class"
CM = "/sys/kernel/config/rdma_cm/mlx5_0/ports/1"
FILES = {
    "/proc/modules": "udp_tunnel 20480 0 - Live 0x0\n",
    "/proc/sys/net/ipv4/tcp_rmem": "4096\t131072\t6291456\n",
    "/proc/sys/net/ipv4/conf/eth0.7/rp_filter": "0\n",
    "/proc/sys/net/ipv4/ip_local_reserved_ports": "\n",
    RX.format(0, "rps_cpus"): "00000000,00000000\n",
    RX.format(1, "rps_cpus"): "00000000,00000000\n",
    RX.format(0, "rps_flow_cnt"): "0\n",
    RX.format(1, "rps_flow_cnt"): "0\n",
    "/sys/class/net/eth0/device/msi_irqs/41": "msix\n",
    "/sys/class/net/eth0/device/msi_irqs/42": "msix\n",
    "/proc/irq/41/smp_affinity_list": "8-15\n",
    "/proc/irq/42/smp_affinity_list": "9\n",
    ECN: "0\n",
    CLASS: "Global tclass=0\n",
    f"{CM}/default_roce_tos": "0\n",
    f"{CM}/default_roce_mode": "IB/RoCE v1\n",
    "/mtu": "1500\n",
    "/rx": "1024\n",
    "/tx": "1024\n",
    "/combined": "4\n",
    "/adaptive-rx": "off\n",
    "/rx-usecs": "3\n",
}
TOGETHER = [
    ("sysctl", "net.ipv4.tcp_rmem", "4096 131072 6291456", "4096 131072 38000000"),
    ("sysctl", "net.ipv4.ip_local_reserved_ports", "", "8080,30000-32767"),
    ("module", "rdma_rxe", "not loaded", "loaded"),
    ("ring", "eth0.rx", "1024", "2048"),
    ("coalesce", "eth0.adaptive_rx", "off", "on"),
    ("coalesce", "eth0.rx_usecs", "3", "16"),
    ("rps", "eth0.rps_cpus", "0", "ff"),
    ("rps", "eth0.rps_flow_cnt", "0", "4096"),
    ("irq", "eth0", "8-15 9", "0-7"),
    ("rdma", "mlx5_0.traffic_class", "0", "106"),
    ("rdma", "mlx5_0.cm_tos", "0", "106"),
    ("rdma", "mlx5_0.cm_mode", "IB/RoCEv1", "RoCEv2"),
    ("rdma", "eth0.ecn_np", "off", "on"),
    ("rdma-link", "rxe0", "absent", "rxe on eth0"),
]
ALONE = [
    ("sysctl", "net.ipv4.conf.eth0/7.rp_filter", "0", "2"),
    ("mtu", "eth0", "1500", "1400"),
    ("channels", "eth0", "4", "8"),
]


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Host:
    monkeypatch.setattr(deadman, "arm", lambda *_: "nobody")
    return file_box(tmp_path, FILES)


def contents(host: Host) -> dict[str, str]:
    """Every setting of the box, as kept by kernel and card; values alone, as some are printed with words around."""
    values = {path: " ".join(host.text(path).split("=")[-1].split()) for path in FILES}
    return values | {"/rdma-link": host.text("/rdma-link") if host.exists("/rdma-link") else ""}


@pytest.mark.parametrize("changes", [TOGETHER, *([change] for change in ALONE)], ids=lambda changes: changes[0][0])
@pytest.mark.parametrize("way", ["python", "script"])
def test_changes_are_made_and_put_back(host: Host, changes: list[tuple[str, str, str, str]], way: str) -> None:
    before = contents(host)
    assert [now(host, knob, key) for knob, key, _, _ in changes] == [old for _, _, old, _ in changes]
    plan, ear = plan_of(*(want(host, knob, key, new) for knob, key, _, new in changes)), Ear()

    assert apply(host, plan, ear, TOOL), ear
    assert [now(host, knob, key) for knob, key, _, _ in changes] == [new for _, _, _, new in changes]
    assert steps(host, plan) == (), "what is so already is not written again"

    if way == "python":
        assert rollback(host, "", ear, TOOL)
    else:
        script = deadman.folder(host, plan.id) / "revert.sh"
        assert host.run("sh", str(script)).code == 0
    assert contents(host) == before


@pytest.mark.parametrize(
    ("knob", "key", "value"),
    [
        ("sysctl", "net.ipv4.tcp_rmem", "4096 131072 99999999999"),
        ("sysctl", "net.ipv4.tcp_rmem", "4096 131072"),
        ("sysctl", "net.ipv4.tcp_rmem", "131072 4096 9999999"),
        ("sysctl", "net.ipv4.tcp_rmem", "4096 131072 4194304"),  # lower than it is
        ("sysctl", "net.ipv4.ip_local_reserved_ports", "70000"),
        ("sysctl", "net.ipv4.ip_local_reserved_ports", "1;2"),
        ("sysctl", "kernel.core_pattern", "|/bin/sh"),
        ("sysctl", "net.ipv4.conf.eth0/7.forwarding", "1"),
        ("sysctl", "net.ipv4.conf.../../x.rp_filter", "1"),
        ("sysctl", "net/ipv4/tcp_rmem", "1 2 3"),
        ("module", "rdma_rxe", "not loaded"),
        ("module", "evil", "loaded"),
        ("module", "-r", "loaded"),
        ("mtu", "eth0", "68"),
        ("mtu", "eth0", "9000 up"),
        ("mtu", "eth0", "9000"),  # without a proof
        ("mtu", "eth0", "9000 proven by nobody"),
        ("mtu", "eth0", "9000 proven by 10.0.0.2; reboot"),
        ("mtu", "eth0", "9000 proven by 192.0.2.7"),  # over another interface
        ("mtu", "-batch", "9000"),
        ("mtu", "../eth0", "9000"),
        ("ring", "eth0.mini", "2048"),
        ("ring", "eth0.rx", "-1"),
        ("ring", ".rx", "64"),
        ("channels", "eth0", "0"),
        ("coalesce", "eth0.adaptive_rx", "yes"),
        ("rps", "eth0.rps_cpus", "zz"),
        ("rps", "eth9.rps_cpus", "1"),
        ("irq", "eth0", "all"),
        ("irq", "eth9", "0-3"),
        ("rdma", "../../net/eth0.traffic_class", "106"),
        ("rdma", "mlx5_0.traffic_class", "256"),
        ("rdma", "mlx5_0.node_desc", "x"),
        ("rdma-link", "rxe0", "siw on eth0"),
        ("rdma-link", "mlx5_0", "absent"),
        ("qdisc", "eth0", "htb"),
    ],
)
def test_what_is_not_allowed_is_refused(host: Host, knob: str, key: str, value: str) -> None:
    before = contents(host)
    with pytest.raises(Refused):
        KNOBS[knob].steps(host, key, value)
    assert contents(host) == before


def test_a_module_that_was_loaded_is_never_unloaded(host: Host) -> None:
    assert now(host, "module", "sch_fq") == "not loaded"
    (host.path("/sys/module/sch_fq")).mkdir(parents=True)
    assert now(host, "module", "sch_fq") == "loaded"
    assert KNOBS["module"].steps(host, "sch_fq", "loaded") == ()


def test_a_module_that_is_missing_stops_the_plan_and_puts_the_rest_back(host: Host) -> None:
    before = contents(host)
    host.path("/no-modules").touch()
    plan = plan_of(want(host, "module", "rdma_rxe", "loaded"), want(host, "rdma-link", "rxe0", "rxe on eth0"))
    ear = Ear()
    assert not apply(host, plan, ear, TOOL)
    assert ear.events[-1] == "rolled-back"
    assert "not found" in str(ear[-1].text)
    assert contents(host) == before


def test_an_interface_that_was_replaced_is_left_alone(host: Host) -> None:
    assert apply(host, plan_of(want(host, "rps", "eth0.rps_flow_cnt", "4096")), Ear(), TOOL)
    host.path("/gone").touch()
    ear = Ear()
    assert not rollback(host, "", ear, TOOL)
    assert [report.state for report in ear if report.event == "step"] == ["conflict", "conflict"]
    assert now(host, "rps", "eth0.rps_flow_cnt") == "4096"


def test_larger_frames_stay_only_if_they_are_answered(host: Host) -> None:
    jumbo = plan_of(want(host, "mtu", "eth0", "9000 proven by 10.0.0.2"))
    host.path("/small-hop").touch()
    ear = Ear()
    assert not apply(host, jumbo, ear, TOOL)
    assert "9000 bytes" in str(ear[-1].text)
    assert now(host, "mtu", "eth0") == "1500"

    host.path("/small-hop").unlink()
    assert apply(host, plan_of(want(host, "mtu", "eth0", "9000 proven by 10.0.0.2")), ear, TOOL)
    assert now(host, "mtu", "eth0") == "9000"
    assert steps(host, jumbo) == ()


def test_soft_roce_is_set_up_as_one_plan_and_can_be_removed(host: Host) -> None:
    before, ear = contents(host), Ear()
    memory = want(host, "limit", "memlock", "unlimited", persists="unit")
    link = want(host, "rdma-link", "rxe0", "rxe on eth0")
    assert apply(host, plan_of(memory, link, want(host, "module", "rdma_rxe", "loaded")), ear, TOOL), ear
    assert [report.key for report in ear if report.state == "applied"] == ["rdma_rxe", "rxe0", "memlock"]
    assert rollback(host, "", ear, TOOL)
    assert contents(host) == before

    host.run("rdma", "link", "add", "rxe0", "type", "rxe", "netdev", "eth0")  # somebody else's
    assert apply(host, plan_of(want(host, "rdma-link", "rxe0", "absent")), ear, TOOL)
    assert now(host, "rdma-link", "rxe0") == "absent"
    assert rollback(host, "", ear, TOOL)
    assert now(host, "rdma-link", "rxe0") == "rxe on eth0"
