"""T7: keep the window over pauses."""

from typing import Final

from analysis.advice.changes import sysctl
from analysis.advice.congestion import planned
from analysis.advice.plan import Evidence, Goal
from analysis.advice.rule import Keep, Outcome, Proposal, Rule, Unsure
from analysis.advice.situation import Situation
from analysis.advice.sizing import bulk_flows, flow_evidence, goal_evidence
from analysis.advice.units import duration
from analysis.text import N_, say

KEY: Final = "net.ipv4.tcp_slow_start_after_idle"
_GOALS: Final[frozenset[Goal]] = frozenset({"long-path", "inference-across-sites"})
_LONG_US: Final = 20_000


def decide(situation: Situation) -> Outcome:
    """Propose 0 where flows pause and burst over a round trip above 20 ms."""
    if situation.number(f"sysctl.{KEY}") == 0:
        return Keep(say(N_("The window outlives pauses already.")))
    if planned(situation) == "bbr":
        return Keep(say(N_("BBR keeps its own model over pauses; the kernel does not look at this setting for it.")))
    bursty = _bursty(situation)
    if not bursty:
        return _no_reason(situation)
    longest = max((flow.rtt_us for flow in situation.flows or ()), default=0) / 1e6
    return Proposal(
        severity="info",
        confidence="medium" if situation.flows else "low",
        evidence=(*bursty, situation.evidence(f"sysctl.{KEY}")),
        formula=say(
            N_(
                "a pause longer than the retransmission time-out shrinks the window to 10 segments; above a "
                "round trip of 20 ms regrowth is felt"
            )
        ),
        effect=say(
            N_("bursts after a pause skip the slow start of several round trips (of {rtt} each)"),
            rtt=duration(longest),
        )
        if longest
        else say(N_("bursts after a pause skip the slow start of several round trips")),
        changes=(sysctl(situation, KEY, "0", say(N_("an idle connection keeps its window"))),),
    )


def _bursty(situation: Situation) -> tuple[Evidence, ...]:
    """Return evidence of application-limited bulk flows over a long path, or of a goal made of such flows."""
    flows = bulk_flows(situation) if situation.flows is not None or situation.goal not in _GOALS else ()
    found = tuple(
        flow_evidence(flow, "rtt_us", flow.rtt_us)
        for flow in flows
        if flow.delivery_app_limited and flow.rtt_us > _LONG_US and flow.cc != "bbr"
    )
    return (*found, goal_evidence(situation)) if situation.goal in _GOALS else found


def _no_reason(situation: Situation) -> Outcome:
    if not bulk_flows(situation):
        return Unsure(say(N_("No bulk transfer was seen: look again while one is running, or choose a goal.")))
    return Keep(say(N_("No bulk flow pauses and bursts over a round trip above 20 ms.")))


RULE: Final = Rule(
    id="T7",
    title=say(N_("Keep the window of connections that pause")),
    risk="R0",
    scope="netns",
    persists="sysctl.d",
    authority=(
        "Linux Documentation/networking/ip-sysctl.rst: tcp_slow_start_after_idle",
        "Linux include/net/tcp.h tcp_slow_start_after_idle_check()",
        "tuned profile network-throughput",
    ),
    decide=decide,
)
