"""Run every rule over a situation; each ends in exactly one of four lists, so silence is never an answer."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from msgspec.structs import replace

from analysis.advice.plan import Change, Kept, NotApplicable, Plan, Recommendation, Severity, Unknown, Verdict
from analysis.advice.registry import RULES
from analysis.advice.rule import Irrelevant, Keep, Proposal, Rule, Unsure
from analysis.advice.situation import Missing, Situation
from analysis.text import N_, Sentence, say

_ORDER: Final[dict[Severity, int]] = {"bad": 0, "warn": 1, "info": 2}
_OPERATOR_ONLY: Final = frozenset({"host", "read-only", "device"})


def advise(situation: Situation, rules: Sequence[Rule] = RULES) -> Plan:
    """Return the plan for `situation`: recommendations by severity, then by gain, then in the rules' order."""
    verdicts = [judge(rule, situation) for rule in rules]
    recommended = [verdict for verdict in verdicts if isinstance(verdict, Recommendation)]
    return Plan(
        goal=situation.goal,
        facts_time=datetime.fromtimestamp(situation.time_ns // 1_000_000_000, UTC).isoformat(),
        container=situation.container,
        recommendations=tuple(sorted(recommended, key=lambda r: (_ORDER[r.severity], -(r.gain or 0.0)))),
        kept=tuple(verdict for verdict in verdicts if isinstance(verdict, Kept)),
        not_applicable=tuple(verdict for verdict in verdicts if isinstance(verdict, NotApplicable)),
        unknown=tuple(verdict for verdict in verdicts if isinstance(verdict, Unknown)),
    )


def judge(rule: Rule, situation: Situation) -> Verdict:
    """Return what `rule` says of `situation`."""
    try:
        outcome = rule.decide(situation)
    except Missing as missing:
        return Unknown(rule.id, missing.why)
    match outcome:
        case Keep(why):
            return Kept(rule.id, why)
        case Irrelevant(why):
            return NotApplicable(rule.id, why)
        case Unsure(why):
            return Unknown(rule.id, why)
        case Proposal():
            return _handed_over(_recommendation(rule, outcome), situation)


def _recommendation(rule: Rule, proposal: Proposal) -> Recommendation:
    return Recommendation(
        id=rule.id,
        title=rule.title,
        severity=proposal.severity,
        confidence=proposal.confidence,
        evidence=proposal.evidence,
        formula=proposal.formula,
        effect=proposal.effect,
        authority=rule.authority,
        risk=proposal.risk or rule.risk,
        scope=rule.scope,
        persists=rule.persists,
        changes=proposal.changes,
        instructions=proposal.instructions,
        gain=proposal.gain,
        files=proposal.files,
    )


def _handed_over(advice: Recommendation, situation: Situation) -> Recommendation:
    """Say who must act: in a container the operator of the host, where the setting is not the container's."""
    if advice.scope == "copied" and not situation.container:
        note = say(
            N_("Containers that already run keep their old value; those started afterwards inherit the new one.")
        )
        return replace(advice, instructions=(*advice.instructions, note)) if advice.changes else advice
    if not situation.container or not advice.changes:
        return advice
    if advice.scope in _OPERATOR_ONLY:
        orders = tuple(_for_operator(change) for change in advice.changes)
        return replace(advice, changes=(), instructions=(*orders, *advice.instructions))
    orders = tuple(_for_starter(change) for change in advice.changes if change.knob == "sysctl")
    return replace(advice, instructions=(*advice.instructions, *orders))


def _for_operator(change: Change) -> Sentence:
    return say(
        N_(
            "This container cannot set {key}: ask the operator of the host to change it from {current} to {proposed}."
        ),
        key=change.key,
        current=change.current,
        proposed=change.proposed,
    )


def _for_starter(change: Change) -> Sentence:
    return say(
        N_("If this container may not write it: start the container with --sysctl '{key}={proposed}'."),
        key=change.key,
        proposed=change.proposed,
    )
