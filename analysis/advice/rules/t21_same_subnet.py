"""T21: two cards in one subnet, which Linux answers for as if they were one."""

from collections import defaultdict
from typing import Final

from analysis.advice.changes import sysctl
from analysis.advice.plan import Change
from analysis.advice.rule import Irrelevant, Keep, Outcome, Proposal, Rule
from analysis.advice.situation import Missing, Situation
from analysis.text import N_, say

_WANTED: Final = {"arp_ignore": 1, "arp_announce": 2, "rp_filter": 2}
_MEANING: Final = {
    "arp_ignore": say(N_("answer ARP only on the card that has the address")),
    "arp_announce": say(N_("ask by ARP with the address of the card that asks")),
    "rp_filter": say(N_("loose: an answer may come in by the other card")),
}


def decide(situation: Situation) -> Outcome:
    """Propose per-card ARP and loose reverse path filtering where cards share a subnet."""
    names = list(situation.named("link", "subnets"))
    if not names:
        raise Missing(say(N_("The subnets of the interfaces were not read.")))
    sharing = _sharing(situation, names)
    if not sharing:
        return Irrelevant(say(N_("No two interfaces share a subnet.")))
    changes = tuple(c for name in sharing for key in _WANTED if (c := _change(situation, name, key)) is not None)
    if not changes:
        return Keep(say(N_("{names} answer for their own addresses already."), names=", ".join(sharing)))
    return Proposal(
        severity="warn",
        confidence="high",
        evidence=tuple(situation.evidence(f"link.{name}.subnets") for name in sharing),
        formula=say(N_("{names} share a subnet; effective value = max(all, interface)"), names=", ".join(sharing)),
        effect=say(N_("traffic for one card no longer arrives at, or leaves by, the other")),
        changes=changes,
        instructions=(
            say(
                N_(
                    "Add a routing rule and table for each source address, so that packets leave by the card "
                    "that has it. One interface at a time."
                )
            ),
        ),
        risk="R2",
    )


def _sharing(situation: Situation, names: list[str]) -> list[str]:
    users: dict[str, list[str]] = defaultdict(list)
    for name in names:
        for subnet in (situation.find(f"link.{name}.subnets") or "").split():
            users[subnet].append(name)
    return sorted({name for found in users.values() if len(found) > 1 for name in found})


def _change(situation: Situation, name: str, key: str) -> Change | None:
    own = f"net.ipv4.conf.{name.replace('.', '/')}.{key}"
    effective = max(situation.number(f"sysctl.{own}"), situation.number(f"sysctl.net.ipv4.conf.all.{key}"))
    if effective >= _WANTED[key] or (key == "rp_filter" and effective == 0):
        return None
    return sysctl(situation, own, str(_WANTED[key]), _MEANING[key])


RULE: Final = Rule(
    id="T21",
    title=say(N_("Keep two cards of one subnet apart")),
    risk="R2",
    scope="netns",
    persists="sysctl.d",
    authority=("Linux Documentation/networking/ip-sysctl.rst: arp_ignore, arp_announce, rp_filter",),
    decide=decide,
)
