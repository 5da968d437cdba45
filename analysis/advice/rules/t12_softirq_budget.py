"""T12: packet processing that runs out of its time slice."""

from typing import Final

from analysis.advice.changes import sysctl
from analysis.advice.plan import Evidence
from analysis.advice.rule import Keep, Outcome, Proposal, Rule
from analysis.advice.situation import Missing, Situation
from analysis.advice.units import duration
from analysis.text import N_, say

_BOUNDS: Final = {"net.core.netdev_budget": 600, "net.core.netdev_budget_usecs": 16_000}
_SATURATED: Final = 0.9


def decide(situation: Situation) -> Outcome:
    """Propose a larger budget where a core is squeezed more than once a second and has time left."""
    growth = situation.observed()
    if not growth.softnet_squeezed:
        raise Missing(say(N_("The squeeze counters (softnet_stat) were not read twice, as growth takes.")))
    worst = max(range(len(growth.softnet_squeezed)), key=growth.softnet_squeezed.__getitem__)
    rate = growth.softnet_squeezed[worst] / growth.seconds
    if rate <= 1:
        return Keep(say(N_("Packet processing finishes within its time slice.")))
    if worst >= len(growth.busy_ratio):
        raise Missing(say(N_("Packet processing is squeezed on CPU {cpu}, whose load is not known."), cpu=worst))
    if growth.busy_ratio[worst] > _SATURATED:
        return Keep(
            say(N_("CPU {cpu} is squeezed because it is busy; a larger slice would only move the wait."), cpu=worst)
        )
    changes = tuple(
        sysctl(
            situation, key, str(min(2 * current, bound)), say(N_("longer slices; other work waits a little longer"))
        )
        for key, bound in _BOUNDS.items()
        if 0 < (current := situation.number(f"sysctl.{key}")) < bound
    )
    if not changes:
        return Keep(say(N_("The slices are as long as they should be.")))
    source = say(N_("growth within {time}, /proc/net/softnet_stat column 3"), time=duration(growth.seconds))
    return Proposal(
        severity="info",
        confidence="medium",
        evidence=(Evidence(f"softnet.squeezed.cpu{worst}", growth.softnet_squeezed[worst], source),),
        formula=say(
            N_("{rate} squeezes a second on CPU {cpu} > 1; twice the budget, up to 600 packets and 16 ms"),
            rate=f"{rate:.1f}",
            cpu=worst,
        ),
        effect=say(N_("fewer packets wait for the next slice; other tasks on that CPU may wait up to 16 ms")),
        changes=changes,
    )


RULE: Final = Rule(
    id="T12",
    title=say(N_("Give packet processing longer slices")),
    risk="R0",
    scope="host",
    persists="sysctl.d",
    authority=("Linux Documentation/admin-guide/sysctl/net.rst: netdev_budget", "bpftune net-buffer"),
    decide=decide,
)
