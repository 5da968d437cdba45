"""T10: connections lost at full accept queues."""

from typing import Final

from analysis.advice.changes import sysctl
from analysis.advice.plan import Change, Evidence
from analysis.advice.rule import Keep, Outcome, Proposal, Rule
from analysis.advice.situation import Missing, Situation
from analysis.advice.units import duration
from analysis.text import N_, say

LIMIT: Final = "net.core.somaxconn"
SYN: Final = "net.ipv4.tcp_max_syn_backlog"
_COUNTERS: Final = ("TcpExtListenOverflows", "TcpExtListenDrops")
_FIRST, _MOST = 4096, 8192


def decide(situation: Situation) -> Outcome:
    """Propose longer queues while listen overflows grow; the application must ask for a longer one too."""
    growth = situation.observed()
    known = {name: growth.tcp[name] for name in _COUNTERS if name in growth.tcp}
    if not known:
        raise Missing(say(N_("The counters ListenOverflows and ListenDrops were not read.")))
    if not any(known.values()):
        return Keep(
            say(N_("No connection was lost at a full accept queue in {time}."), time=duration(growth.seconds))
        )
    current = situation.number(f"sysctl.{LIMIT}")
    target = max(current, _FIRST if current < _FIRST else _MOST)
    source = say(N_("growth within {time}"), time=duration(growth.seconds))
    return Proposal(
        severity="warn",
        confidence="high",
        evidence=(
            *(Evidence(name, count, source) for name, count in known.items()),
            situation.evidence(f"sysctl.{LIMIT}"),
        ),
        formula=say(N_("queue = min(backlog of listen(), somaxconn) = min(?, {current})"), current=current),
        effect=say(N_("connections that arrive together wait instead of being dropped and tried again after 1 s")),
        changes=_changes(situation, target),
        instructions=(
            say(
                N_(
                    "Raise the backlog that the application passes to listen() to the same value and restart "
                    "it; ss -ltn shows it as Send-Q. Which application overflows cannot be seen from these "
                    "counters."
                )
            ),
        ),
    )


def _changes(situation: Situation, target: int) -> tuple[Change, ...]:
    meaning = say(N_("up to {n} connections wait to be accepted"), n=target)
    syn_meaning = say(N_("up to {n} half-open connections per listener"), n=target)
    wanted = ((LIMIT, meaning), (SYN, syn_meaning))
    return tuple(
        sysctl(situation, key, str(target), text)
        for key, text in wanted
        if situation.number(f"sysctl.{key}") < target
    )


RULE: Final = Rule(
    id="T10",
    title=say(N_("Lengthen the queue of waiting connections")),
    risk="R0",
    scope="netns",
    persists="sysctl.d",
    authority=("Linux Documentation/networking/ip-sysctl.rst: somaxconn, tcp_max_syn_backlog",),
    decide=decide,
)
