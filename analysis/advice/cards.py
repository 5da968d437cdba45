"""The network cards of a box, told from facts, and which of them carries the person's own session."""

from collections.abc import Callable, Sequence
from typing import Final

from analysis.advice.plan import Risk
from analysis.advice.situation import Missing, Situation
from analysis.text import N_, say

_SOFTWARE: Final = frozenset(
    {
        "bond",
        "bridge",
        "dummy",
        "gre",
        "ifb",
        "ipip",
        "ipvlan",
        "loopback",
        "macvlan",
        "macvtap",
        "netdevsim",
        "nlmon",
    }
    | {"openvswitch", "sit", "team", "tun", "vcan", "veth", "vlan", "vrf", "vxlan", "wireguard", "802.1Q", ""}
)
_DOWN: Final = frozenset({"down", "lowerlayerdown", "notpresent"})


def cards(situation: Situation) -> list[str]:
    """Return the interfaces in use that a hardware or paravirtual driver serves; raise `Missing` if not known."""
    return _of_kind(situation, lambda driver: driver not in _SOFTWARE)


def bonds(situation: Situation) -> list[str]:
    """Return the bonds in use; raise `Missing` where there is none among those known and some are not known."""
    return _of_kind(situation, lambda driver: driver in {"bond", "bonding"})


def _of_kind(situation: Situation, wanted: Callable[[str], bool]) -> list[str]:
    used = [n for n in situation.named("link", "mtu") if situation.find(f"link.{n}.operstate") not in _DOWN]
    drivers = {name: situation.find(f"link.{name}.driver") for name in used}
    found = [name for name, driver in drivers.items() if driver is not None and wanted(driver)]
    untold = [name for name, driver in drivers.items() if driver is None]
    if not found and (untold or not used):
        raise Missing(
            say(N_("What kind of device an interface is was not read ({names})."), names=", ".join(untold) or "–")
        )
    return found


def readable(situation: Situation, names: Sequence[str], attributes: Sequence[str]) -> list[str]:
    """Return those of `names` whose numeric link facts are all known; raise `Missing` where there is none such."""
    known = [n for n in names if all(situation.find_number(f"link.{n}.{a}") is not None for a in attributes)]
    if names and not known:
        for attribute in attributes:
            situation.number(f"link.{names[0]}.{attribute}")
    return known


def risk_on(situation: Situation, names: Sequence[str], usual: Risk = "R1") -> Risk:
    """Return R2 where one of `names` carries the person's session, or where that is not known; else `usual`."""
    management = situation.find("management.interfaces")
    if management is None or set(names) & set(management.split()):
        return "R2"
    return usual


def on_management(situation: Situation, name: str) -> bool:
    """Say whether `name` is known to carry, or may be carrying, the person's session."""
    return risk_on(situation, [name]) == "R2"


def cpu_list(text: str) -> set[int]:
    """Return the CPUs of a kernel list: "0-3,8" -> {0, 1, 2, 3, 8}; empty where it is none."""
    cpus: set[int] = set()
    for part in text.replace(",", " ").split():
        first, _, last = part.partition("-")
        if not first.isdecimal() or (last and not last.isdecimal()):
            return set()
        cpus.update(range(int(first), min(int(last or first), int(first) + 8192) + 1))
    return cpus


def cpu_mask(cpus: set[int]) -> str:
    """Return CPUs as the kernel writes masks: groups of 32 bits in hexadecimal, highest first."""
    mask = sum(1 << cpu for cpu in cpus)
    groups: list[str] = []
    while mask or not groups:
        groups.append(f"{mask & 0xFFFFFFFF:x}" if mask < 1 << 32 else f"{mask & 0xFFFFFFFF:08x}")
        mask >>= 32
    return ",".join(reversed(groups))


def local_cpus(situation: Situation, name: str) -> set[int]:
    """Return the CPUs beside card `name`, all where the box has one node or the card none; may raise `Missing`."""
    node = situation.find_number(f"link.{name}.numa_node")
    if situation.number("cpu.numa_nodes") <= 1 or node is None or node < 0:
        return set(range(min(situation.number("cpu.count"), 8192)))
    return cpu_list(situation.text(f"numa.{node}.cpus"))
