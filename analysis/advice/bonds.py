"""Bonds as files and commands of who manages the network: a file of its own, beside what is there."""

from typing import Final

from analysis.advice.plan import Generated
from analysis.advice.situation import Bond
from analysis.text import N_, Sentence, say

MODES: Final[dict[str, Sentence]] = {
    "active-backup": say(
        N_(
            "active-backup: one member carries everything, another takes over; the switch needs no settings. "
            "fail_over_mac=active would change the address on failover, and with it DHCP leases and port security: "
            "it stays off."
        )
    ),
    "802.3ad": say(
        N_(
            "802.3ad: all members carry traffic, one flow never more than one of them; the switch needs LACP on "
            "exactly these ports. Ports are part of the hash (layer3+4), which is not quite the standard: fragments "
            "may arrive out of order."
        )
    ),
    "balance-xor": say(
        N_("balance-xor: as 802.3ad, without LACP to notice a wrong cable; the switch needs a static port channel.")
    ),
    "balance-alb": say(
        N_("balance-alb: shares traffic without the switch by answering ARP differently. Not for RoCE or bridges.")
    ),
    "balance-tlb": say(N_("balance-tlb: shares only what is sent; what is received takes one member. Not for RoCE.")),
    "broadcast": say(N_("broadcast: sends everything over every member. Only for special networks; not for RoCE.")),
    "balance-rr": say(N_("balance-rr: sends packets in turn and reorders TCP. Never for RoCE.")),
}
"""What each mode does (Linux Documentation/networking/bonding.rst)."""
OFFERED: Final = ("active-backup", "802.3ad", "balance-xor")
"""Modes that keep the packets of a flow in order, with RoCE and without."""
_HASHED: Final = frozenset({"802.3ad", "balance-xor"})


def netplan(bond: Bond) -> Generated:
    """Return a file that only adds: netplan joins all files, so that keys of others stay."""
    lines = ["network:", "  version: 2", "  ethernets:"]
    lines += [f"    {member}: {{}}" for member in bond.members]
    lines += ["  bonds:", f"    {bond.name}:", f"      interfaces: [{', '.join(bond.members)}]"]
    lines += [f'      addresses: ["{bond.address}"]'] if bond.address else []
    lines += ["      parameters:", f"        mode: {bond.mode}", "        mii-monitor-interval: 100"]
    lines += ["        lacp-rate: fast"] if bond.mode == "802.3ad" else []
    lines += ["        transmit-hash-policy: layer3+4"] if bond.mode in _HASHED else []
    return Generated(f"/etc/netplan/60-longpipe-{bond.name}.yaml", "0600", "\n".join(lines) + "\n")


def ifupdown(bond: Bond) -> Generated:
    """Return a file for /etc/network/interfaces.d (Debian's ifupdown with ifenslave)."""
    lines = [f"auto {bond.name}", f"iface {bond.name} inet {'static' if bond.address else 'manual'}"]
    lines += [f"    address {bond.address}"] if bond.address else []
    lines += [f"    bond-slaves {' '.join(bond.members)}", f"    bond-mode {bond.mode}", "    bond-miimon 100"]
    lines += ["    bond-lacp-rate fast"] if bond.mode == "802.3ad" else []
    lines += ["    bond-xmit-hash-policy layer3+4"] if bond.mode in _HASHED else []
    return Generated(f"/etc/network/interfaces.d/longpipe-{bond.name}", "0600", "\n".join(lines) + "\n")


def network_manager(bond: Bond) -> tuple[str, ...]:
    """Return the commands of NetworkManager, which writes its own files with mode 0600."""
    options = f"mode={bond.mode},miimon=100"
    options += ",lacp_rate=fast" if bond.mode == "802.3ad" else ""
    options += ",xmit_hash_policy=layer3+4" if bond.mode in _HASHED else ""
    family = "ipv6" if ":" in bond.address else "ipv4"
    told = f" {family}.method manual {family}.addresses {bond.address}" if bond.address else ""
    add = "nmcli connection add type"
    return (
        f"{add} bond con-name {bond.name} ifname {bond.name} bond.options {options}{told}",
        *(f"{add} ethernet con-name {bond.name}-{m} ifname {m} master {bond.name}" for m in bond.members),
        f"nmcli connection up {bond.name}",
    )
