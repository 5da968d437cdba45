"""T9: paths that swallow large packets without a word."""

from typing import Final

from analysis.advice.changes import sysctl
from analysis.advice.plan import Evidence
from analysis.advice.rule import Keep, Outcome, Proposal, Rule, Unsure
from analysis.advice.situation import Situation
from analysis.text import N_, say

KEY: Final = "net.ipv4.tcp_mtu_probing"


def decide(situation: Situation) -> Outcome:
    """Propose 1, never 2: probe only after a black hole was met."""
    if situation.number(f"sysctl.{KEY}") >= 1:
        return Keep(say(N_("TCP finds its way around such paths already.")))
    swallowed = [path for path in situation.paths if path.silent_above_bytes is not None]
    if swallowed:
        return Proposal(
            severity="warn",
            confidence="high",
            evidence=tuple(
                Evidence(
                    f"silent_above_bytes.{p.target}",
                    p.silent_above_bytes or 0,
                    say(N_("probes that may not be fragmented")),
                )
                for p in swallowed
            ),
            formula=say(
                N_("packets above {size} bytes vanish without an ICMP error"),
                size=min(p.silent_above_bytes or 0 for p in swallowed),
            ),
            effect=say(N_("connections to it no longer hang at their first large write")),
            changes=(sysctl(situation, KEY, "1", say(N_("smaller segments are tried after time-outs"))),),
            instructions=(
                say(N_("Better still, find who drops ICMP “fragmentation needed” on the way and let it pass.")),
            ),
        )
    if any(path.largest_bytes is not None for path in situation.paths):
        return Keep(say(N_("Large packets pass, or are refused aloud, on every path tried.")))
    return Unsure(say(N_("No path was tried with large packets that may not be fragmented.")))


RULE: Final = Rule(
    id="T9",
    title=say(N_("Survive paths that swallow large packets")),
    risk="R0",
    scope="netns",
    persists="sysctl.d",
    authority=("Linux Documentation/networking/ip-sysctl.rst: tcp_mtu_probing", "RFC 4821"),
    decide=decide,
)
