"""A recorded box stands in for a live one: the same facts, the same advice, whatever shape the recording has."""

import asyncio
import json
import os
import shutil
import stat
import subprocess
import tarfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.advice.engine import advise
from analysis.advice.plan import Goal, Plan
from analysis.advice.registry import RULES
from analysis.advice.situation import Growth, Situation
from analysis.box import Box
from analysis.samples import Fact, Facts, Sample, TcpFlows
from collectors.archive import Archive
from collectors.facts import ask_kernel, read_facts
from collectors.facts_links import NET, is_hardware
from collectors.facts_network import read_network
from collectors.facts_sysctl import CORE, IPV4, NETFILTER
from collectors.recorded_box import read_box
from collectors.root import Root
from collectors.session.header import Unreadable
from tests.collectors.planted import plant

BOXES = Path(__file__).parent.parent / "fixtures" / "boxes"
SCRIPT = Path(__file__).parent.parent.parent / "collectors" / "data" / "collect-facts.sh"
GOALS: tuple[Goal, ...] = ("none", "long-path", "lossless-fabric", "inference-across-sites", "storage")

KEPT = "T3 T4 T5 T10 T11 T13 T14 T15 T17 T18 T20 T23 T25 T26 T27 T29 D1 D3 D19"
ABSENT = "T16 T21 T22 T24 T28 T31 T32 D7 D8 D9 D10 D11 D13 D16 D17"
"""One NUMA node, no shared subnet, no connection tracking, no GPU, no bond and none asked for, no RDMA hardware."""
UNSEEN = "T12 T30 D2 D12 D14 D15 D18"
"""Squeezes were read once and are not zero; limits and processes were not recorded."""
DEFAULT = {
    "none": ("D20", "T1 T2 T6 T7", "T8 T19 D4 D5 D6", "T9"),
    "long-path": ("T1 T2 T7 D20", "T6", "T8 T19 D4 D5 D6", "T9"),
    "lossless-fabric": ("D20", "T1 T2 T6 T7", "T8 D4 D5 D6", "T9 T19"),
    "inference-across-sites": ("T7 D20", "T1 T2 T6 T8", "T19 D4 D5 D6", "T9"),
    "storage": ("D20", "T1 T2 T6 T7", "T8 D4 D5 D6", "T9 T19"),
}
"""What is recommended, kept, not applicable and unknown beyond what all goals have in common."""
TUNED = {
    "none": ("T6 D20", "T1 T2 T7 T9", "T8 T19 D4 D5 D6", ""),
    "long-path": ("T6 D20", "T1 T2 T7 T9", "T8 T19 D4 D5 D6", ""),
    "lossless-fabric": ("T6 D20", "T1 T2 T7 T9", "T8 D4 D5 D6", "T19"),
    "inference-across-sites": ("T6 D20", "T1 T2 T7 T8 T9", "T19 D4 D5 D6", ""),
    "storage": ("T6 D20", "T1 T2 T7 T9", "T8 D4 D5 D6", "T19"),
}


def boxed(samples: list[Sample]) -> Box:
    box = Box()
    for sample in samples:
        assert box.fold(sample)
    return box


def plan_of(samples: list[Sample], goal: Goal) -> Plan:
    box = boxed(samples)
    assert box.flows is not None
    flows = box.flows.flows
    return advise(Situation(box.facts_ns, box.facts, goal, flows=flows, growth=box.growth()))


def ids(*groups: str) -> set[str]:
    return {name for group in groups for name in group.split()}


@pytest.mark.parametrize("goal", GOALS)
@pytest.mark.parametrize(("name", "told"), [("default", DEFAULT), ("tuned", TUNED)])
def test_every_rule_decides_on_a_recorded_box(name: str, told: dict[str, tuple[str, ...]], goal: Goal) -> None:
    plan = plan_of(read_box(BOXES / f"{name}.tar.gz"), goal)
    recommended, kept, absent, unknown = told[goal]
    assert {advice.id for advice in plan.recommendations} == ids(recommended)
    assert {verdict.id for verdict in plan.kept} == ids(KEPT, kept)
    assert {verdict.id for verdict in plan.not_applicable} == ids(ABSENT, absent)
    assert {verdict.id for verdict in plan.unknown} == ids(UNSEEN, unknown)
    lists = (plan.recommendations, plan.kept, plan.not_applicable, plan.unknown)
    assert sorted(verdict.id for verdicts in lists for verdict in verdicts) == sorted(rule.id for rule in RULES)


def test_a_long_path_from_the_default_box_asks_for_buffers_of_its_own_size() -> None:
    plan = plan_of(read_box(BOXES / "default.tar.gz"), "long-path")
    changed = {change.key: change.proposed for advice in plan.recommendations for change in advice.changes}
    assert changed == {
        "net.ipv4.tcp_rmem": "4096 131072 67108864",
        "net.ipv4.tcp_wmem": "4096 16384 37748736",
        "net.ipv4.tcp_slow_start_after_idle": "0",
    }


def test_the_tuned_box_is_only_asked_to_pace_where_it_does_not() -> None:
    (pacing, _) = plan_of(read_box(BOXES / "tuned.tar.gz"), "long-path").recommendations
    assert [(change.key, change.current, change.proposed) for change in pacing.changes] == [
        ("eth0", "fq_codel", "fq"),
        ("eth1", "fq_codel", "fq"),
    ]


def test_flows_interfaces_and_growth_are_those_of_the_box() -> None:
    samples = read_box(BOXES / "default.tar.gz")
    box = boxed(samples)
    assert [s.t for s in samples] == sorted(s.t for s in samples)
    assert box.flows is not None
    assert (box.flows.total, {flow.cc for flow in box.flows.flows}) == (5, {"cubic"})
    busiest = box.flows.flows[0]
    assert (busiest.remote, busiest.mss, busiest.rwnd_limited_us) == ("192.168.77.2", 8948, 8000)
    assert box.infos["eth2"].addresses[0] == "192.168.77.1/24"
    assert box.infos["eth2"].kind == "virtio_net"
    assert (box.value("management.interfaces"), box.value("management.peer")) == ("eth0", "10.0.2.2")
    assert box.value("rdma.rxe0.gids") == (
        "0,RoCEv2,fe80::5054:ff:fe77:a02 1,RoCEv2,::ffff:192.168.77.1 2,RoCEv2,fd77::1"
    )
    grown = box.growth()
    assert isinstance(grown, Growth)
    assert grown.rdma["rxe0.sent_pkts"] == 5788803 - 5335187
    assert grown.tcp["TcpOutSegs"] == 198099 - 186464
    assert grown.softnet_squeezed == ()
    assert grown.nic["eth2.rx_missed_errors"] == 0


def test_a_folder_tells_what_its_archive_tells(tmp_path: Path) -> None:
    with tarfile.open(BOXES / "tuned.tar.gz") as archive:
        archive.extractall(tmp_path, filter="data")
    told = read_box(BOXES / "tuned.tar.gz")
    assert read_box(tmp_path) == told
    assert read_box(tmp_path / "tuned") == told


@pytest.fixture(scope="module")
def collected(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if missing := [tool for tool in ("ip", "tc", "ss", "ethtool", "tar") if shutil.which(tool) is None]:
        pytest.skip(f"needs {', '.join(missing)}")
    file = tmp_path_factory.mktemp("collected") / "box.tar.gz"
    environ = {"PATH": os.environ["PATH"], "SSH_CONNECTION": "192.0.2.9 50000 203.0.113.1 22"}
    secret = {"NCCL_IB_HCA": "=mlx5_7", "UCX_TLS": "rc", "TOKEN": "hunter2"}
    with subprocess.Popen(["sleep", "600"], env=environ | secret) as rank:
        try:
            subprocess.run(
                ["sh", str(SCRIPT), "-p", "0.2", str(file)],
                env=environ | {"PASSWORD": "hunter2"},
                cwd=file.parent,
                check=True,
                timeout=120,
                capture_output=True,
            )
        finally:
            rank.kill()
    return file


VOLATILE = ("ports.listening", "tcp.time_wait_to_one", "sysctl.net.netfilter.nf_conntrack_count", "nccl.")


def test_this_box_collected_by_the_script_tells_what_it_tells_live(collected: Path) -> None:
    root = Root()
    environ = {"SSH_CONNECTION": "192.0.2.9 50000 203.0.113.1 22"}
    live = read_facts(root, environ, asyncio.run(read_network(root)), ask_kernel)
    told = read_box(collected)[-1]
    assert isinstance(told, Facts)
    names = [name for name in root.listdir(NET) if is_hardware(root, name)]
    others = ("link.", "qdisc.", "bond.", "sysctl.net.ipv4.conf.", *VOLATILE)
    own = tuple(f"{part}.{name}." for name in names for part in ("link", "qdisc"))
    stable = [key for key in live if key.startswith(own) or not key.startswith(others)]
    assert {key: live[key].value for key in stable} == {key: told.facts[key].value for key in stable}


def test_the_script_takes_two_readings(collected: Path) -> None:
    grown = boxed(read_box(collected)).growth()
    assert grown is not None
    assert grown.seconds > 0.1
    assert grown.softnet_dropped
    assert "UdpRcvbufErrors" in grown.tcp


def test_the_script_keeps_the_environment_of_nccl_and_no_other(collected: Path) -> None:
    facts = boxed(read_box(collected)).facts
    assert facts["nccl.env.NCCL_IB_HCA"].value == "=mlx5_7"
    assert facts["nccl.env.UCX_TLS"].value == "rc"
    with tarfile.open(collected) as archive:
        members = [archive.extractfile(member) for member in archive if member.isfile()]
        contents = [file.read() for file in members if file is not None]
    assert not any(b"hunter2" in content for content in contents)
    assert stat.S_IMODE(collected.stat().st_mode) == 0o600


def test_the_script_knows_every_sysctl_that_advice_looks_at() -> None:
    words = set(SCRIPT.read_text().split())
    assert set(f"{IPV4} {CORE} {NETFILTER}".split()) <= {word.rstrip(";") for word in words}


def test_what_is_no_recorded_box_is_told(tmp_path: Path) -> None:
    (tmp_path / "text.tar.gz").write_text("no archive")
    (tmp_path / "empty").mkdir()
    cut = (BOXES / "tuned.tar.gz").read_bytes()[:9000]
    (tmp_path / "cut.tar.gz").write_bytes(cut)
    for name, word in (("text.tar.gz", "can be read"), ("empty", "no folder proc"), ("none", "There is no")):
        with pytest.raises(Unreadable, match=word):
            read_box(tmp_path / name)
    with pytest.raises(Unreadable, match=r"cut\.tar\.gz"):
        read_box(tmp_path / "cut.tar.gz")


def test_an_archive_that_unpacks_without_end_is_refused(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "big.tar.gz", "w:gz") as archive:
        member = tarfile.TarInfo("proc/zeros")
        member.size = 65 << 20
        with Path("/dev/zero").open("rb") as zeros:
            archive.addfile(member, zeros)
    with pytest.raises(Unreadable, match="too large"):
        read_box(tmp_path / "big.tar.gz")


def test_nothing_outside_the_tree_gets_into_it(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "odd.tar", "w") as archive:
        for name in ("../../etc/passwd", "/proc/version", "proc/../../x"):
            archive.addfile(tarfile.TarInfo(name))
    assert Archive(tmp_path / "odd.tar").listdir("") == ["proc"]


FILES = """
proc/net/snmp proc/net/dev proc/stat proc/net/softnet_stat proc/softirqs proc/uptime later/proc/uptime proc/net/tcp
proc/net/route unreadable.json cmd/index.json cmd/ip_j_addr.txt cmd/ip_j_d_s_s_link.txt cmd/ss_tin.txt cmd/env.txt
cmd/ip_j_route_show_table_all.txt cmd/tc_j_s_d_qdisc.txt cmd/rdma_j_statistic.txt cmd/nstat_asz.txt
cmd/ethtool_g_eth0.txt cmd/ethtool_c_eth0.txt cmd/ethtool_S_eth0.txt cmd/lspci_nnvv.txt cmd/ibv_devinfo_v.txt
cmd/dcb_pfc_show_dev_eth0.txt cmd/mlnx_qos_i_eth0.txt sys/class/infiniband/rxe0/ports/1/gids/0
sys/class/infiniband/rxe0/ports/1/rate sys/class/net/eth0/device/x sys/class/net/eth0/speed
"""
KEYS = "ifname addr_info local prefixlen dst dev kind linkinfo info_data stats64 argv exit"
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS.split()), inner, max_size=4),
    max_leaves=12,
)
NEARLY_RIGHT = """\
ESTAB 0 0 x:1 y:2 cubic rto:1
prio-pfc 1:on
Tcp: a
NET_RX: x
eth0: 1 2 3
GID[ 0]: ::g
Adaptive RX: x
[{}]
[[]]
{}
hca_id:
RX: 9
cpu0 1 2
0 0 0""".splitlines()
GARBAGE = st.text(max_size=60) | JSON.map(json.dumps) | st.lists(st.sampled_from(NEARLY_RIGHT)).map("\n".join)


@settings(max_examples=40, deadline=None)
@given(st.dictionaries(st.sampled_from(FILES.split()), GARBAGE, max_size=12))
def test_whatever_is_written_in_a_recording_is_a_fact_or_a_reason(
    tmp_path_factory: pytest.TempPathFactory, files: dict[str, str]
) -> None:
    where = tmp_path_factory.mktemp("odd")
    plant(where, {"proc/version": "", f"{NET}/eth0/ifindex": "2", **files})
    told = read_box(where)
    facts = told[-1]
    assert isinstance(facts, Facts)
    assert all((fact.value is None) != (fact.problem is None) for fact in facts.facts.values())
    boxed(told).growth()


def test_a_recording_without_a_session_does_not_guess_the_management_path(tmp_path: Path) -> None:
    root = plant(tmp_path, {"proc/version": "Linux version 6.1.0", f"{NET}/eth0/ifindex": "2"})
    facts = boxed(read_box(root.path)).facts
    assert facts["management.interfaces"].value is None
    assert "by which session" in str(facts["management.interfaces"].problem)
    (tmp_path / "cmd").mkdir()
    (tmp_path / "cmd" / "env.txt").write_text("SSH_CONNECTION=\n")
    assert boxed(read_box(root.path)).facts["management.interfaces"] == Fact("", "SSH_CONNECTION")


def test_a_box_without_ss_has_no_flows_rather_than_none_at_all(tmp_path: Path) -> None:
    root = plant(tmp_path, {"proc/version": "Linux version 6.1.0"})
    assert not any(isinstance(sample, TcpFlows) for sample in read_box(root.path))
