"""T19: jumbo frames on storage and compute planes."""

from typing import Final

from analysis.advice.cards import cards
from analysis.advice.frames import larger_frames
from analysis.advice.plan import Goal
from analysis.advice.rule import Irrelevant, Outcome, Rule
from analysis.advice.situation import Situation
from analysis.text import N_, say

_GOALS: Final[frozenset[Goal]] = frozenset({"storage", "lossless-fabric"})


def decide(situation: Situation) -> Outcome:
    """Propose 9000 for a plane of its own, after a proof both ways."""
    if situation.goal not in _GOALS:
        return Irrelevant(say(N_("Jumbo frames are for storage and compute planes; this goal has none.")))
    names = cards(situation)
    if not names:
        return Irrelevant(say(N_("No network card is in use.")))
    return larger_frames(situation, names, 9000, say(N_("a sixth of the packets, and of the work per byte")))


RULE: Final = Rule(
    id="T19",
    title=say(N_("Use jumbo frames on this plane")),
    risk="R2",
    scope="device",
    persists="netplan",
    authority=("RFC 1191, RFC 8899: prove the size before it is used",),
    decide=decide,
)
