"""What this process may do on this box, and the exact command that would allow the rest. Sends nothing."""

import os
import socket
from typing import Final

import msgspec

from analysis.text import N_, say
from collectors.base import Need
from collectors.box import container
from collectors.root import Root

_CAP_NET_ADMIN: Final = 12
_CAP_NET_RAW: Final = 13
_FULL_UID_MAP: Final = ["0", "0", "4294967295"]
PING_GROUPS: Final = 'sudo sysctl -w net.ipv4.ping_group_range="0 2147483647"'
"""Allows datagram ICMP sockets, of both families, to everybody."""
AS_ROOT: Final = "sudo longpipe"


class Privilege(msgspec.Struct, frozen=True):
    """What is allowed here and now."""

    root: bool
    """Effective user 0, inside whatever namespace this is."""
    raw_icmp: bool
    """Raw ICMP sockets: exact probes, and packet capture where `capture` says so too."""
    datagram_icmp: bool
    """Unprivileged ICMP sockets (net.ipv4.ping_group_range)."""
    capture: bool
    """AF_PACKET sockets."""
    net_admin: bool
    """CAP_NET_ADMIN in the user namespace that owns this network: marks on probes, changes to it."""
    container: str
    """"none", or its kind."""
    user_namespace: bool
    """Inside a user namespace: root here is not root of the host."""


def look(root: Root | None = None) -> Privilege:
    """Find out by reading /proc and by opening, and closing, one socket of each kind."""
    root = root or Root()
    held = _capabilities(root)
    return Privilege(
        root=os.geteuid() == 0,
        raw_icmp=_opens(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP),
        datagram_icmp=_opens(socket.AF_INET, socket.SOCK_DGRAM, socket.IPPROTO_ICMP),
        capture=_opens(socket.AF_PACKET, socket.SOCK_RAW, 0),
        net_admin=bool(held >> _CAP_NET_ADMIN & 1),
        container=container(root, os.environ),
        user_namespace=root.read_text("proc/self/uid_map").split() != _FULL_UID_MAP,
    )


def missing(privilege: Privilege) -> tuple[Need, ...]:
    """Return what this process lacks, worst first; empty where it may do everything."""
    needs = [icmp_need(privilege), capture_need(privilege)]
    if not privilege.net_admin:
        what = N_("No changes to this box, and before Linux 5.17 no probes over routes that are chosen by mark.")
        needs.append(Need(say(what), _grant(privilege)))
    return tuple(need for need in needs if need is not None)


def icmp_need(privilege: Privilege) -> Need | None:
    """Return what ICMP probes lack, None where they are at their best."""
    if privilege.raw_icmp:
        return None
    if privilege.datagram_icmp:
        what = N_(
            "No raw ICMP: probes use datagram sockets, which carry no firewall marks and see no replies "
            "from a wrong address."
        )
        return Need(say(what), _grant(privilege))
    what = N_("No ICMP probes: neither raw nor datagram ICMP sockets are allowed, so targets are probed by TCP.")
    return Need(say(what), PING_GROUPS if privilege.container == "none" else _grant(privilege))


def capture_need(privilege: Privilege) -> Need | None:
    """Return what capturing lacks, None where it is allowed."""
    what = N_("No packet capture: the RoCE pane shows counters but no packets.")
    return None if privilege.capture else Need(say(what), _grant(privilege))


def _grant(privilege: Privilege) -> str | None:
    """Return the command that grants the rest. Never setcap: that would grant it to every Python program."""
    if privilege.container in ("docker", "podman"):
        return f"{privilege.container} run --network=host --cap-add=NET_RAW --cap-add=NET_ADMIN …"
    if privilege.container != "none" or privilege.root:
        return None
    return AS_ROOT


def _capabilities(root: Root) -> int:
    """Return the effective capability set (capabilities(7)) as a bit mask."""
    for line in root.read_text("proc/self/status").splitlines():
        name, _, value = line.partition(":")
        if name == "CapEff":
            return int(value, 16)
    return 0


def _opens(family: int, kind: int, protocol: int) -> bool:
    try:
        socket.socket(family, kind, protocol).close()
    except OSError:
        return False
    return True
