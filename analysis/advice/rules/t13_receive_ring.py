"""T13: the card drops because its receive ring is full."""

from typing import Final

from analysis.advice.cards import cards, readable, risk_on
from analysis.advice.plan import Change, Evidence
from analysis.advice.rule import Irrelevant, Keep, Outcome, Proposal, Rule
from analysis.advice.situation import Missing, Situation
from analysis.advice.units import duration
from analysis.counters import NO_ROOM
from analysis.text import N_, say


def decide(situation: Situation) -> Outcome:
    """Propose twice the ring, up to the card's maximum, while drops for want of buffers grow."""
    names = cards(situation)
    if not names:
        return Irrelevant(say(N_("No network card is in use.")))
    growth = situation.observed()
    seen = {f"{n}.{c}": growth.nic[f"{n}.{c}"] for n in names for c in NO_ROOM if f"{n}.{c}" in growth.nic}
    if not seen:
        raise Missing(say(N_("The cards' own drop counters were not read (ethtool -S).")))
    dropping = sorted({key.rpartition(".")[0] for key, count in seen.items() if count})
    if not dropping:
        return Keep(say(N_("No card dropped for want of buffers in {time}."), time=duration(growth.seconds)))
    growable = [
        n
        for n in readable(situation, dropping, ("ring_rx", "ring_rx_max"))
        if _target(situation, n)[1] > _target(situation, n)[0]
    ]
    if not growable:
        return Keep(
            say(
                N_("The rings of {names} are as long as the card allows; the CPUs do not keep up."),
                names=", ".join(dropping),
            )
        )
    source = say(N_("growth within {time}, ethtool -S"), time=duration(growth.seconds))
    return Proposal(
        severity="warn",
        confidence="high",
        evidence=tuple(
            Evidence(key, count, source)
            for key, count in seen.items()
            if count and key.rpartition(".")[0] in growable
        ),
        formula=say(N_("min(card's maximum, 2 × ring)")),
        effect=say(N_("bursts twice as long pass without loss")),
        changes=tuple(_change(situation, name) for name in growable),
        instructions=(say(N_("Many drivers reset the link for this; one change at a time.")),),
        risk=risk_on(situation, growable),
    )


def _target(situation: Situation, name: str) -> tuple[int, int]:
    current = situation.number(f"link.{name}.ring_rx")
    return current, min(2 * current, situation.number(f"link.{name}.ring_rx_max"))


def _change(situation: Situation, name: str) -> Change:
    current, target = _target(situation, name)
    meaning = say(N_("{old} → {new} packets wait in the card"), old=current, new=target)
    return Change("ring", f"{name}.rx", str(current), str(target), meaning, f"ethtool -G {name} rx {current}")


RULE: Final = Rule(
    id="T13",
    title=say(N_("Lengthen the receive ring")),
    risk="R1",
    scope="device",
    persists="udev",
    authority=("Linux Documentation/networking/ethtool-netlink.rst: RINGS",),
    decide=decide,
)
