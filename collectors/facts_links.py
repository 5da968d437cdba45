"""Facts about interfaces from sysfs; what only ethtool and netlink know is in `ethtool.py`."""

from collections.abc import Mapping
from functools import partial
from typing import Final

from analysis.samples import Fact
from analysis.text import N_, say
from collectors.links import speed_of
from collectors.reading import Facts, attempt, from_file, known, unknown
from collectors.root import Root

NET: Final = "sys/class/net"
_ROCE_PRIORITY: Final = 3


def interfaces(root: Root) -> list[str]:
    """Return the interfaces but `lo` and the bridge ports of containers and virtual machines, which may be many.

    Files such as `bonding_masters` live among them.
    """
    names = root.listdir(NET) if root.exists(NET) else []
    real = (name for name in names if name != "lo" and root.exists(f"{NET}/{name}/ifindex"))
    return [name for name in real if is_hardware(root, name) or not root.exists(f"{NET}/{name}/brport")]


def is_hardware(root: Root, name: str) -> bool:
    """Say whether a device stands behind an interface."""
    return root.exists(f"{NET}/{name}/device")


def links(root: Root, names: list[str]) -> Facts:
    """Return what sysfs says of each interface."""
    facts: Facts = {}
    for name in names:
        facts |= {f"link.{name}.{key}": fact for key, fact in _link(root, name).items()}
    return facts


def management(root: Root, names: list[str], addresses: Mapping[str, str], ssh: str) -> Facts:
    """Return the path of the SSH session. `addresses`: interface by own address. `ssh`: SSH_CONNECTION."""
    peer, _, local, port, *_ = [*ssh.split(), "", "", "", ""]
    interface = addresses.get(local.partition("%")[0], "")
    below = _below(root, interface, names) if interface else []
    source = "SSH_CONNECTION"
    return {
        "management.peer": known(peer, source),
        "management.port": known(port, source),
        "management.interface": known(interface, source),
        "management.interfaces": known(" ".join([interface, *below] if interface else []), source),
    }


def _below(root: Root, name: str, names: list[str]) -> list[str]:
    """Return the interfaces below one, nearest first, each once."""
    found: list[str] = []
    waiting = _lowers(root, name)
    while waiting:
        lower = waiting.pop(0)
        if lower in names and lower not in found:
            found.append(lower)
            waiting += _lowers(root, lower)
    return found


def _link(root: Root, name: str) -> Facts:
    base = f"{NET}/{name}"
    return {
        "mtu": from_file(root, f"{base}/mtu"),
        "operstate": from_file(root, f"{base}/operstate"),
        "speed_mbps": _speed(root, name),
        "tx_queue_len": from_file(root, f"{base}/tx_queue_len"),
        "numa_node": attempt(f"/{base}/device/numa_node", lambda: _numa_node(root, base)),
        "master": known(_master(root, base), f"/{base}/master"),
        "lowers": attempt(f"/{base}/lower_*", lambda: " ".join(_lowers(root, name))),
        "rx_queues": attempt(f"/{base}/queues", lambda: _queues(root, base, "rx-")),
        "tx_queues": attempt(f"/{base}/queues", lambda: _queues(root, base, "tx-")),
        "rps_flow_cnt": attempt(f"/{base}/queues/rx-*/rps_flow_cnt", lambda: _flow_counts(root, base)),
        "ecn_np": _ecn(root, base, "np"),
        "ecn_rp": _ecn(root, base, "rp"),
        "rps_cpus": attempt(f"/{base}/queues/rx-*/rps_cpus", lambda: _rps(root, base)),
        "irq_cpus": attempt(f"/{base}/device/msi_irqs, /proc/irq", lambda: _irq_cpus(root, base)),
    }


def _speed(root: Root, name: str) -> Fact:
    speed, source = speed_of(root, name), f"/{NET}/{name}/speed"
    if speed is None:
        silent = N_("The driver tells no speed: there is no carrier, or the device has no fixed one.")
        return unknown(say(silent), source)
    return known(speed, source)


def _numa_node(root: Root, base: str) -> str:
    path = f"{base}/device/numa_node"
    return root.read_text(path) if root.exists(path) else "-1"


def _master(root: Root, base: str) -> str:
    try:
        return root.link_name(f"{base}/master")
    except OSError:
        return ""


def _lowers(root: Root, name: str) -> list[str]:
    entries = root.listdir(f"{NET}/{name}") if root.exists(f"{NET}/{name}") else []
    return [entry.removeprefix("lower_") for entry in entries if entry.startswith("lower_")]


def _queues(root: Root, base: str, prefix: str) -> int:
    return sum(entry.startswith(prefix) for entry in root.listdir(f"{base}/queues"))


def _rps(root: Root, base: str) -> str:
    """Return each CPU mask of the receive queues once; leading zeros say nothing."""
    queues = [entry for entry in root.listdir(f"{base}/queues") if entry.startswith("rx-")]
    masks = [root.read_text(f"{base}/queues/{queue}/rps_cpus").lstrip("0,") or "0" for queue in queues]
    return " ".join(dict.fromkeys(masks))


def _flow_counts(root: Root, base: str) -> str:
    """Return each flow table size of the receive queues once, the smallest first."""
    queues = [entry for entry in root.listdir(f"{base}/queues") if entry.startswith("rx-")]
    counts = sorted({int(root.read_text(f"{base}/queues/{queue}/rps_flow_cnt")) for queue in queues})
    return " ".join(map(str, counts))


def _ecn(root: Root, base: str, role: str) -> Fact:
    """Return whether RoCE ECN of priority 3 is on: np answers marks, rp slows down."""
    path = f"{base}/ecn/roce_{role}/enable/{_ROCE_PRIORITY}"
    if not root.exists(path):
        return unknown(say(N_("Only NVIDIA's own driver package (OFED, DOCA) shows this.")), f"/{path}")
    return attempt(f"/{path}", lambda: "on" if int(root.read_text(path)) else "off")


def bonds(root: Root, names: list[str]) -> Facts:
    """Return the mode of each bond and what LACP agreed on: partner and aggregators, each once."""
    facts: Facts = {}
    for name in names:
        base = f"{NET}/{name}/bonding"
        if root.exists(f"{base}/mode"):
            members = f"/{NET}/<member>/bonding_slave/ad_aggregator_id"
            facts |= {
                f"bond.{name}.mode": attempt(f"/{base}/mode", partial(_mode, root, base)),
                f"bond.{name}.partner_mac": from_file(root, f"{base}/ad_partner_mac"),
                f"bond.{name}.aggregators": attempt(members, partial(_aggregators, root, base)),
            }
    return facts


def _mode(root: Root, base: str) -> str:
    return root.read_text(f"{base}/mode").split()[0]


def _aggregators(root: Root, base: str) -> str:
    members = root.read_text(f"{base}/slaves").split()
    ids = (root.read_text(f"{NET}/{member}/bonding_slave/ad_aggregator_id") for member in members)
    return " ".join(dict.fromkeys(ids))


def _irq_cpus(root: Root, base: str) -> str:
    """Return each CPU list of the device's interrupts once; a device without MSI has none of its own."""
    folder = f"{base}/device/msi_irqs"
    numbers = root.listdir(folder) if root.exists(folder) else []
    return " ".join(dict.fromkeys(root.read_text(f"proc/irq/{number}/smp_affinity_list") for number in numbers))
