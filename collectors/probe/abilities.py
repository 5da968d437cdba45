"""What this box lets the prober do, in words, with the command that would allow the rest."""

from typing import Literal, NamedTuple

from analysis.samples import Stamps
from analysis.text import N_, Sentence, say
from collectors.privilege import PING_GROUPS


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
            command=PING_GROUPS,
        )
    if ability.stamps == "user":
        return say(N_("This kernel gives no packet stamps: round trips include the delays of this program."))
    if ability.stamps == "kernel-rx":
        return say(N_("Sending is not stamped by this kernel or device: round trips may read up to 1 ms too long."))
    return None
