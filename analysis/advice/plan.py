"""The plan that advice ends in: schema `longpipe.plan/1`, with every rule in exactly one of four lists."""

from collections.abc import Callable
from typing import Any, Final, Literal, TypeAlias

import msgspec

from analysis.text import Sentence

SCHEMA: Final = "longpipe.plan/1"

Goal: TypeAlias = Literal["none", "long-path", "lossless-fabric", "inference-across-sites", "storage"]
Severity: TypeAlias = Literal["bad", "warn", "info"]
Confidence: TypeAlias = Literal["high", "medium", "low"]
Risk: TypeAlias = Literal["R0", "R1", "R2", "R3", "R4"]
"""R0 runtime, no traffic effect. R1 brief disturbance. R2 can cut the management path. R3 reboot or driver reload.
R4 affects other hosts. R3 and R4 are carried out by a person, never by the program."""
Scope: TypeAlias = Literal["host", "read-only", "copied", "netns", "device", "login", "application", "fabric"]
"""Where a setting holds: only in the first network namespace; readable but fixed in a container; copied when a
namespace is made; per namespace; one device; new logins; one application; other machines too."""
Persists: TypeAlias = Literal[
    "sysctl.d", "modules-load.d", "udev", "netplan", "limits.d", "unit", "application", "none"
]
Knob: TypeAlias = Literal[
    "sysctl",
    "qdisc",
    "shaping",
    "module",
    "ring",
    "channels",
    "coalesce",
    "feature",
    "rps",
    "irq",
    "mtu",
    "rdma",
    "rdma-link",
    "limit",
]


class Part(msgspec.Struct, frozen=True):
    """A part of a plan: plain data, compared by value."""


class Evidence(Part, frozen=True):
    """One measurement or fact a recommendation rests on. `source`: where a person would check it."""

    fact: str
    value: str | int | float
    source: Sentence


class Change(Part, frozen=True):
    """One value to write. `current` is what was read, `undo` the command that puts it back by hand."""

    knob: Knob
    key: str
    current: str
    proposed: str
    meaning: Sentence
    undo: str


class Generated(Part, frozen=True):
    """A file that belongs on the box, never written over one that is there. `mode` in octal: "0600"."""

    path: str
    mode: str
    text: str


class Recommendation(Part, frozen=True):
    """What to change and why. `gain`: expected factor on what the person wants, None where no number is honest."""

    id: str
    title: Sentence
    severity: Severity
    confidence: Confidence
    evidence: tuple[Evidence, ...]
    formula: Sentence
    effect: Sentence
    authority: tuple[str, ...]
    risk: Risk
    scope: Scope
    persists: Persists
    changes: tuple[Change, ...] = ()
    instructions: tuple[Sentence, ...] = ()
    gain: float | None = None
    files: tuple[Generated, ...] = ()


class Kept(Part, frozen=True):
    """The rule looked and found nothing to change."""

    id: str
    why: Sentence


class NotApplicable(Part, frozen=True):
    """What the rule is about is not on this box."""

    id: str
    why: Sentence


class Unknown(Part, frozen=True):
    """The rule could not tell; `why` says what is missing."""

    id: str
    why: Sentence


Verdict: TypeAlias = Recommendation | Kept | NotApplicable | Unknown


class Plan(Part, frozen=True):
    """Every rule's verdict. `facts_time`: when the facts were read, ISO 8601 in UTC."""

    goal: Goal
    facts_time: str
    container: bool
    recommendations: tuple[Recommendation, ...] = ()
    kept: tuple[Kept, ...] = ()
    not_applicable: tuple[NotApplicable, ...] = ()
    unknown: tuple[Unknown, ...] = ()


def rendered(plan: Plan, tell: Callable[[Sentence], str] = str) -> dict[str, Any]:
    """Return `plan` as JSON-ready data of schema `longpipe.plan/1`, each Sentence told by `tell`."""
    return {"schema": SCHEMA, **_plain(plan, tell)}


def _plain(value: Any, tell: Callable[[Sentence], str]) -> Any:  # noqa: ANN401 - walks data of any shape
    if isinstance(value, Sentence):
        return tell(value)
    if isinstance(value, Part):
        fields = {name: getattr(value, name) for name in value.__struct_fields__}
        return {name: _plain(part, tell) for name, part in fields.items() if part is not None}
    if isinstance(value, tuple):
        return [_plain(part, tell) for part in value]
    return value
