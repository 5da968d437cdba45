"""T18: offloads that were switched off."""

from typing import Final

from analysis.advice.cards import cards, risk_on
from analysis.advice.plan import Change
from analysis.advice.rule import Irrelevant, Keep, Outcome, Proposal, Rule
from analysis.advice.situation import Situation
from analysis.text import N_, say

_FEATURES: Final = ("gro", "gso", "tso")


def decide(situation: Situation) -> Outcome:
    """Propose GRO, GSO and TSO where they are off on a card; never LRO."""
    names = cards(situation)
    if not names:
        return Irrelevant(say(N_("No network card is in use.")))
    states = {(n, f): situation.find(f"link.{n}.{f}") for n in names for f in _FEATURES}
    if all(state is None for state in states.values()):
        situation.text(f"link.{names[0]}.gro")
    off = [pair for pair, state in states.items() if state == "off"]
    if not off:
        return Keep(say(N_("Segmentation and merging are on where the cards offer them.")))
    return Proposal(
        severity="info",
        confidence="low",
        evidence=tuple(situation.evidence(f"link.{name}.{feature}") for name, feature in off),
        formula=say(N_("each packet is handled alone; with offloads up to 64 KiB are handled at once")),
        effect=say(N_("less CPU per byte")),
        changes=tuple(
            Change(
                "feature",
                f"{name}.{feature}",
                "off",
                "on",
                say(N_("packets are handled in batches")),
                f"ethtool -K {name} {feature} off",
            )
            for name, feature in off
        ),
        instructions=(
            say(
                N_(
                    "Why they were switched off cannot be seen: a driver may not have them, or somebody may "
                    "capture packets here. LRO stays off."
                )
            ),
        ),
        risk=risk_on(situation, [name for name, _ in off], "R0"),
    )


RULE: Final = Rule(
    id="T18",
    title=say(N_("Switch the offloads on again")),
    risk="R0",
    scope="device",
    persists="udev",
    authority=("Linux Documentation/networking/segmentation-offloads.rst",),
    decide=decide,
)
