"""T15: spreading packets in software where the card has fewer queues than there are CPUs."""

from typing import Final

from analysis.advice.cards import cards, cpu_list, cpu_mask, local_cpus, readable
from analysis.advice.changes import sysctl
from analysis.advice.plan import Change, Evidence
from analysis.advice.rule import Irrelevant, Keep, Outcome, Proposal, Rule
from analysis.advice.situation import Missing, Situation
from analysis.text import N_, say
from analysis.units import percent

_FLOWS: Final = "net.core.rps_sock_flow_entries"
_ENTRIES: Final = 32_768
_HOT: Final = 0.5


def decide(situation: Situation) -> Outcome:
    """Propose RPS and RFS on cards without it, while one CPU is half taken by packets."""
    names = cards(situation)
    if not names:
        return Irrelevant(say(N_("No network card is in use.")))
    count = situation.number("cpu.count")
    few = [n for n in readable(situation, names, ("rx_queues",)) if situation.number(f"link.{n}.rx_queues") < count]
    if not few:
        return Keep(say(N_("The cards have a queue for each CPU.")))
    growth = situation.observed()
    if not growth.softirq_ratio:
        raise Missing(say(N_("The share of packet processing on each CPU was not read twice, as growth takes.")))
    hottest = max(growth.softirq_ratio)
    if hottest <= _HOT:
        return Keep(say(N_("No CPU spends more than {share} on packets."), share=percent(hottest)))
    changes = [change for name in few for change in _steer(situation, name)]
    if not changes:
        return Keep(say(N_("Packets are spread in software already.")))
    if situation.number(f"sysctl.{_FLOWS}") < _ENTRIES:
        changes.append(
            sysctl(
                situation,
                _FLOWS,
                str(_ENTRIES),
                say(N_("packets follow their application, for up to {n} flows"), n=_ENTRIES),
            )
        )
    return Proposal(
        severity="info",
        confidence="medium",
        evidence=(
            Evidence("softirq_ratio.max", round(hottest, 3), say(N_("/proc/stat"))),
            *(situation.evidence(f"link.{n}.rx_queues") for n in few),
            situation.evidence("cpu.count"),
        ),
        formula=say(
            N_(
                "CPUs on the card's node less those that take its interrupts; 32768 flow entries shared "
                "among the queues"
            )
        ),
        effect=say(N_("packets are shared among CPUs; one is {share} busy with them now"), share=percent(hottest)),
        changes=tuple(changes),
    )


def _steer(situation: Situation, name: str) -> list[Change]:
    """Return the changes of one card, none where somebody set a mask already."""
    current = situation.text(f"link.{name}.rps_cpus")
    if current.replace(",", "").strip("0 "):
        return []
    spread = local_cpus(situation, name)
    interrupted = cpu_list(situation.find(f"link.{name}.irq_cpus") or "")
    if interrupted and len(interrupted) < len(spread):
        spread -= interrupted
    if not spread:
        return []
    meaning = say(N_("{n} CPUs share the packets of {interface}"), n=len(spread), interface=name)
    masks = [
        Change(
            "rps",
            f"{name}.rps_cpus",
            current,
            cpu_mask(spread),
            meaning,
            f"echo {current} > /sys/class/net/{name}/queues/rx-0/rps_cpus",
        )
    ]
    flow_count = situation.find_number(f"link.{name}.rps_flow_cnt")
    share = _ENTRIES // max(1, situation.number(f"link.{name}.rx_queues"))
    if flow_count is not None and flow_count < share:
        undo = f"echo {flow_count} > /sys/class/net/{name}/queues/rx-0/rps_flow_cnt"
        masks.append(
            Change(
                "rps",
                f"{name}.rps_flow_cnt",
                str(flow_count),
                str(share),
                say(N_("flows followed in each queue")),
                undo,
            )
        )
    return masks


RULE: Final = Rule(
    id="T15",
    title=say(N_("Spread packets over CPUs in software")),
    risk="R0",
    scope="device",
    persists="udev",
    authority=("Linux Documentation/networking/scaling.rst: RPS, RFS",),
    decide=decide,
)
