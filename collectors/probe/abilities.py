"""What this box lets the prober do, in words, with the command that would allow the rest."""

import socket
from typing import Final, Literal, NamedTuple

from analysis.samples import Stamps
from analysis.text import N_, Sentence, say
from collectors.base import Need

PING_GROUP: Final = 'sudo sysctl -w net.ipv4.ping_group_range="0 2147483647"'
AS_ROOT: Final = "sudo longpipe"


class Ability(NamedTuple):
    """The ICMP socket that a family has here, and what its packet stamps are worth."""

    socket: Literal["raw", "dgram", "none"]
    stamps: Stamps
    problem: str | None = None
    """Why there is no socket: an errno name."""


def missing(ability: Ability) -> Sentence | None:
    """Return what probing lacks, and what would allow it; None where it lacks nothing."""
    if ability.problem == "EAFNOSUPPORT":
        return say(N_("This kernel has no IPv6, so only IPv4 is probed."))
    if ability.socket == "none":
        return say(
            N_("ICMP is not allowed here ({reason}), so targets are probed by TCP only. To allow it, run: {command}"),
            reason=ability.problem,
            command=PING_GROUP,
        )
    if ability.stamps == "user":
        return say(N_("This kernel gives no packet stamps: round trips include the delays of this program."))
    if ability.stamps == "kernel-rx":
        return say(N_("Sending is not stamped by this kernel or device: round trips may read up to 1 ms too long."))
    return None


def icmp_needs() -> tuple[Need, ...]:
    """Return what keeps this box from probing by ICMP at its best. Opens and closes one socket."""
    if _opens(socket.SOCK_RAW):
        return ()
    if _opens(socket.SOCK_DGRAM):
        what = say(
            N_("Without CAP_NET_RAW, firewall marks cannot be set and replies from a wrong address are not seen.")
        )
        return (Need(what, AS_ROOT),)
    return (Need(say(N_("ICMP is not allowed here, so targets are probed by TCP only.")), PING_GROUP),)


def _opens(kind: socket.SocketKind) -> bool:
    try:
        socket.socket(socket.AF_INET, kind, socket.IPPROTO_ICMP).close()
    except OSError:
        return False
    return True
