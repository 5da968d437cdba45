"""T17: interrupts too often, or too late."""

from typing import Final

from analysis.advice.cards import cards, readable, risk_on
from analysis.advice.plan import Change, Evidence, Goal
from analysis.advice.rule import Irrelevant, Keep, Outcome, Proposal, Rule
from analysis.advice.situation import Situation
from analysis.text import N_, say

_PROMPT: Final[frozenset[Goal]] = frozenset({"inference-across-sites", "lossless-fabric"})
_STORM: Final = 100_000
_LATE_US: Final = 100


def decide(situation: Situation) -> Outcome:
    """Propose adaptive coalescing where it is off and the fixed time is far from what the box needs."""
    names = readable(situation, cards(situation), ("rx_usecs",))
    if not names:
        return Irrelevant(say(N_("No network card is in use.")))
    fixed = [n for n in names if situation.find(f"link.{n}.adaptive_rx") == "off"]
    late = [n for n in fixed if situation.goal in _PROMPT and situation.number(f"link.{n}.rx_usecs") > _LATE_US]
    eager = [n for n in fixed if situation.number(f"link.{n}.rx_usecs") <= 1]
    storm = _storm(situation) if eager else ()
    wanted = [*late, *(eager if storm else ())]
    if not wanted:
        return Keep(say(N_("Interrupts are held back adaptively, or by a time that suits.")))
    return Proposal(
        severity="info",
        confidence="low",
        evidence=(*storm, *(situation.evidence(f"link.{n}.rx_usecs") for n in wanted)),
        formula=say(
            N_("more than 100000 interrupts a second on one CPU, or more than 100 µs held back where latency counts")
        ),
        effect=say(N_("fewer interrupts under load, none held back when idle")),
        changes=tuple(
            Change(
                "coalesce",
                f"{n}.adaptive_rx",
                "off",
                "on",
                say(N_("the card adapts how long it waits")),
                f"ethtool -C {n} adaptive-rx off",
            )
            for n in wanted
        ),
        risk=risk_on(situation, wanted, "R0"),
    )


def _storm(situation: Situation) -> tuple[Evidence, ...]:
    growth = situation.observed()
    busiest = max(growth.interrupts, default=0) / growth.seconds
    if busiest <= _STORM:
        return ()
    return (Evidence("interrupts_per_s.max", round(busiest), say(N_("/proc/softirqs, NET_RX"))),)


RULE: Final = Rule(
    id="T17",
    title=say(N_("Let the card adapt its interrupts")),
    risk="R0",
    scope="device",
    persists="udev",
    authority=("heuristic: 100000 interrupts a second, 100 µs",),
    decide=decide,
)
