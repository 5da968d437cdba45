"""RDMA ports and their counters from /sys/class/infiniband, once a second; where there are none, why."""

import asyncio
import errno
import os
import re
from collections.abc import Mapping, Sequence
from typing import Final

from analysis.samples import Rdma, RdmaPort
from analysis.text import N_, Sentence, say
from collectors.base import Emit, Need
from collectors.box import container, module_state
from collectors.clock import Clock
from collectors.root import Root
from collectors.ticks import ticks

DEVICES: Final = "sys/class/infiniband"
_RATE: Final = re.compile(r"([\d.]+) Gb/sec")
_SETTINGS: Final = frozenset(("lifespan",))
"""Files among the counters that are not counters: how long the kernel may answer from its cache, in ms."""
RDMA_MODULES: Final = {
    "mlx5_core": "mlx5_ib",
    "mlx4_en": "mlx4_ib",
    "bnxt_en": "bnxt_re",
    "ice": "irdma",
    "i40e": "irdma",
    "qede": "qedr",
    "hns3": "hns_roce_hw_v2",
    "ena": "efa",
    "mana": "mana_ib",
}
"""Ethernet driver, and the module that adds RDMA to it (drivers/infiniband/hw)."""


def read_ports(root: Root) -> tuple[RdmaPort, ...]:
    """Return every port of every RDMA device; a device that goes away meanwhile is left out."""
    if not root.exists(DEVICES):
        return ()
    ports: list[RdmaPort] = []
    for device in root.listdir(DEVICES):
        try:
            numbers = [int(name) for name in root.listdir(f"{DEVICES}/{device}/ports") if name.isdecimal()]
            ports += [_port(root, device, number) for number in sorted(numbers)]
        except OSError as gone:
            if gone.errno not in (errno.ENOENT, errno.ENODEV):  # ENODEV: its files are open, the device is not there
                raise
    return tuple(ports)


def _port(root: Root, device: str, number: int) -> RdmaPort:
    base = f"{DEVICES}/{device}/ports/{number}"
    rate = _RATE.match(root.read_text(f"{base}/rate"))
    return RdmaPort(
        device=device,
        port=number,
        link_layer=root.read_text(f"{base}/link_layer"),
        state=root.read_text(f"{base}/state").partition(":")[2].strip(),
        driver=device_driver(root, device),
        netdev=device_netdev(root, device, base),
        rate_gbps=float(rate[1]) if rate else None,
        counters=_counters(root, f"{base}/counters") | _counters(root, f"{base}/hw_counters"),
    )


def _counters(root: Root, folder: str) -> dict[str, int]:
    """Return the counters of one folder; software devices have only one of the two (no `counters` with rxe)."""
    if not root.exists(folder):
        return {}
    found: dict[str, int] = {}
    for name in root.listdir(folder):
        if name in _SETTINGS:
            continue
        try:
            found[name] = int(root.read_text(f"{folder}/{name}"))
        except (ValueError, OSError):  # "N/A (no PMA)", or EINVAL where the hardware does not have this one
            continue
    return found


def device_driver(root: Root, device: str) -> str | None:
    """Return the driver of the device; a Soft-RoCE one has no hardware, but a parent interface."""
    try:
        return root.link_name(f"{DEVICES}/{device}/device/driver")
    except OSError:
        return "rdma_rxe" if root.exists(f"{DEVICES}/{device}/parent") else None


def device_netdev(root: Root, device: str, base: str) -> str | None:
    """Return the network interface of a port, from its first GID or from the device's parent."""
    for path in (f"{base}/gid_attrs/ndevs/0", f"{DEVICES}/{device}/parent"):
        try:
            return root.read_text(path) or None
        except OSError:  # EINVAL where the GID has no interface: InfiniBand
            continue
    return None


def why_absent(root: Root, environ: Mapping[str, str]) -> Sentence:
    """Say why no RDMA device is seen here, and what to run."""
    if container(root, environ) != "none":
        return say(
            N_(
                "No RDMA device can be seen from inside this container. If the host has one, start the container "
                "with {options}"
            ),
            options="--network=host --device=/dev/infiniband --cap-add=IPC_LOCK",
        )
    names = root.listdir("sys/class/net") if root.exists("sys/class/net") else []
    for name in names:
        module = RDMA_MODULES.get(_ethernet_driver(root, name))
        if module is not None:
            return say(
                N_("Interface {interface} can do RDMA, but its RDMA driver is not loaded. Run: {command}"),
                interface=name,
                command=f"sudo modprobe {module}",
            )
    if _soft_roce(root) == "missing":
        return say(N_("No RDMA device on this box, and its kernel has no Soft-RoCE (rdma_rxe) either."))
    links = sorted(
        (name for name in names if _may_be_ethernet(root, name)), key=lambda name: not root.exists(_hardware(name))
    )
    if not links:
        return say(N_("No RDMA device on this box, and no network interface that could do RoCE in software."))
    return say(
        N_("No RDMA device on this box. To try RoCE in software on {interface}, run: {command}"),
        interface=links[0],
        command=f"sudo modprobe rdma_rxe && sudo rdma link add rxe0 type rxe netdev {links[0]}",
    )


def _may_be_ethernet(root: Root, name: str) -> bool:
    """Say whether Soft-RoCE can use an interface: a tunnel has no frames (ARPHRD_ETHER, linux/if_arp.h)."""
    kind = f"sys/class/net/{name}/type"
    return name != "lo" and (not root.exists(kind) or root.read_text(kind).strip() == "1")


def _hardware(name: str) -> str:
    return f"sys/class/net/{name}/device"


def _ethernet_driver(root: Root, name: str) -> str:
    try:
        return root.link_name(f"{_hardware(name)}/driver")
    except OSError:
        return ""


def _soft_roce(root: Root) -> str | None:
    try:
        return module_state(root, root.read_text("proc/sys/kernel/osrelease"), "rdma_rxe")
    except OSError:
        return None


class RdmaCollector:
    """Emits `Rdma` every second while there are ports, else once and when a first one appears."""

    name = "rdma"

    def __init__(self, clock: Clock, root: Root | None = None, *, interval_s: float = 1.0) -> None:
        self._clock = clock
        self._root = root or Root()
        self._interval_s = interval_s

    def needs(self) -> Sequence[Need]:
        """Counters in sysfs are for everyone."""
        return ()

    async def run(self, emit: Emit) -> None:
        """Emit until cancelled. Read in a thread: some adapters ask their firmware for each counter."""
        told: Rdma | None = None
        async for _ in ticks(self._interval_s):
            ports = await asyncio.to_thread(read_ports, self._root) if self._root.exists(DEVICES) else ()
            if ports:
                told = Rdma(self._clock.now_ns(), ports)
                emit(told)
            elif told is None or told.ports:
                told = Rdma(self._clock.now_ns(), absent=why_absent(self._root, os.environ))
                emit(told)
