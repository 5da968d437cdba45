"""T2: the send buffer (tcp_wmem) against the bandwidth-delay product."""

from typing import Final

from analysis.advice.changes import sysctl
from analysis.advice.congestion import planned
from analysis.advice.rule import Keep, Outcome, Proposal, Rule, Unsure
from analysis.advice.situation import Situation
from analysis.advice.sizing import BUFFER_GOALS, bulk_flows, goal_evidence, limited_flows, memory_cap, need
from analysis.advice.units import MIB, memory, rate
from analysis.text import N_, say

KEY: Final = "net.ipv4.tcp_wmem"


def decide(situation: Situation) -> Outcome:
    """Raise the maximum where flows are held back by it, or where the goal's path holds more."""
    wanted = situation.goal in BUFFER_GOALS
    limited = limited_flows(situation, "sndbuf_limited_us") if situation.flows is not None or not wanted else ()
    if not limited and not wanted:
        return _nothing_seen(situation)
    low, middle, high = situation.numbers(f"sysctl.{KEY}")
    factor = 3 if planned(situation) == "bbr" else 2
    needed = need(situation, factor)
    target = min(-(-needed.count // MIB) * MIB, memory_cap(situation))
    if target <= high:
        return _enough(high, bool(limited))
    before, after = (min(needed.bps, count / factor * 8 / needed.rtt_s) for count in (high, target))
    return Proposal(
        severity="warn",
        confidence=needed.confidence,
        evidence=(
            *limited,
            *((goal_evidence(situation),) if wanted else ()),
            situation.evidence(f"sysctl.{KEY}"),
            *needed.evidence,
        ),
        formula=needed.formula,
        effect=say(N_("ceiling of one flow {before} → {after}"), before=rate(before), after=rate(after)),
        changes=(
            sysctl(
                situation,
                KEY,
                f"{low} {middle} {target}",
                say(N_("max {old} → {new} per socket"), old=memory(high), new=memory(target)),
            ),
        ),
        gain=after / before,
    )


def _nothing_seen(situation: Situation) -> Outcome:
    flows = bulk_flows(situation)
    if not flows:
        return Unsure(say(N_("No bulk transfer was seen: look again while one is running, or choose a goal.")))
    if all(flow.sndbuf_limited_us is None for flow in flows):
        return Unsure(say(N_("This kernel does not tell how long flows wait for their send buffer.")))
    return Keep(say(N_("No bulk flow waits for its send buffer; a larger one would not help.")))


def _enough(high: int, limited: bool) -> Outcome:
    if limited:
        return Keep(
            say(
                N_(
                    "The maximum, {max}, already covers the path; a flow that still waits set SO_SNDBUF "
                    "itself or shares a busy box."
                ),
                max=memory(high),
            )
        )
    return Keep(say(N_("The send buffer may grow to {max}, which this path does not exceed."), max=memory(high)))


RULE: Final = Rule(
    id="T2",
    title=say(N_("Let the send buffer cover the path")),
    risk="R0",
    scope="copied",
    persists="sysctl.d",
    authority=(
        "Linux net/ipv4/tcp_input.c tcp_sndbuf_expand(): 2 × window",
        "Linux net/ipv4/tcp_bbr.c bbr_sndbuf_expand(): 3 × window",
        "heuristic: limited means more than 5 % of busy time",
    ),
    decide=decide,
)
