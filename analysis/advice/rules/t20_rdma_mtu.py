"""T20: an Ethernet MTU that lets RoCE use its largest packets."""

from typing import Final

from analysis.advice.frames import larger_frames
from analysis.advice.rdma import devices, netdevs
from analysis.advice.rule import Irrelevant, Outcome, Rule
from analysis.advice.situation import Missing, Situation
from analysis.text import N_, say

_NEEDED: Final = 4200
"""4096 and up to 80 bytes of headers, rounded."""


def decide(situation: Situation) -> Outcome:
    """Propose 4200, after a proof both ways."""
    if not devices(situation):
        return Irrelevant(say(N_("No RDMA device.")))
    names = netdevs(situation)
    if not names:
        raise Missing(say(N_("Which interfaces carry the RDMA devices was not read.")))
    return larger_frames(situation, names, _NEEDED, say(N_("RoCE packets carry 4096 bytes instead of 1024")))


RULE: Final = Rule(
    id="T20",
    title=say(N_("Make room for 4096-byte RoCE packets")),
    risk="R2",
    scope="device",
    persists="netplan",
    authority=("Linux drivers/infiniband/sw/rxe/rxe_param.h: IB MTU fits netdev MTU - 80",),
    decide=decide,
)
