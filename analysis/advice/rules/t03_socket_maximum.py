"""T3: what an application may ask for itself (SO_RCVBUF), which UDP and QUIC must."""

from typing import Final

from analysis.advice.changes import sysctl
from analysis.advice.plan import Evidence
from analysis.advice.rule import Keep, Outcome, Proposal, Rule
from analysis.advice.situation import Missing, Situation
from analysis.advice.sizing import need
from analysis.advice.units import duration, memory
from analysis.text import N_, say

_KEYS: Final = {"UdpRcvbufErrors": "net.core.rmem_max", "UdpSndbufErrors": "net.core.wmem_max"}


def decide(situation: Situation) -> Outcome:
    """Raise the maximum of the direction in which UDP datagrams are dropped at full socket buffers."""
    growth = situation.observed()
    known = {name: growth.tcp[name] for name in _KEYS if name in growth.tcp}
    if not known:
        raise Missing(say(N_("The counters of UDP socket buffers were not read.")))
    full = {name: count for name, count in known.items() if count}
    if not full:
        return Keep(say(N_("No datagram met a full socket buffer in {time}."), time=duration(growth.seconds)))
    needed = need(situation, 2)
    changes = tuple(
        sysctl(
            situation,
            _KEYS[name],
            str(needed.count),
            say(N_("an application may ask for {bytes}"), bytes=memory(needed.count)),
        )
        for name in full
        if situation.number(f"sysctl.{_KEYS[name]}") < needed.count
    )
    if not changes:
        return Keep(
            say(N_("The maximum covers the path; the application must ask for more (SO_RCVBUF) or read faster."))
        )
    source = say(N_("growth within {time}"), time=duration(growth.seconds))
    return Proposal(
        severity="warn",
        confidence="medium",
        evidence=(*(Evidence(name, count, source) for name, count in full.items()), *needed.evidence),
        formula=needed.formula,
        effect=say(N_("bursts of datagrams wait instead of being dropped in this box")),
        changes=changes,
        instructions=(
            say(
                N_(
                    "The application must ask for the larger buffer (SO_RCVBUF, SO_SNDBUF); the defaults "
                    "stay as they are."
                )
            ),
        ),
    )


RULE: Final = Rule(
    id="T3",
    title=say(N_("Let applications ask for larger socket buffers")),
    risk="R0",
    scope="read-only",
    persists="sysctl.d",
    authority=("Linux Documentation/admin-guide/sysctl/net.rst: rmem_max, wmem_max",),
    decide=decide,
)
