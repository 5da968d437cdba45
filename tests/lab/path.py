"""Ready-made paths: a TUN device with targets behind it, and a cable with a delay."""

import subprocess

import msgspec

from tests.lab.bed import Bed, inside
from tests.lab.bridge import Cable, offloads_off
from tests.lab.network import End, Script
from tests.lab.responder import Behaviour, Plan


def add_targets(
    bed: Bed,
    namespace: str,
    targets: dict[str, Behaviour],
    *,
    device: str = "tun0",
    addresses: tuple[str, ...] = ("10.200.255.254/16", "fd00:200::ffff/64"),
    others: Behaviour | None = None,
    realtime: bool = False,
    spin_us: int = 0,
) -> subprocess.Popen[str]:
    """Put `targets` behind a new TUN device of `namespace`. Stopping the process takes the device away."""
    plan = Plan(device, targets, others, realtime=realtime, spin_us=spin_us)
    process = bed.start(namespace, "tests.lab.responder", msgspec.json.encode(plan).decode())
    for address in addresses:
        bed.ip(namespace, f"addr add {address} dev {device}" + (" nodad" if ":" in address else ""))
    bed.ip(namespace, f"link set {device} up")
    return process


def add_long_cable(
    bed: Bed,
    near: str,
    far: str,
    *,
    delay_ms: float,
    jitter_ms: float = 0.0,
    loss: float = 0.0,
    realtime: bool = False,
) -> subprocess.Popen[str]:
    """Join two namespaces (10.201.0.1 and 10.201.0.2, interface "wan") by a cable with a one-way delay."""
    middle = bed.namespace()
    for namespace, name, address in ((near, "a", "10.201.0.1/24"), (far, "b", "10.201.0.2/24")):
        bed.veth((namespace, "wan", address), (middle, name, ""))
        with inside(namespace):
            offloads_off("wan")
    cable = Cable("a", "b", delay_ms, jitter_ms, loss, realtime=realtime)
    return bed.start(middle, "tests.lab.bridge", msgspec.json.encode(cable).decode())


def add_network(
    bed: Bed,
    namespace: str,
    targets: dict[str, End],
    *,
    device: str = "net0",
    mtu: int = 9216,
    addresses: tuple[str, ...] = ("10.210.255.254/16", "fd00:210::ffff/64"),
    realtime: bool = False,
    spin_us: int = 0,
) -> subprocess.Popen[str]:
    """Put a scripted network behind a new TUN device of `namespace`; its routers are reached the same way."""
    script = Script(device, targets, realtime=realtime, spin_us=spin_us)
    process = bed.start(namespace, "tests.lab.network", msgspec.json.encode(script).decode())
    bed.ip(namespace, f"link set {device} mtu {mtu} txqueuelen 5000 up")
    for address in addresses:
        bed.ip(namespace, f"addr add {address} dev {device}" + (" nodad" if ":" in address else ""))
    bed.ip(namespace, f"route add default dev {device}")
    bed.ip(namespace, f"-6 route add default dev {device}")
    return process
