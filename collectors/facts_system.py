"""Facts about the system as a whole: kernel, machine, memory, modules, GPUs, who else manages the network."""

import os
from collections.abc import Mapping
from typing import Final

from analysis.samples import Fact
from analysis.text import N_, say
from collectors.box import container, module_state, virtualisation
from collectors.facts_pci import acs_bridges, open_driver
from collectors.facts_sysctl import is_initial
from collectors.rdma import DEVICES
from collectors.reading import Facts, attempt, from_file, known, unknown, yes
from collectors.root import Root

MODULES: Final = (
    *("tcp_bbr", "sch_fq", "sch_fq_codel", "sch_cake", "sch_htb", "cls_u32", "nf_conntrack"),
    *("rdma_rxe", "nvidia_peermem"),
)
_SIGNS: Final = {"nf_conntrack": "proc/sys/net/netfilter/nf_conntrack_max"}
"""What is there whenever a module is part of the running kernel, loaded or built in."""
_GPU_CLASSES: Final = ("0x0300", "0x0302", "0x0380", "0x1200")
_GPU_VENDORS: Final = frozenset(("0x10de", "0x1002"))
"""NVIDIA, AMD: a server's own little screen adapter (ASPEED, Matrox) is no GPU."""
_MANAGERS: Final = (
    ("tuned", ("run/tuned",)),
    ("NetworkManager", ("run/NetworkManager",)),
    ("systemd-networkd", ("run/systemd/netif/links",)),
    ("netplan", ("etc/netplan", "run/netplan")),
    ("cloud-init", ("run/cloud-init",)),
    ("ifupdown", ("run/network/ifstate",)),
)


def system(root: Root, environ: Mapping[str, str]) -> Facts:
    """Return the facts that do not belong to an interface, sysctls apart."""
    release = attempt("/proc/version", lambda: root.read_text("proc/version").split()[2])
    facts = {
        "kernel.release": release,
        "os.name": attempt("/etc/os-release", lambda: _os_name(root)),
        "virtualisation": _virtualisation(root),
        "container": known(container(root, environ), "/.dockerenv, /run/systemd/container, /proc/1/cgroup"),
        "netns.initial": known(yes(is_initial(root)), "/proc/sys/net/core/netdev_max_backlog"),
        "init.systemd": attempt("/run/systemd/system", lambda: yes(_has(root, "run/systemd/system", within="run"))),
        "cpu.count": attempt("/proc/stat", lambda: _cpus(root)),
        "cpu.numa_nodes": attempt("/sys/devices/system/node", lambda: _nodes(root)),
        "memory.total_bytes": attempt("/proc/meminfo", lambda: _memory_bytes(root)),
        "memory.page_bytes": known(os.sysconf("SC_PAGE_SIZE"), "sysconf(_SC_PAGE_SIZE)"),
        "limit.memlock_bytes": attempt("/proc/self/limits", lambda: _memlock(root)),
        "gpu.count": attempt("/proc/driver/nvidia/gpus, /sys/bus/pci/devices", lambda: _gpus(root)),
        "gpu.open_driver": open_driver(root),
        "pci.acs_bridges": acs_bridges(root),
        "rdma.devices": attempt("/" + DEVICES, lambda: " ".join(_names(root, DEVICES, within="sys/class"))),
        "managers": attempt("/run, /etc/netplan", lambda: _managers(root)),
        "manager.tuned_profile": _tuned(root),
    }
    return facts | _node_cpus(root) | {f"module.{name}": _module(root, release, name) for name in MODULES}


def _os_name(root: Root) -> str:
    for line in root.read_text("etc/os-release").splitlines():
        name, _, value = line.partition("=")
        if name == "PRETTY_NAME":
            return value.strip("\"'")
    return "Linux"


def _virtualisation(root: Root) -> Fact:
    source = "/sys/class/dmi/id, /proc/cpuinfo"
    found = virtualisation(root)
    if found is None:
        return unknown(
            say(N_("Neither the firmware nor the processor tells whether this is a virtual machine.")), source
        )
    return known(found, source)


def _cpus(root: Root) -> int:
    lines = root.read_text("proc/stat").splitlines()
    return sum(line.startswith("cpu") and not line.startswith("cpu ") for line in lines)


def _nodes(root: Root) -> int:
    """Count NUMA nodes; a kernel without NUMA has one."""
    names = _names(root, "sys/devices/system/node", within="sys")
    return sum(name.startswith("node") and name[4:].isdecimal() for name in names) or 1


def _node_cpus(root: Root) -> Facts:
    folder = "sys/devices/system/node"
    names = root.listdir(folder) if root.exists(folder) else []
    nodes = [name[4:] for name in names if name.startswith("node") and name[4:].isdecimal()]
    return {f"numa.{node}.cpus": from_file(root, f"{folder}/node{node}/cpulist") for node in nodes}


def _memory_bytes(root: Root) -> int:
    total = next(line for line in root.read_text("proc/meminfo").splitlines() if line.startswith("MemTotal:"))
    return int(total.split()[1]) * 1024


def _memlock(root: Root) -> str:
    limits = root.read_text("proc/self/limits").splitlines()
    return next(line.split()[3] for line in limits if line.startswith("Max locked memory"))


def _gpus(root: Root) -> int:
    """Count what NVIDIA's driver lists, else the display and accelerator devices on PCI of GPU makers."""
    nvidia, bus = "proc/driver/nvidia/gpus", "sys/bus/pci/devices"
    if root.exists(nvidia):
        return len(root.listdir(nvidia))
    devices = (f"{bus}/{name}" for name in _names(root, bus, within="sys/bus"))
    return sum(
        root.read_text(f"{device}/class")[:6] in _GPU_CLASSES and root.read_text(f"{device}/vendor") in _GPU_VENDORS
        for device in devices
    )


def _names(root: Root, folder: str, *, within: str) -> list[str]:
    """List a folder; one that is not there has nothing in it, if the folder it would be in can be seen."""
    return root.listdir(folder) if _has(root, folder, within=within) else []


def _has(root: Root, path: str, *, within: str) -> bool:
    """Say whether there is something at `path`; raise where its absence would say nothing (a partial recording)."""
    root.listdir(within)
    return root.exists(path)


def _managers(root: Root) -> str:
    root.listdir("run")
    return " ".join(name for name, signs in _MANAGERS if any(root.exists(sign) for sign in signs))


def _tuned(root: Root) -> Fact:
    path = "etc/tuned/active_profile"
    return from_file(root, path) if root.exists(path) else known("", "/" + path)


def _module(root: Root, release: Fact, name: str) -> Fact:
    source = f"/proc/modules, /sys/module, /lib/modules/{release.value}"
    state = None if release.value is None else module_state(root, release.value, name)
    if state is not None:
        return known(state, source)
    sign = _SIGNS.get(name)
    if sign is not None and root.exists("proc/sys/net/ipv4") and not root.exists(sign):
        return known("absent", f"/{sign}")
    hidden = N_("Not among the loaded modules, and the list of modules on disk is not here: it cannot be told.")
    return unknown(say(hidden), source)
