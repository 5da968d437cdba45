"""The wizard as a machine without a screen: Goal → Facts → Baseline → Plan → Review → Apply → Verify → Decide.

`after(wizard, event)` is pure; `work(wizard)` tells what has to be done for the stage that it is in. Whoever shows it
does that work, with an applier that a replay does not have, and hands the result back as the next event. Back works
until something is applied; the answer that is proposed is always the one that changes nothing.
"""

from collections.abc import Callable
from typing import Final, Literal, Protocol, TypeAlias

import msgspec
from msgspec.structs import replace

from analysis.advice.plan import Goal, Plan
from analysis.text import N_, Sentence, say
from tuning.plan import Refusal, Request, Wanted, risk_of, sort_out, wanted_from
from tuning.reports import Order, Report
from tuning.verify import Comparison, Metric, Reach, compare, lost, should_keep

Stage: TypeAlias = Literal["goal", "facts", "baseline", "plan", "review", "apply", "verify", "decide", "end"]
STAGES: Final[tuple[Stage, ...]] = ("goal", "facts", "baseline", "plan", "review", "apply", "verify", "decide", "end")
Work: TypeAlias = Literal["read facts", "measure", "apply", "confirm", "rollback"]
_WORK: Final[dict[Stage, Work]] = {
    "facts": "read facts",
    "baseline": "measure",
    "apply": "apply",
    "verify": "measure",
}
"""Answered by `Found`, `Measured`, `Reported`… and `Ended`."""
Answer: TypeAlias = Literal["next", "back", "keep", "roll back", "leave"]


class Measured(msgspec.Struct, frozen=True):
    """What answered, and the values of the metric."""

    reach: Reach
    values: tuple[float, ...] = ()


class Wizard(msgspec.Struct, frozen=True):
    """Where the person is, and everything that was found and chosen on the way. `replay`: nothing can be applied."""

    stage: Stage = "goal"
    replay: bool = False
    goal: Goal = "none"
    metric: Metric | None = None
    advice: Plan | None = None
    management: tuple[str, ...] | None = None
    left_out: frozenset[tuple[str, str]] = frozenset()
    """Knob and key of changes that the person does not want."""
    before: Measured | None = None
    request: Request | None = None
    reports: tuple[Report, ...] = ()
    later: Measured | None = None
    order: Literal["confirm", "rollback"] | None = None
    note: Sentence | None = None
    """What the person has to know about the last answer."""

    @property
    def changes(self) -> tuple[Wanted, ...]:
        """Return every change that the advice proposes."""
        return () if self.advice is None else wanted_from(self.advice.recommendations)

    @property
    def sorted_out(self) -> tuple[tuple[Wanted, ...], tuple[Refusal, ...]]:
        """Return what would be tried of what is wanted, and what would not and why."""
        wanted = [change for change in self.changes if (change.knob, change.key) not in self.left_out]
        return sort_out(wanted, self.management)

    @property
    def comparison(self) -> Comparison | None:
        """Return before and after, None where there is no metric or it was not measured twice."""
        if self.metric is None or self.before is None or self.later is None:
            return None
        return compare(self.metric, self.before.values, self.later.values)

    @property
    def cut_off(self) -> tuple[Sentence, ...]:
        """Return what answered before the change and does not after it."""
        return () if self.before is None or self.later is None else lost(self.before.reach, self.later.reach)

    @property
    def applied(self) -> bool:
        """Whether the box differs from how it was found, as far as the executor has told."""
        events = [report.event for report in self.reports]
        return "armed" in events and "rolled-back" not in events

    @property
    def deadline_ns(self) -> int:
        """Return until when it has to be confirmed, ns since the epoch; 0 where nothing runs."""
        return max((report.deadline_ns for report in self.reports), default=0) if self.applied else 0


class Chosen(msgspec.Struct, frozen=True):
    """The goal, and the metric that will decide."""

    goal: Goal
    metric: Metric | None = None


class Found(msgspec.Struct, frozen=True):
    """Advice for the goal, and the interfaces that carry the session (None where that is not known)."""

    advice: Plan
    management: tuple[str, ...] | None = None


class Toggled(msgspec.Struct, frozen=True):
    """The person wants a change, or no longer."""

    change: Wanted


class Answered(msgspec.Struct, frozen=True):
    """What the person answered. `request`: the plan as reviewed, with "next" at the review."""

    answer: Answer
    request: Request | None = None


class Reported(msgspec.Struct, frozen=True):
    """Something the executor told."""

    report: Report


class Ended(msgspec.Struct, frozen=True):
    """The executor has ended. `well`: everything went as ordered."""

    well: bool


class TimeOver(msgspec.Struct, frozen=True):
    """The countdown has run out: the dead-man is putting everything back."""


Event: TypeAlias = Chosen | Found | Measured | Toggled | Answered | Reported | Ended | TimeOver


class Applier(Protocol):
    """Carries out orders on this box. A replay has none."""

    def start(self, order: Order, tell: Callable[[Event], None]) -> None:
        """Begin; reports and the end come as events, from another thread."""
        ...


def after(wizard: Wizard, event: Event) -> Wizard:
    """Return the wizard after an event; one that does not fit the stage changes nothing but perhaps the note."""
    plain = replace(wizard, note=None)
    match event:
        case Chosen(goal, metric):
            return replace(plain, goal=goal, metric=metric) if wizard.stage == "goal" else wizard
        case Found(advice, management):
            if wizard.stage != "facts":
                return wizard
            return replace(plain, stage="baseline", advice=advice, management=management, left_out=frozenset())
        case Measured():
            return _measured(plain, event)
        case Toggled(change):
            return _toggled(plain, change) if wizard.stage in {"plan", "review"} else wizard
        case Answered(answer, request):
            return _answered(plain, answer, request)
        case Reported(report):
            return replace(wizard, reports=(*wizard.reports, report))
        case Ended(well):
            return _ended(plain, well)
        case TimeOver():
            over = say(N_("Nobody confirmed in time: everything is being put back."))
            return replace(wizard, stage="end", note=over) if wizard.applied else wizard


def proposed(wizard: Wizard) -> Answer:
    """Return the answer that Enter gives: never one that changes the box."""
    match wizard.stage:
        case "review":
            return "back"
        case "decide":
            better = (
                wizard.before
                and wizard.later
                and should_keep(wizard.before.reach, wizard.later.reach, wizard.comparison)
            )
            return "keep" if better and not _risky(wizard) else "roll back"
        case "end":
            return "leave"
        case _:
            return "next"


def may_go_back(wizard: Wizard) -> bool:
    """Say whether Back works: until something is applied."""
    return wizard.stage not in {"goal", "apply", "verify", "decide", "end"}


def work(wizard: Wizard) -> Work | None:
    """Return what has to be done now, None where it is the person's turn. The result comes as the next event."""
    if wizard.order:
        return wizard.order
    return _WORK.get(wizard.stage)


def _measured(wizard: Wizard, measured: Measured) -> Wizard:
    if wizard.stage == "baseline":
        return replace(wizard, stage="plan", before=measured)
    if wizard.stage == "verify":
        return replace(wizard, stage="decide", later=measured)
    return wizard


def _toggled(wizard: Wizard, change: Wanted) -> Wizard:
    return replace(wizard, left_out=wizard.left_out ^ {(change.knob, change.key)})


def _answered(wizard: Wizard, answer: Answer, request: Request | None) -> Wizard:
    if answer == "leave" and not wizard.applied:
        return replace(wizard, stage="end")
    if answer == "back" and may_go_back(wizard):
        return replace(wizard, stage=_BACK[wizard.stage])
    if answer == "next" and wizard.stage in _NEXT:
        return _NEXT[wizard.stage](wizard, request)
    if answer == "keep" and wizard.stage == "decide" and not wizard.order:
        return replace(wizard, order="confirm")
    if answer == "roll back" and wizard.stage in {"verify", "decide"} and not wizard.order:
        return replace(wizard, order="rollback")
    return wizard


_BACK: Final[dict[Stage, Stage]] = {"facts": "goal", "baseline": "goal", "plan": "goal", "review": "plan"}
"""Work that has been done is not done again on the way back."""


def _to_apply(wizard: Wizard, request: Request | None) -> Wizard:
    if wizard.replay:
        return replace(wizard, note=say(N_("This is a recording: a plan can be made, but nothing applied.")))
    if request is None or not request.changes:
        return replace(wizard, note=say(N_("Nothing is chosen, so there is nothing to apply.")))
    if set(request.changes) - set(wizard.sorted_out[0]):
        return replace(wizard, note=say(N_("The plan is not the one that was reviewed.")))
    return replace(wizard, stage="apply", request=request, reports=())


_NEXT: Final[dict[Stage, Callable[[Wizard, Request | None], Wizard]]] = {
    "goal": lambda wizard, _: replace(wizard, stage="facts", advice=None, before=None),
    "plan": lambda wizard, _: replace(wizard, stage="review"),
    "review": _to_apply,
}


def _ended(wizard: Wizard, well: bool) -> Wizard:
    """The executor is done: with applying, or with keeping or rolling back."""
    if wizard.order == "confirm" and not well and wizard.applied and not _kept(wizard):
        failed = say(N_("It could not be kept; unless you confirm again, it goes back by itself."))
        return replace(wizard, order=None, note=failed)
    if wizard.order:
        return replace(wizard, stage="end", order=None)
    if wizard.stage != "apply":
        return wizard
    if well and wizard.applied:
        return replace(wizard, stage="verify")
    stopped = say(N_("It ended too early; the dead-man puts everything back.")) if wizard.applied else None
    return replace(wizard, stage="end", note=stopped)


def _kept(wizard: Wizard) -> bool:
    return any(report.event == "kept" for report in wizard.reports)


def _risky(wizard: Wizard) -> bool:
    """A change that can cut the session's path is kept by a deliberate answer only."""
    return any(
        risk_of(change, wizard.management) == "R2" for change in (wizard.request.changes if wizard.request else ())
    )
