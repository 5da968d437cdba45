"""T14: too few queues for the CPUs beside the card."""

from typing import Final

from analysis.advice.cards import cards, local_cpus, readable, risk_on
from analysis.advice.plan import Change, Evidence
from analysis.advice.rule import Irrelevant, Keep, Outcome, Proposal, Rule
from analysis.advice.situation import Missing, Situation
from analysis.text import N_, say
from analysis.units import percent

_HOT: Final = 0.8
_ENOUGH: Final = Keep(say(N_("The cards have a queue for each CPU beside them, or all they can have.")))


def decide(situation: Situation) -> Outcome:
    """Propose as many queues as CPUs on the card's node while one CPU drowns in packets."""
    names = cards(situation)
    if not names:
        return Irrelevant(say(N_("No network card is in use.")))
    growth = situation.observed()
    if not growth.softirq_ratio:
        if not _short(situation, names):
            return _ENOUGH
        raise Missing(say(N_("The share of packet processing on each CPU was not read twice, as growth takes.")))
    hottest = max(growth.softirq_ratio)
    if hottest <= _HOT:
        return Keep(say(N_("No CPU spends more than {share} on packets."), share=percent(hottest)))
    short = _short(situation, names)
    if not short:
        return _ENOUGH
    return Proposal(
        severity="warn",
        confidence="medium",
        evidence=(
            Evidence("softirq_ratio.max", round(hottest, 3), say(N_("/proc/stat"))),
            *(situation.evidence(f"link.{n}.channels") for n in short),
        ),
        formula=say(N_("min(CPUs on the card's node, card's maximum), a power of two for mlx5")),
        effect=say(
            N_("packets are shared among more CPUs; one is {share} busy with them now"), share=percent(hottest)
        ),
        changes=tuple(_change(situation, name) for name in short),
        instructions=(
            say(
                N_(
                    "Queues, receive hashing and interrupt placement are made anew: treat it as a link "
                    "event, and set T15 and T16 afterwards."
                )
            ),
        ),
        risk=risk_on(situation, short),
    )


def _short(situation: Situation, names: list[str]) -> list[str]:
    known = readable(situation, names, ("channels", "channels_max"))
    return [n for n in known if target(situation, n) > situation.number(f"link.{n}.channels")]


def target(situation: Situation, name: str) -> int:
    """Return how many queues card `name` should have."""
    count = min(len(local_cpus(situation, name)), situation.number(f"link.{name}.channels_max"))
    if (situation.find(f"link.{name}.driver") or "").startswith("mlx5"):
        return 1 << (count.bit_length() - 1) if count else 0
    return count


def _change(situation: Situation, name: str) -> Change:
    current, wanted = situation.text(f"link.{name}.channels"), str(target(situation, name))
    meaning = say(N_("{old} → {new} queues"), old=current, new=wanted)
    return Change("channels", name, current, wanted, meaning, f"ethtool -L {name} combined {current}")


RULE: Final = Rule(
    id="T14",
    title=say(N_("Spread the card over more queues")),
    risk="R1",
    scope="device",
    persists="udev",
    authority=("Linux Documentation/networking/scaling.rst", "heuristic: one CPU above 80 % softirq"),
    decide=decide,
)
