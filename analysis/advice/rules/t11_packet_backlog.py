"""T11: packets dropped at the per-CPU backlog."""

from typing import Final

from analysis.advice.changes import sysctl
from analysis.advice.plan import Evidence
from analysis.advice.rule import Keep, Outcome, Proposal, Rule
from analysis.advice.situation import Missing, Situation
from analysis.advice.units import duration
from analysis.text import N_, say
from analysis.units import percent

KEY: Final = "net.core.netdev_max_backlog"
_MOST: Final = 16_384
_HEAVY: Final = 1 / 32


def decide(situation: Situation) -> Outcome:
    """Propose twice the backlog, up to 16384, while column 2 of softnet_stat grows."""
    growth = situation.observed()
    if not growth.softnet_dropped:
        raise Missing(say(N_("The packet backlog counters (softnet_stat) were not read twice, as growth takes.")))
    dropped, processed = sum(growth.softnet_dropped), sum(growth.softnet_processed)
    if not dropped:
        return Keep(say(N_("No packet was dropped at the backlog in {time}."), time=duration(growth.seconds)))
    current = situation.number(f"sysctl.{KEY}")
    target = min(2 * current, _MOST)
    if target <= current:
        return Keep(
            say(
                N_("The backlog is {current} already; a longer one would only delay. The CPUs do not keep up."),
                current=current,
            )
        )
    ratio = dropped / (processed + dropped)
    source = say(N_("growth within {time}, /proc/net/softnet_stat column 2"), time=duration(growth.seconds))
    return Proposal(
        severity="warn" if ratio >= _HEAVY else "info",
        confidence="high" if ratio >= _HEAVY else "medium",
        evidence=(Evidence("softnet.dropped", dropped, source), situation.evidence(f"sysctl.{KEY}")),
        formula=say(N_("min(2 × {current}, {most}) = {target}"), current=current, most=_MOST, target=target),
        effect=say(
            N_("{n} packets ({ratio}) were dropped inside this box; bursts twice as long pass"),
            n=dropped,
            ratio=percent(ratio),
        ),
        changes=(
            sysctl(situation, KEY, str(target), say(N_("{old} → {new} packets per CPU"), old=current, new=target)),
        ),
    )


RULE: Final = Rule(
    id="T11",
    title=say(N_("Lengthen the packet backlog")),
    risk="R0",
    scope="host",
    persists="sysctl.d",
    authority=("bpftune net-buffer: raise at 1/32 dropped in a minute", "Linux net/core/net-procfs.c"),
    decide=decide,
)
