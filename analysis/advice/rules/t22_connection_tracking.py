"""T22: the connection tracking table fills up."""

from typing import Final

from analysis.advice.changes import sysctl
from analysis.advice.plan import Change
from analysis.advice.rule import Irrelevant, Keep, Outcome, Proposal, Rule
from analysis.advice.situation import Situation
from analysis.advice.units import memory
from analysis.text import N_, say
from analysis.units import percent

COUNT: Final = "net.netfilter.nf_conntrack_count"
LIMIT: Final = "net.netfilter.nf_conntrack_max"
BUCKETS: Final = "net.netfilter.nf_conntrack_buckets"
_FULL: Final = 0.75
_ENTRY_BYTES: Final = 320
_MEMORY_SHARE: Final = 1 / 16


def decide(situation: Situation) -> Outcome:
    """Propose twice the table above three quarters full, as far as a sixteenth of RAM goes."""
    if situation.find(f"sysctl.{LIMIT}") is None and situation.find("module.nf_conntrack") in {
        "available",
        "missing",
        "absent",
    }:
        return Irrelevant(say(N_("Connections are not tracked here: nf_conntrack is not loaded.")))
    count, limit = situation.number(f"sysctl.{COUNT}"), situation.number(f"sysctl.{LIMIT}")
    if limit <= 0 or count / limit <= _FULL:
        return Keep(say(N_("{count} of {limit} connections are tracked."), count=count, limit=limit or "∞"))
    target = 2 * limit
    total = situation.find_number("memory.total_bytes")
    fits = total is None or target * _ENTRY_BYTES <= total * _MEMORY_SHARE
    return Proposal(
        severity="bad" if count / limit > 0.95 else "warn",
        confidence="high",
        evidence=(situation.evidence(f"sysctl.{COUNT}"), situation.evidence(f"sysctl.{LIMIT}")),
        formula=say(
            N_("{count} / {limit} = {ratio} > 75 %; 2 × {limit} = {target}"),
            count=count,
            limit=limit,
            ratio=percent(count / limit),
            target=target,
        ),
        effect=say(N_("new connections are not dropped when the table is full")),
        changes=_changes(situation, target) if fits else (),
        instructions=(say(N_("Or leave the bulk ports untracked (nftables notrack): they need no entry.")),),
    )


def _changes(situation: Situation, target: int) -> tuple[Change, ...]:
    meaning = say(N_("twice the connections, up to {bytes} of kernel memory"), bytes=memory(target * _ENTRY_BYTES))
    table = sysctl(situation, LIMIT, str(target), meaning)
    buckets = situation.find_number(f"sysctl.{BUCKETS}")
    if buckets is None or buckets >= target // 2:
        return (table,)
    return (
        table,
        sysctl(
            situation, BUCKETS, str(target // 2), say(N_("at most two entries per bucket, so look-ups stay short"))
        ),
    )


RULE: Final = Rule(
    id="T22",
    title=say(N_("Enlarge the connection tracking table")),
    risk="R0",
    scope="host",
    persists="sysctl.d",
    authority=("Linux Documentation/networking/nf_conntrack-sysctl.rst", "heuristic: 75 % full, 1/16 of RAM"),
    decide=decide,
)
