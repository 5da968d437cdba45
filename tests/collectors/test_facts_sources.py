"""Where single facts come from: configuration space, netlink attributes, environments, sockets, printed lines."""

import shutil
import socket
import subprocess
from contextlib import suppress
from pathlib import Path
from struct import pack

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors import printed
from collectors.commands import Commands
from collectors.dcb import agreed
from collectors.ethnl import Ethnl
from collectors.facts_links import NET, bonds, links
from collectors.facts_nccl import kept, nccl
from collectors.facts_network import LISTENING, TIME_WAIT, Network, network_facts, read_network, sockets_in
from collectors.facts_pci import acs_bridges, max_read_request, open_driver, read_request_bytes, validates_sources
from collectors.facts_rdma import gid_text, rdma
from collectors.facts_system import system
from collectors.netlink import packed
from collectors.recorded_facts import answers
from collectors.root import Root
from tests.collectors.planted import plant

BUS = "sys/bus/pci/devices"


def space(*, access_control: int = 0, device_control: int = 0x5000) -> bytes:
    """A configuration space with PCI Express at 0x60 after power management, and two extended capabilities."""
    whole = bytearray(4096)
    whole[0x34], whole[0x40], whole[0x41], whole[0x60] = 0x40, 0x01, 0x60, 0x10
    whole[0x68:0x6A] = pack("<H", device_control)
    whole[0x100:0x104] = pack("<I", 0x140 << 20 | 0x10001)
    whole[0x140:0x144] = pack("<I", 0x1000D)
    whole[0x146:0x148] = pack("<H", access_control)
    return bytes(whole)


@pytest.mark.parametrize(("control", "bytes_"), [(0x0000, 128), (0x2810, 512), (0x5000, 4096)])
def test_the_read_request_size_is_in_device_control(tmp_path: Path, control: int, bytes_: int) -> None:
    assert read_request_bytes(space(device_control=control)) == bytes_
    root = plant(tmp_path, {"dev/x": ""})
    (tmp_path / "dev" / "config").write_bytes(space(device_control=control))
    assert max_read_request(root, "dev").value == str(bytes_)
    (tmp_path / "dev" / "config").write_bytes(space()[:64])
    assert "without root" in str(max_read_request(root, "dev").problem)


def test_bridges_that_validate_sources_are_counted(tmp_path: Path) -> None:
    root = plant(
        tmp_path, {f"{BUS}/{n}/class": kind for n, kind in (("a", "0x060400"), ("b", "0x060400"), ("c", "0x03"))}
    )
    for name, control in (("a", 0x1D), ("b", 0x1C)):
        (tmp_path / BUS / name / "config").write_bytes(space(access_control=control))
    assert acs_bridges(root).value == "1"
    (tmp_path / BUS / "b" / "config").write_bytes(space()[:64])
    assert acs_bridges(root).value is None


@given(st.binary(max_size=300))
def test_any_configuration_space_has_an_end(data: bytes) -> None:
    assert validates_sources(data) in {True, False}
    with suppress(LookupError):
        assert read_request_bytes(data) >= 128


def test_pfc_and_trust_are_decoded_from_dcb() -> None:
    apps = packed(1, bytes((5, 3, 26, 0)))
    ieee = packed(2, bytes((8, 0b1000_1000)) + bytes(134)) + packed(3, apps)
    message = memoryview(bytes(4) + packed(13 | 0x8000, ieee))
    assert agreed(message) == {"pfc_priorities": "3 7", "dcb_trust": "dscp"}
    assert agreed(memoryview(bytes(4))) == {"pfc_priorities": None, "dcb_trust": None}


@given(st.binary(max_size=100))
def test_any_answer_about_dcb_is_read_or_unknown(data: bytes) -> None:
    assert set(agreed(memoryview(data))) == {"pfc_priorities", "dcb_trust"}


def test_the_kernel_tells_features_as_ethtool_prints_them() -> None:
    if shutil.which("ethtool") is None:
        pytest.skip("needs ethtool")
    flags = {"tso": "tx-tcp-segmentation", "vlan": "rx-vlan-filter", "highdma": "highdma"}
    done = subprocess.run(["ethtool", "-k", "lo"], capture_output=True, text=True, check=True)
    told = printed.lines(done.stdout)
    assert Ethnl().features("lo", flags) == {ours: told[theirs] for ours, theirs in flags.items()}


def test_the_kernel_refuses_what_a_device_does_not_have() -> None:
    with pytest.raises(OSError, match="not supported"):
        Ethnl().pause("lo")


async def test_listening_ports_and_none_waiting_are_seen_live() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagrams,
    ):
        datagrams.bind(("127.0.0.1", 0))
        facts = (await read_network(Root())).facts
        ports = {str(one.getsockname()[1]) for one in (server, datagrams)}
        assert ports <= set((facts[LISTENING].value or "").split())
        assert int(facts[TIME_WAIT].value or "-1") >= 0


async def test_closed_connections_to_one_port_are_counted_together() -> None:
    with socket.create_server(("127.0.0.9", 0)) as server:
        for _ in range(7):
            near = socket.create_connection(server.getsockname())
            far, _ = server.accept()
            near.close()
            assert far.recv(1) == b""
            far.close()
        assert int((await read_network(Root())).facts[TIME_WAIT].value or "0") >= 7


def test_subnets_are_those_that_arp_is_about() -> None:
    own = (("eth0", "10.0.0.7/24"), ("eth0", "10.0.0.8/24"), ("eth0", "fe80::1/64"), ("eth0", "169.254.1.1/16"))
    facts = network_facts(Network((*own, ("eth1", "10.1.0.1/32")), {}), ["eth0", "eth1"])
    assert (facts["link.eth0.subnets"].value, facts["link.eth1.subnets"].value) == ("10.0.0.0/24", "")


def test_sockets_are_read_from_the_kernels_table(tmp_path: Path) -> None:
    table = "sl local rem st\n 0: 0100007F:1451 00000000:0000 0A 0\n 1: 0100007F:A908 0200A8C0:0016 06 0\n"
    rows = sockets_in(plant(tmp_path, {"proc/net/tcp": table}), "tcp")
    assert [(port, end[1], state) for port, end, state in rows] == [(5201, 0, 10), (43272, 22, 6)]


def test_an_environment_gives_nothing_but_nccl_and_ucx(tmp_path: Path) -> None:
    environ = b"HOME=/root\0NCCL_IB_TC=106\0NCCL_DEBUG=\x1b[2J\xff\0XNCCL_A=1\0UCX_TLS=rc\0NCCL_lower=1"
    assert kept(environ) == {"NCCL_IB_TC": "106", "NCCL_DEBUG": "[2J\N{REPLACEMENT CHARACTER}", "UCX_TLS": "rc"}


@given(st.binary(max_size=300))
def test_whatever_an_environment_holds_is_printable_and_short(data: bytes) -> None:
    assert all(value.isprintable() and len(value) <= 200 for value in kept(data + b"\0NCCL_X=" + data).values())


@pytest.mark.parametrize(
    ("maps", "version"),
    [
        ("7f r-xp 0 08:01 9 /usr/lib/x86_64-linux-gnu/libnccl.so.2.21.5", "2.21.5"),
        ("7f r-xp 0 08:01 9 /opt/site-packages/nvidia/nccl/lib/libnccl.so.2", "2.20.5"),
        ("7f r-xp 0 08:01 9 /usr/lib/libc.so.6", None),
    ],
)
def test_the_version_of_nccl_is_that_of_the_library_loaded(tmp_path: Path, maps: str, version: str | None) -> None:
    package = "opt/site-packages/nvidia_nccl_cu12-2.20.5.dist-info/METADATA"
    root = plant(tmp_path, {"proc/42/environ": "NCCL_DEBUG=INFO", "proc/42/maps": maps, package: ""})
    facts = nccl(root)
    assert (facts["nccl.processes"].value, facts["nccl.version"].value) == ("1", version)
    assert facts["nccl.env.NCCL_DEBUG"].value == "INFO"


def test_processes_that_are_not_for_us_make_the_count_unknown(tmp_path: Path) -> None:
    root = plant(tmp_path, {"proc/42/x": "", "unreadable.json": '{"/proc/42/environ": "Permission denied"}'})
    assert nccl(root)["nccl.processes"].value is None


def test_bonds_tell_their_mode_and_what_lacp_agreed_on(tmp_path: Path) -> None:
    bonding = {"mode": "802.3ad 4", "slaves": "eth0 eth1", "ad_partner_mac": "00:00:00:00:00:00"}
    members = {
        f"{NET}/{name}/bonding_slave/ad_aggregator_id": group for name, group in (("eth0", "1"), ("eth1", "2"))
    }
    root = plant(tmp_path, {f"{NET}/bond0/bonding/{name}": text for name, text in bonding.items()} | members)
    told = {key: fact.value for key, fact in bonds(root, ["bond0", "eth0"]).items()}
    assert told == {
        "bond.bond0.mode": "802.3ad",
        "bond.bond0.partner_mac": "00:00:00:00:00:00",
        "bond.bond0.aggregators": "1 2",
    }


def test_a_bond_that_only_ip_tells_of_is_the_same(tmp_path: Path) -> None:
    rows = """[{"ifname": "bond0", "linkinfo": {"info_kind": "bond", "info_data": {"mode": "802.3ad",
        "ad_info": {"aggregator": 1, "partner_mac": "02:00:00:00:00:01"}}}},
        {"ifname": "eth0", "master": "bond0", "linkinfo": {"info_slave_data": {"ad_aggregator_id": 1}}},
        {"ifname": "bond0.7", "link": "bond0", "linkinfo": {"info_kind": "vlan"}}]"""
    root = plant(tmp_path, {"cmd/ip_j_d_s_s_link.txt": rows})
    told = answers(Commands(root))(root, ["bond0", "eth0", "bond0.7"])
    wanted = ("bond.bond0.mode", "bond.bond0.partner_mac", "bond.bond0.aggregators", "link.bond0.driver")
    assert [told[key].value for key in wanted] == ["802.3ad", "02:00:00:00:00:01", "1", "bond"]
    stacks = ("link.bond0.lowers", "link.eth0.master", "link.bond0.7.lowers", "link.bond0.7.driver")
    assert [told[key].value for key in stacks] == ["eth0", "bond0", "bond0", "vlan"]


MLNX_QOS = """Priority trust state: dscp
PFC configuration:
\tpriority    0   1   2   3   4   5   6   7
\tenabled     0   0   0   1   0   0   0   0
"""


def test_lossless_settings_are_read_from_either_tool() -> None:
    assert (printed.pfc_priorities(MLNX_QOS), printed.trust(MLNX_QOS)) == ("3", "dscp")
    assert printed.pfc_priorities("pfc-cap 8 delay 0\nprio-pfc 0:off 1:off 3:on 4:on\n") == "3 4"
    assert (printed.trust("dscp-prio 26:3"), printed.trust("")) == ("dscp", "pcp")


def test_settings_of_a_card_are_read_as_ethtool_prints_them(tmp_path: Path) -> None:
    rings = "Pre-set maximums:\nRX:\t\t8192\nTX:\t\tn/a\nCurrent hardware settings:\nRX:\t\t512\nTX:\t\t0\n"
    coalesce = "Coalesce parameters for eth0:\nAdaptive RX: on  TX: n/a\nrx-usecs: 8\n"
    features = "tx-tcp-segmentation: off [fixed]\ngeneric-segmentation-offload: off [requested on]\n"
    files = {"g": rings, "c": coalesce, "k": features, "a": "RX:\t\ton\nTX:\t\toff\n"}
    tree = {f"cmd/ethtool_{letter}_eth0.txt": text for letter, text in files.items()}
    root = plant(tmp_path, tree | {f"{NET}/eth0/device/x": "", "cmd/ethtool_eth0.txt": "\tSpeed: 25000Mb/s\n"})
    told = {
        key.removeprefix("link.eth0."): fact.value for key, fact in answers(Commands(root))(root, ["eth0"]).items()
    }
    expected = {"ring_rx": "512", "ring_rx_max": "8192", "ring_tx_max": None, "adaptive_rx": "on", "rx_usecs": "8"}
    expected |= {"tso": "off [fixed]", "gso": "off [requested on]", "pause_rx": "on", "pause_tx": "off"}
    assert {key: told[key] for key in expected} == expected
    assert (told["speed_mbps"], told["channels"]) == ("25000", None)


def test_an_rdma_device_tells_its_addresses_and_settings(tmp_path: Path) -> None:
    base = "sys/class/infiniband/mlx5_0"
    port = f"{base}/ports/1"
    files = {
        f"{port}/link_layer": "Ethernet",
        f"{port}/gids/0": "fe80:0000:0000:0000:0000:0000:0000:0001",
        f"{port}/gids/1": "0000:0000:0000:0000:0000:0000:0000:0000",
        f"{port}/gids/3": "0000:0000:0000:0000:0000:ffff:0a00:0001",
        f"{port}/gid_attrs/types/0": "IB/RoCE v1",
        f"{port}/gid_attrs/types/3": "RoCE v2",
        f"{port}/gid_attrs/ndevs/0": "eth0",
        f"{base}/tc/1/traffic_class": "Global tclass=106\n",
        "sys/kernel/config/rdma_cm/mlx5_0/ports/1/default_roce_mode": "IB/RoCE v1",
        f"{NET}/eth0/ecn/roce_rp/rpg_ai_rate": "5",
        f"{NET}/eth0/ecn/roce_np/cnp_dscp": "48",
    }
    facts = rdma(plant(tmp_path, files))
    told = {key.removeprefix("rdma.mlx5_0."): fact.value for key, fact in facts.items()}
    assert told["gids"] == "0,IB/RoCEv1,fe80::1 3,RoCEv2,::ffff:10.0.0.1"
    assert (told["netdev"], told["cm_mode"], told["traffic_class"]) == ("eth0", "IB/RoCEv1", "106")
    assert told["dcqcn"] == "rpg_ai_rate=5 cnp_dscp=48"
    assert (told["cm_tos"], told["max_read_request"]) == (None, None)


@given(st.integers(0, 2**128 - 1))
def test_a_gid_is_written_without_blanks(number: int) -> None:
    address = ":".join(f"{number >> shift & 0xFFFF:04x}" for shift in range(112, -1, -16))
    assert gid_text(3, "RoCE v2", address).startswith("3,RoCEv2,")
    assert " " not in gid_text(3, "RoCE v2", address)


def test_links_tell_steering_and_ecn(tmp_path: Path) -> None:
    base = f"{NET}/eth0"
    files = {f"{base}/queues/rx-{n}/rps_flow_cnt": count for n, count in ((0, "2048"), (1, "0"))}
    root = plant(tmp_path, files | {f"{base}/ecn/roce_np/enable/3": "1", f"{base}/ecn/roce_rp/enable/3": "0"})
    facts = links(root, ["eth0"])
    assert [facts[f"link.eth0.{key}"].value for key in ("rps_flow_cnt", "ecn_np", "ecn_rp")] == [
        "0 2048",
        "on",
        "off",
    ]


def test_the_open_driver_is_known_by_its_name(tmp_path: Path) -> None:
    version = "proc/driver/nvidia/version"
    for text, answer in (("NVRM: NVIDIA UNIX Open Kernel Module", "yes"), ("NVRM: NVIDIA UNIX Kernel Module", "no")):
        assert open_driver(plant(tmp_path, {version: text})).value == answer


def test_connection_tracking_that_is_not_there_is_told_without_a_list_of_modules(tmp_path: Path) -> None:
    root = plant(tmp_path, {"proc/version": "Linux version 6.1", "proc/sys/net/ipv4/tcp_rmem": "1"})
    assert system(root, {})["module.nf_conntrack"].value == "absent"
