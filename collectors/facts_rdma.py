"""Facts about RDMA devices: GIDs, connection management, traffic class, congestion control, PCIe."""

import re
from collections.abc import Iterable
from ipaddress import IPv6Address
from typing import Final

from analysis.samples import Fact
from analysis.text import N_, say
from collectors.facts_pci import max_read_request
from collectors.rdma import DEVICES, device_driver, device_netdev
from collectors.reading import Facts, attempt, from_file, known, unknown
from collectors.root import Root

CONFIGFS: Final = "sys/kernel/config/rdma_cm"
_NO_GID: Final = "0000:0000:0000:0000:0000:0000:0000:0000"
_DCQCN: Final = {
    "roce_rp": "rpg_time_reset rpg_byte_reset rpg_threshold rpg_ai_rate rpg_hai_rate rpg_gd rpg_min_dec_fac "
    "rpg_min_rate rate_to_set_on_first_cnp dce_tcp_g dce_tcp_rtt rate_reduce_monitor_period initial_alpha_value",
    "roce_np": "min_time_between_cnps cnp_dscp cnp_802p_prio",
}
"""Folders and names of the vendor's driver; the kernel's own shows the same as rp_… and np_… in debugfs."""
_OF_THE_KERNEL: Final = {"cnp_802p_prio": "np_cnp_prio", "rate_to_set_on_first_cnp": "rp_rate_to_set_on_first_cnp"}


def rdma(root: Root) -> Facts:
    """Return the facts of every device."""
    facts: Facts = {}
    for device in root.listdir(DEVICES) if root.exists(DEVICES) else []:
        facts |= {f"rdma.{device}.{key}": fact for key, fact in _device(root, device).items()}
    return facts


def _device(root: Root, device: str) -> Facts:
    base = f"{DEVICES}/{device}"
    port = f"{base}/ports/{_first_port(root, base)}"
    netdev = device_netdev(root, device, port)
    gids = attempt(f"/{port}/gids", lambda: " ".join(_gids(root, port)))
    return {
        "netdev": _known(netdev, f"/{port}/gid_attrs/ndevs/0", N_("The device tells no interface of its own.")),
        "driver": _known(device_driver(root, device), f"/{base}/device/driver", N_("The device names no driver.")),
        "link_layer": from_file(root, f"{port}/link_layer"),
        "gids": gids,
        "cm_mode": cm_mode(root, device, gids),
        "cm_tos": _cm(root, device, "default_roce_tos"),
        "traffic_class": attempt(f"/{base}/tc/1/traffic_class", lambda: _traffic_class(root, base)),
        "max_read_request": max_read_request(root, f"{base}/device"),
        "dcqcn": _dcqcn(root, base, netdev),
    }


def _first_port(root: Root, base: str) -> str:
    folder = f"{base}/ports"
    numbers = [int(name) for name in (root.listdir(folder) if root.exists(folder) else []) if name.isdecimal()]
    return str(min(numbers, default=1))


def _known(value: str | None, source: str, absent: str) -> Fact:
    return unknown(say(absent), source) if value is None else known(value, source)


def _gids(root: Root, port: str) -> Iterable[str]:
    """Yield "3,RoCEv2,::ffff:10.0.0.1" of each entry of the table that is in use."""
    for index in sorted(int(name) for name in root.listdir(f"{port}/gids") if name.isdecimal()):
        address = root.read_text(f"{port}/gids/{index}")
        if address != _NO_GID:
            yield gid_text(index, _gid_type(root, port, index), address)


def _gid_type(root: Root, port: str, index: int) -> str:
    try:
        return root.read_text(f"{port}/gid_attrs/types/{index}")
    except OSError:  # EINVAL for an entry that went meanwhile
        return ""


def gid_text(index: int, kind: str, address: str) -> str:
    """Return one GID as the fact has it: blanks of the type left out, IPv4 as people write it."""
    whole = IPv6Address(address)
    mapped = whole.ipv4_mapped
    return f"{index},{''.join(kind.split())},{f'::ffff:{mapped}' if mapped else whole}"


def cm_mode(root: Root, device: str, gids: Fact) -> Fact:
    """Return the RoCE version of new connections; a device that has one version only has no choice."""
    told = _cm(root, device, "default_roce_mode")
    kinds = {entry.split(",")[1] for entry in (gids.value or "").split()}
    if told.value is None and len(kinds) == 1:
        return known(kinds.pop(), gids.source)
    return told


def _cm(root: Root, device: str, name: str) -> Fact:
    path = f"{CONFIGFS}/{device}/ports/1/{name}"
    if not root.exists(path):
        hidden = N_("rdma_cm tells it only after: {command}")
        return unknown(say(hidden, command=f"sudo mkdir /{CONFIGFS}/{device}"), f"/{path}")
    return attempt(f"/{path}", lambda: "".join(root.read_text(path).split()))


def _traffic_class(root: Root, base: str) -> int:
    """Return the forced class; the file of the vendor's driver says "Global tclass=106", or nothing."""
    found = re.search(r"tclass=(\d+)", root.read_text(f"{base}/tc/1/traffic_class"))
    return int(found[1]) if found else 0


def _dcqcn(root: Root, base: str, netdev: str | None) -> Fact:
    """Return the parameters as "name=value"; only ConnectX has them, and only root sees the kernel's."""
    vendor = f"sys/class/net/{netdev}/ecn"
    source = f"/{vendor}, /sys/kernel/debug/mlx5/*/cc_params"
    folder = _debug_folder(root, base)
    found: list[str] = []
    for role, names in _DCQCN.items():
        for name in names.split():
            value = _first(root, f"{vendor}/{role}/{name}", f"{folder}/{_kernel_name(role, name)}")
            found += [] if value is None else [f"{name}={value}"]
    if not found:
        return unknown(
            say(N_("The driver does not show the parameters of congestion control, or only to root.")), source
        )
    return known(" ".join(found), source)


def _kernel_name(role: str, name: str) -> str:
    prefix = role.removeprefix("roce_")
    return _OF_THE_KERNEL.get(name, f"{prefix}_{name.removeprefix('rpg_')}")


def _debug_folder(root: Root, base: str) -> str:
    try:
        slot = re.search(r"PCI_SLOT_NAME=(\S+)", root.read_text(f"{base}/device/uevent"))
    except OSError:
        slot = None
    return f"sys/kernel/debug/mlx5/{slot[1] if slot else '-'}/cc_params"


def _first(root: Root, *paths: str) -> str | None:
    for path in paths:
        try:
            return root.read_text(path)
        except OSError:  # the other driver, or not for us
            continue
    return None
