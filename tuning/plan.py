"""From advice to what the executor is asked for, and from that to steps, checked on the privileged side again."""

import re
from collections.abc import Iterable, Sequence
from typing import Final

import msgspec

from analysis.advice.plan import Knob, Persists, Recommendation, Risk
from analysis.text import N_, Sentence, say
from tuning.deadman import DEFAULT_S, LONGEST_S, SHORTEST_S
from tuning.failure import Refused
from tuning.host import Host
from tuning.journal import new_id
from tuning.knobs.registry import KNOBS
from tuning.steps import Step, shown

_RISKS: Final[tuple[Risk, ...]] = ("R0", "R1", "R2", "R3", "R4")
_BY_HAND: Final[frozenset[Risk]] = frozenset({"R3", "R4"})
_ID: Final = re.compile(r"\d{8}-\d{6}-[0-9a-f]{6}")
_MOST: Final = 64
_RESHAPES: Final = "channels"
_SHAPED: Final = frozenset({"qdisc", "shaping", "rps", "irq", "ring"})
"""Making other queues takes these settings away, so they are not changed in one go with it."""
_ROOT: Final = frozenset({"qdisc", "shaping"})
_KEPT: Final[frozenset[Persists]] = frozenset({"sysctl.d", "modules-load.d", "udev", "unit", "limits.d"})


class Wanted(msgspec.Struct, frozen=True, omit_defaults=True):
    """One change as the executor is asked for it. `rule`: the advice it comes from."""

    knob: Knob
    key: str
    current: str
    proposed: str
    risk: Risk
    rule: str = ""
    persists: Persists = "none"


class Request(msgspec.Struct, frozen=True, omit_defaults=True):
    """A plan to try. `management`: interfaces that carry the session, None where that is not known."""

    id: str
    changes: tuple[Wanted, ...]
    goal: str = "none"
    management: tuple[str, ...] | None = None
    deadman_s: int = DEFAULT_S


class Refusal(msgspec.Struct, frozen=True):
    """A change that is left out, and why."""

    wanted: Wanted
    why: Sentence


def wanted_from(advice: Iterable[Recommendation]) -> tuple[Wanted, ...]:
    """Return every change that advice proposes, in its order."""
    return tuple(
        Wanted(c.knob, c.key, c.current, c.proposed, advised.risk, advised.id, advised.persists)
        for advised in advice
        for c in advised.changes
    )


def given(host: Host, knob: str, key: str, value: str, persists: Persists = "unit") -> Wanted:
    """Return a change of the person's own, from what is so now. Raises Refused."""
    found = KNOBS[knob]
    return Wanted(found.name, key, found.read(host, key), value, found.risk(key), "", persists)


def risk_of(wanted: Wanted, management: Sequence[str] | None) -> Risk:
    """Return how risky a change is here: never less than its knob says, R2 where it touches the session's path."""
    knob = KNOBS[wanted.knob]
    own = knob.risk(wanted.key)
    device = knob.device(wanted.key)
    if device is not None and own != "R0" and (management is None or device in management):
        own = "R2"
    return max(own, wanted.risk, key=_RISKS.index)


def sort_out(
    wanted: Iterable[Wanted], management: Sequence[str] | None
) -> tuple[tuple[Wanted, ...], tuple[Refusal, ...]]:
    """Return what can be tried together, and what was left out: R3 and R4 always, R2 unless it is the only change."""
    batch: list[Wanted] = []
    alone: list[Wanted] = []
    left_out: list[Refusal] = []
    for change in wanted:
        try:
            risk = risk_of(change, management)
        except Refused as refused:
            left_out.append(Refusal(change, refused.why))
            continue
        if risk in _BY_HAND:
            left_out.append(Refusal(change, _by_hand(change)))
        elif risk == "R2":
            alone.append(change)
        else:
            batch.append(change)
    if not batch and alone:
        batch, alone = alone[:1], alone[1:]
    left_out += [Refusal(change, _one_at_a_time(change)) for change in alone]
    return tuple(batch), tuple(left_out)


def request(
    changes: Iterable[Wanted],
    management: Sequence[str] | None,
    *,
    goal: str = "none",
    deadman_s: int = DEFAULT_S,
) -> Request:
    """Return a plan with a name of its own."""
    known = None if management is None else tuple(management)
    return Request(new_id(), tuple(changes), goal, known, deadman_s)


def steps(host: Host, asked: Request) -> tuple[Step, ...]:
    """Return what carries out a request, in order; nothing where all is so already. Raises Refused.

    Everything is checked here whoever asks: names, values, risks, and that the box still is as the plan says.
    """
    _check(asked)
    ordered = sorted(asked.changes, key=lambda change: KNOBS[change.knob].order)
    return tuple(step for change in ordered for step in _steps(host, change))


def _check(asked: Request) -> None:
    if not _ID.fullmatch(asked.id):
        raise Refused(say(N_("“{id}” is not the name of a plan."), id=asked.id))
    if not SHORTEST_S <= asked.deadman_s <= LONGEST_S:
        why = N_("The time to confirm must be from {low} to {high} seconds.")
        raise Refused(say(why, low=SHORTEST_S, high=LONGEST_S))
    if not 0 < len(asked.changes) <= _MOST:
        raise Refused(say(N_("A plan holds from 1 to {most} changes."), most=_MOST))
    places = [(change.knob, change.key) for change in asked.changes]
    if len(set(places)) != len(places):
        raise Refused(say(N_("The plan changes the same setting twice.")))
    accepted, left_out = sort_out(asked.changes, asked.management)
    if left_out:
        raise Refused(left_out[0].why)
    reshaped = {KNOBS[c.knob].device(c.key) for c in accepted if c.knob == _RESHAPES}
    if any(c.knob in _SHAPED and KNOBS[c.knob].device(c.key) in reshaped for c in accepted):
        raise Refused(say(N_("Other queues for a card are one plan, and what is set for its queues another.")))
    queued = [change.key for change in accepted if change.knob in _ROOT]
    if len(set(queued)) != len(queued):
        raise Refused(say(N_("A queue and shaping for the same interface are two plans: both replace its root.")))


def _steps(host: Host, change: Wanted) -> tuple[Step, ...]:
    knob = KNOBS[change.knob]
    now = knob.read(host, change.key)
    made = knob.steps(host, change.key, change.proposed)
    changing = tuple(step for step in made if step.changes)
    if changing and now != " ".join(change.current.split()):
        why = N_(
            "{key} is “{now}” and not “{planned}” as when the plan was made: somebody else is at work. Plan again."
        )
        raise Refused(say(why, key=change.key, now=now, planned=change.current))
    if change.persists in _KEPT:
        return changing
    return tuple(msgspec.structs.replace(step, keep="none") for step in changing)


def commands(made: Iterable[Step]) -> list[str]:
    """Return the steps as commands that a person can type."""
    return [shown(act) for step in made for act in step.apply]


def undo_commands(made: Sequence[Step]) -> list[str]:
    """Return the commands that put the steps back, in their order."""
    return [shown(act) for step in reversed(made) for act in step.undo]


def _by_hand(change: Wanted) -> Sentence:
    return say(N_("{key} is for a person to change: it needs a reboot, or affects other machines."), key=change.key)


def _one_at_a_time(change: Wanted) -> Sentence:
    return say(N_("{key} can cut the path of your session: it is tried alone, never with others."), key=change.key)
