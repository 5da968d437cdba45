"""Facts: every key is always there, with a value or with the reason why not."""

import asyncio
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from analysis.samples import Fact, Facts
from collectors.box import container, module_state, virtualisation
from collectors.clock import Clock
from collectors.ethtool import settings
from collectors.facts import FactsCollector, ask_kernel, read_facts
from collectors.facts_network import Network, read_network
from collectors.root import Root
from tests.collectors.namespaces import Namespace
from tests.collectors.planted import plant
from tests.collectors.watching import watching
from tests.lab.bed import Bed, inside

NET = "sys/class/net"
BOND = {
    f"{NET}/bond0/ifindex": "5",
    f"{NET}/bond0/mtu": "9000",
    f"{NET}/bond0/lower_eth0/x": "",
    f"{NET}/eth0/ifindex": "2",
    f"{NET}/eth0/mtu": "9000",
    f"{NET}/eth0/speed": "25000",
    f"{NET}/eth0/queues/rx-0/rps_cpus": "00000000,0000000f",
    f"{NET}/eth0/queues/rx-1/rps_cpus": "00000000,0000000f",
    f"{NET}/eth0/queues/tx-0/x": "",
    f"{NET}/eth0/device/msi_irqs/41": "msix",
    f"{NET}/eth0/device/msi_irqs/42": "msix",
    f"{NET}/eth0/device/numa_node": "1",
    "proc/irq/41/smp_affinity_list": "0-3",
    "proc/irq/42/smp_affinity_list": "4-7",
    f"{NET}/lo/ifindex": "1",
    f"{NET}/bonding_masters": "bond0",
    f"{NET}/veth77/ifindex": "77",
    f"{NET}/veth77/brport/state": "3",
}

NETWORK = Network((("bond0", "10.0.0.7/24"), ("bond0", "fd00::7/64"), ("bond0", "169.254.3.4/16")), {})


def nothing_more(root: Root, names: Sequence[str]) -> dict[str, Fact]:
    return {}


def facts_of(root: Root, environ: Mapping[str, str] | None = None) -> dict[str, Fact]:
    return read_facts(root, environ or {}, NETWORK, nothing_more)


def test_a_tree_with_nothing_in_it_gives_every_fact_a_reason(tmp_path: Path) -> None:
    facts = facts_of(Root(str(tmp_path)))
    assert all(fact.source for fact in facts.values())
    assert all((fact.value is None) != (fact.problem is None) for fact in facts.values())
    unseen = ("kernel.release", "gpu.count", "rdma.devices", "managers", "init.systemd", "cpu.count")
    assert [facts[key].value for key in unseen] == [None] * len(unseen)
    assert "not part of this recording" in str(facts["sysctl.net.ipv4.tcp_rmem"].problem)


@pytest.mark.parametrize("garbage", ["", "x", "cpu cpu0\nMemTotal:\nMax locked memory", "-1 \x00 %s"])
def test_files_with_something_else_in_them_give_a_reason_too(tmp_path: Path, garbage: str) -> None:
    paths = ("proc/version", "proc/meminfo", "proc/self/limits", "proc/stat", "etc/os-release", "proc/cpuinfo")
    speed = f"{NET}/eth0/speed"
    facts = facts_of(plant(tmp_path, BOND | dict.fromkeys((*paths, speed), garbage)))
    assert all((fact.value is None) != (fact.problem is None) for fact in facts.values())
    assert facts["memory.total_bytes"].value is None
    assert facts["link.eth0.speed_mbps"].value is None


def test_what_only_the_host_can_see_is_told_as_that_in_a_container(tmp_path: Path) -> None:
    root = plant(tmp_path, {"proc/sys/net/ipv4/tcp_rmem": "4096\t131072\t6291456\n", ".dockerenv": ""})
    facts = facts_of(root)
    assert facts["netns.initial"].value == "no"
    assert facts["sysctl.net.ipv4.tcp_rmem"].value == "4096 131072 6291456"
    assert "whoever runs the host" in str(facts["sysctl.net.core.default_qdisc"].problem)


def test_an_interface_tells_its_queues_its_interrupts_and_what_is_below_it(tmp_path: Path) -> None:
    facts = facts_of(plant(tmp_path, BOND, {f"{NET}/eth0/master": "../bond0"}))
    said = {
        key: facts[f"link.eth0.{key}"].value for key in ("rx_queues", "tx_queues", "rps_cpus", "irq_cpus", "master")
    }
    assert said == {"rx_queues": "2", "tx_queues": "1", "rps_cpus": "f", "irq_cpus": "0-3 4-7", "master": "bond0"}
    assert facts["link.eth0.numa_node"].value == "1"
    assert facts["link.eth0.speed_mbps"].value == "25000"
    assert facts["link.bond0.lowers"].value == "eth0"
    left_out = ("link.lo.", "link.bonding_masters.", "link.veth77.")
    assert not any(key.startswith(left_out) for key in facts)


@pytest.mark.parametrize(
    ("ssh", "interface", "interfaces", "peer"),
    [
        ("192.0.2.9 50000 10.0.0.7 22", "bond0", "bond0 eth0", "192.0.2.9"),
        ("192.0.2.9 50000 10.9.9.9 22", "", "", "192.0.2.9"),
        ("", "", "", ""),
    ],
)
def test_the_path_of_the_ssh_session_is_found_with_what_is_below_it(
    tmp_path: Path, ssh: str, interface: str, interfaces: str, peer: str
) -> None:
    facts = facts_of(plant(tmp_path, BOND), {"SSH_CONNECTION": ssh})
    told = tuple(facts[f"management.{key}"].value for key in ("interface", "interfaces", "peer"))
    assert told == (interface, interfaces, peer)


def test_gpus_are_counted_by_their_driver_or_on_the_bus(tmp_path: Path) -> None:
    pci = "sys/bus/pci/devices"
    bus = {
        f"{pci}/0000:01:00.0/class": "0x030200",
        f"{pci}/0000:01:00.0/vendor": "0x10de",
        f"{pci}/0000:02:00.0/class": "0x030000",
        f"{pci}/0000:02:00.0/vendor": "0x1a03",
        f"{pci}/0000:03:00.0/class": "0x020000",
        f"{pci}/0000:03:00.0/vendor": "0x15b3",
    }
    assert facts_of(plant(tmp_path, bus))["gpu.count"].value == "1"
    listed = {f"proc/driver/nvidia/gpus/0000:0{number}:00.0/information": "" for number in range(8)}
    assert facts_of(plant(tmp_path, listed))["gpu.count"].value == "8"


@pytest.mark.parametrize(
    ("files", "state"),
    [
        ({"proc/modules": "sch_fq 24576 2 - Live 0x0"}, "loaded"),
        ({"lib/modules/6.1/modules.builtin": "kernel/net/sched/sch_fq.ko\n"}, "builtin"),
        ({"lib/modules/6.1/modules.dep": "kernel/net/sched/sch-fq.ko.xz: kernel/x.ko\n"}, "available"),
        ({"lib/modules/6.1/modules.dep": "kernel/net/sched/sch_fq_codel.ko:\n"}, "missing"),
        ({}, None),
    ],
)
def test_a_module_is_there_or_not_or_cannot_be_told(tmp_path: Path, files: dict[str, str], state: str | None) -> None:
    assert module_state(plant(tmp_path, files), "6.1", "sch_fq") == state


def test_a_congestion_control_on_offer_without_a_module_is_built_in(tmp_path: Path) -> None:
    root = plant(tmp_path, {"proc/sys/net/ipv4/tcp_available_congestion_control": "reno bbr cubic"})
    assert module_state(root, "6.1", "tcp_bbr") == "builtin"


@pytest.mark.parametrize(
    ("files", "environ", "kind"),
    [
        ({}, {}, "none"),
        ({".dockerenv": ""}, {}, "docker"),
        ({"run/.containerenv": ""}, {}, "podman"),
        ({"run/systemd/container": "systemd-nspawn\n"}, {}, "systemd-nspawn"),
        ({"proc/1/cgroup": "0::/lxc/box"}, {}, "lxc"),
        ({".dockerenv": ""}, {"KUBERNETES_SERVICE_HOST": "10.0.0.1"}, "kubernetes"),
    ],
)
def test_containers_are_known_by_their_traces(
    tmp_path: Path, files: dict[str, str], environ: dict[str, str], kind: str
) -> None:
    assert container(plant(tmp_path, files), environ) == kind


def test_a_host_is_none_though_its_image_was_once_a_containers(tmp_path: Path) -> None:
    """A machine made from a container's image; a container that shares the host's PID namespace has another "/"."""
    disk = "22 27 0:21 / /proc rw,relatime - proc proc rw\n27 1 254:0 / / rw,relatime - ext4 /dev/root rw"
    layers = "512 400 0:55 / / rw,relatime - overlay overlay rw,lowerdir=/var"

    def kind(namespace: int, own: str) -> str:
        where = tmp_path / f"{namespace}-{len(own)}"
        files = {".dockerenv": "", "proc/1/mountinfo": disk, "proc/self/mountinfo": own}
        return container(plant(where, files, {"proc/self/ns/pid": f"pid:[{namespace}]"}), {})

    assert kind(4026531836, disk) == "none"
    assert kind(4026531836, layers) == "docker"
    assert kind(4026532199, layers) == kind(4026532199, disk) == "docker"


@pytest.mark.parametrize(
    ("files", "kind"),
    [
        ({"sys/class/dmi/id/sys_vendor": "QEMU", "sys/class/dmi/id/product_name": "Standard PC"}, "kvm"),
        ({"sys/class/dmi/id/sys_vendor": "Amazon EC2"}, "amazon"),
        ({"sys/class/dmi/id/sys_vendor": "Supermicro", "proc/cpuinfo": "flags\t\t: fpu vme"}, "none"),
        ({"proc/cpuinfo": "flags\t\t: fpu hypervisor"}, "other"),
        ({}, None),
    ],
)
def test_machines_are_known_by_their_firmware_and_processor(
    tmp_path: Path, files: dict[str, str], kind: str | None
) -> None:
    assert virtualisation(plant(tmp_path, files)) == kind


async def test_facts_are_told_again_at_every_interval(tmp_path: Path) -> None:
    root = plant(tmp_path, {"proc/sys/net/core/somaxconn": "4096"})
    collector = FactsCollector(Clock(), root, interval_s=0.01, delay_s=0, environ={}, ask=nothing_more)
    key = "sysctl.net.core.somaxconn"
    async with watching(collector) as watcher:
        await watcher.until(Facts, lambda s: s.facts[key].value == "4096")
        (tmp_path / "proc/sys/net/core/somaxconn").write_text("8192")
        await watcher.until(Facts, lambda s: s.facts[key].value == "8192")


@pytest.mark.netns
def test_the_kernel_tells_link_types_and_disciplines(bed: Bed) -> None:
    box = Namespace(bed.namespace())
    box.ip("link add near type veth peer name far", "link set near up", "link set far up")
    box.tc("qdisc add dev near root handle 1: tbf rate 1mbit burst 1600 limit 3000")
    with ThreadPoolExecutor(1) as thread:
        found = thread.submit(settings_in, box.name).result()
    assert found["link.near.driver"].value == "veth"
    assert "software interface" in str(found["link.near.ring_rx"].problem)
    assert (found["qdisc.near.root"].value, found["qdisc.far.root"].value) == ("tbf", "noqueue")


def settings_in(namespace: str) -> dict[str, Fact]:
    with inside(namespace):
        return settings(Root(), ["near", "far"])


def test_an_interface_that_is_gone_again_is_no_failure() -> None:
    facts = settings(Root(), ["lp-gone"])
    assert facts["link.lp-gone.driver"].value is None
    assert facts["qdisc.lp-gone.root"].value is None


def test_this_box_tells_all_that_the_list_of_keys_promises() -> None:
    facts = read_facts(Root(), {}, asyncio.run(read_network(Root())), ask_kernel)
    assert facts["kernel.release"].value
    assert facts["cpu.count"].value
    names = [key.split(".")[1] for key in facts if key.endswith(".mtu")]
    for name in names:
        assert {f"link.{name}.driver", f"link.{name}.ring_rx_max", f"link.{name}.lro", f"qdisc.{name}.leaves"} <= set(
            facts
        )
    assert all((fact.value is None) != (fact.problem is None) for fact in facts.values())
