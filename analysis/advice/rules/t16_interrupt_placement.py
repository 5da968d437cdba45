"""T16: interrupts that are taken on the far side of the machine."""

from typing import Final

from analysis.advice.cards import cards, cpu_list
from analysis.advice.plan import Change
from analysis.advice.rule import Irrelevant, Keep, Outcome, Proposal, Rule
from analysis.advice.situation import Missing, Situation
from analysis.text import N_, say


def decide(situation: Situation) -> Outcome:
    """Propose CPUs of the card's own node where none of its interrupts goes there."""
    if situation.number("cpu.numa_nodes") <= 1:
        return Irrelevant(say(N_("All CPUs are equally near: the box has one NUMA node.")))
    placed = {name: _places(situation, name) for name in cards(situation)}
    known = {name: places for name, places in placed.items() if places is not None}
    if placed and not known:
        raise Missing(say(N_("Where the cards sit, or where their interrupts go, was not read.")))
    far = {name: local for name, (taken, local) in known.items() if not taken & local}
    if not far:
        return Keep(say(N_("Each card's interrupts go to CPUs beside it.")))
    return Proposal(
        severity="info",
        confidence="medium",
        evidence=tuple(
            situation.evidence(f"link.{name}.{what}") for name in far for what in ("irq_cpus", "numa_node")
        ),
        formula=say(N_("interrupts of {names} go to none of the CPUs on the card's own node"), names=", ".join(far)),
        effect=say(N_("packets no longer cross between the processors before they are looked at")),
        changes=tuple(_change(situation, name, local) for name, local in far.items()),
        instructions=(
            say(N_("irqbalance would move them back: stop it, or ban these interrupts in its configuration.")),
        ),
    )


def _places(situation: Situation, name: str) -> tuple[set[int], set[int]] | None:
    """Return the CPUs that take interrupts and those beside the card, None where either is not known."""
    node = situation.find_number(f"link.{name}.numa_node")
    taken = cpu_list(situation.find(f"link.{name}.irq_cpus") or "")
    local = cpu_list(situation.find(f"numa.{node}.cpus") or "")
    return (taken, local) if taken and local else None


def _change(situation: Situation, name: str, local: set[int]) -> Change:
    current = situation.text(f"link.{name}.irq_cpus")
    proposed = situation.text(f"numa.{situation.number(f'link.{name}.numa_node')}.cpus")
    meaning = say(N_("interrupts of {interface} go to {n} CPUs beside it"), interface=name, n=len(local))
    return Change(
        "irq", name, current, proposed, meaning, f"write {current} to smp_affinity_list of the interrupts of {name}"
    )


RULE: Final = Rule(
    id="T16",
    title=say(N_("Take interrupts beside the card")),
    risk="R0",
    scope="device",
    persists="unit",
    authority=("Linux Documentation/core-api/irq/irq-affinity.rst", "mlnx-tools set_irq_affinity_bynode.sh"),
    decide=decide,
)
