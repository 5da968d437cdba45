"""What a rule is: fixed metadata and one pure function from a situation to an outcome."""

from collections.abc import Callable
from typing import TypeAlias

import msgspec

from analysis.advice.plan import Change, Confidence, Evidence, Generated, Persists, Risk, Scope, Severity
from analysis.advice.situation import Situation
from analysis.text import Sentence


class Proposal(msgspec.Struct, frozen=True, kw_only=True):
    """The rule fired. `risk` replaces the rule's own, for example on the management path."""

    severity: Severity
    confidence: Confidence
    evidence: tuple[Evidence, ...]
    formula: Sentence
    effect: Sentence
    changes: tuple[Change, ...] = ()
    instructions: tuple[Sentence, ...] = ()
    risk: Risk | None = None
    gain: float | None = None
    files: tuple[Generated, ...] = ()


class Keep(msgspec.Struct, frozen=True):
    """All is well as it is, or nothing measured asks for a change."""

    why: Sentence


class Irrelevant(msgspec.Struct, frozen=True):
    """The box has nothing that this rule is about."""

    why: Sentence


class Unsure(msgspec.Struct, frozen=True):
    """Not enough is known. A fact that is missing altogether raises `situation.Missing` instead."""

    why: Sentence


Outcome: TypeAlias = Proposal | Keep | Irrelevant | Unsure


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """One piece of advice. `decide` is pure; it may raise `Missing` and nothing else.

    `authority` names the documents and source files that the formula comes from; "heuristic" where there is none.
    """

    id: str
    title: Sentence
    risk: Risk
    scope: Scope
    persists: Persists
    authority: tuple[str, ...]
    decide: Callable[[Situation], Outcome]
