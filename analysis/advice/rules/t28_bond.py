"""T28: bonds whose mode or partner does not carry what is hoped.

Facts of each bond: bond.<if>.mode ("802.3ad"), bond.<if>.partner_mac, bond.<if>.aggregators (ids, each once).
"""

from typing import Final

from analysis.advice.cards import bonds
from analysis.advice.plan import Evidence
from analysis.advice.rdma import netdevs
from analysis.advice.rule import Irrelevant, Keep, Outcome, Proposal, Rule
from analysis.advice.situation import Missing, Situation
from analysis.text import N_, Sentence, say

_NO_PARTNER: Final = "00:00:00:00:00:00"


def decide(situation: Situation) -> Outcome:
    """Find bonds without an LACP partner, split over aggregators, or that reorder."""
    names = bonds(situation)
    if not names:
        return Irrelevant(say(N_("No bond on this box.")))
    found = [(name, fault) for name in names if (fault := _fault(situation, name)) is not None]
    if not found:
        return Keep(
            say(N_("{names} carry what their mode can; one flow never exceeds one member."), names=", ".join(names))
        )
    return Proposal(
        severity="bad",
        confidence="high",
        evidence=tuple(_evidence(situation, name) for name, _ in found),
        formula=say(N_("802.3ad works with a partner address other than zero and one aggregator for all members")),
        effect=say(N_("the members carry traffic together, in order, and fail over")),
        instructions=tuple(fault for _, fault in found),
        risk="R2",
    )


def _evidence(situation: Situation, name: str) -> Evidence:
    return situation.evidence(f"bond.{name}.mode")


def _fault(situation: Situation, name: str) -> Sentence | None:
    mode = situation.text(f"bond.{name}.mode")
    if mode == "balance-rr":
        what = N_(
            "{name} sends packets in turn over its members and reorders TCP: use 802.3ad with the switch, or "
            "active-backup. Never under RoCE."
        )
        return say(what, name=name)
    if mode != "802.3ad":
        return _roce_fault(situation, name, mode)
    if situation.text(f"bond.{name}.partner_mac") == _NO_PARTNER:
        return say(
            N_(
                "{name} has no LACP partner: configure LACP on the switch ports of all members, or use active-backup."
            ),
            name=name,
        )
    if len(situation.text(f"bond.{name}.aggregators").split()) > 1:
        return say(
            N_(
                "The members of {name} are in different aggregators, so only one group carries traffic: put "
                "their switch ports into one port channel."
            ),
            name=name,
        )
    return None


def _roce_fault(situation: Situation, name: str, mode: str) -> Sentence | None:
    try:
        carries = name in netdevs(situation)
    except Missing:
        return None
    if carries and mode not in {"active-backup", "balance-xor"}:
        return say(
            N_(
                "{name} carries RoCE in mode {mode}: RoCE needs active-backup, balance-xor or 802.3ad, and a "
                "card that supports it."
            ),
            name=name,
            mode=mode,
        )
    return None


RULE: Final = Rule(
    id="T28",
    title=say(N_("Repair the bond")),
    risk="R2",
    scope="fabric",
    persists="netplan",
    authority=("Linux Documentation/networking/bonding.rst", "IEEE 802.1AX"),
    decide=decide,
)
