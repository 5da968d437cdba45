"""Advice, plans and trials as lines of text."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from analysis.advice.plan import Change, Plan, Recommendation
from tui.severity import of_advice, word
from tui.text import N_, _, named, tell
from tui.widgets.clean import clean
from tuning.conflicts import Setter
from tuning.plan import Refusal, commands, undo_commands
from tuning.reports import Report
from tuning.status import StepStatus, TrialStatus
from tuning.steps import Step

_STATES = {
    "planned": N_("begun"),
    "armed": N_("being tried"),
    "applied": N_("in force"),
    "confirmed": N_("kept"),
    "reverted": N_("put back"),
    "conflict": N_("left as somebody else has set it"),
    "failed": N_("failed"),
}


def advice(plan: Plan, *, everything: bool) -> Iterator[str]:
    """Yield every recommendation in full, and how the other rules ended; `everything`: each of them."""
    for advised in plan.recommendations:
        yield from _recommendation(advised)
        yield ""
    if not plan.recommendations:
        yield _("Nothing measured asks for a change.")
    rest = ((_("kept"), plan.kept), (_("not applicable"), plan.not_applicable), (_("not known"), plan.unknown))
    for name, verdicts in rest:
        if everything:
            yield from (f"{verdict.id:4}{named(name, clean(tell(verdict.why)))}" for verdict in verdicts)
        elif verdicts:
            yield named(name, " ".join(verdict.id for verdict in verdicts))
    if not everything and any(verdicts for _name, verdicts in rest):
        yield _("Why: longpipe tune plan --all")


def _recommendation(advised: Recommendation) -> Iterator[str]:
    yield f"{word(of_advice(advised.severity))} {advised.id} {clean(tell(advised.title))} [{advised.risk}]"
    yield f"  {clean(tell(advised.formula))}"
    yield f"  → {clean(tell(advised.effect))}"
    for change in advised.changes:
        yield from _change(change)
    for number, instruction in enumerate(advised.instructions, 1):
        yield f"  {number}. {clean(tell(instruction))}"
    for file in advised.files:
        yield f"  {clean(file.path)} ({file.mode}):"
        yield from (f"    {clean(line)}" for line in file.text.splitlines())


def _change(change: Change) -> Iterator[str]:
    yield f"  {change.key}"
    yield f"    - {clean(change.current)}"
    yield f"    + {clean(change.proposed)}   {clean(tell(change.meaning))}"
    yield "    " + _("by hand back: {command}", command=clean(change.undo))


def review(made: Sequence[Step], left_out: Sequence[Refusal], others: Sequence[Setter]) -> Iterator[str]:
    """Yield what would be done and undone, what is left out and why, and who else sets the same."""
    yield from (f"  {clean(command)}" for command in commands(made))
    yield from ("  " + _("by hand back: {command}", command=clean(command)) for command in undo_commands(made))
    yield from (_("left out: {why}", why=clean(tell(refusal.why))) for refusal in left_out)
    yield from (_("note: {text}", text=clean(tell(other.text))) for other in others)


def report(told: Report) -> str | None:
    """Return a line for one thing that the executor told, None where there is nothing to say."""
    text = clean(tell(told.text)) if told.text else ""
    match told.event:
        case "armed":
            return _("Should this session die, everything goes back at {time}.", time=clock(told.deadline_ns))
        case "step":
            line = _("{key}: {state}", key=clean(told.key), state=_(_STATES[told.state or "planned"]))
            return f"{line}. {text}" if text else line
        case "file" if not text:
            return _("written: {path}", path=clean(told.key))
        case "rolled-back":
            done = _("Everything that was ours to put back is as it was found.")
            return f"{text} {done}".lstrip()
        case "kept":
            return _("Kept: plan {plan}.", plan=clean(told.plan))
        case _:
            return text or None


def trials(found: Sequence[TrialStatus]) -> Iterator[str]:
    """Yield every plan that is in force or waits for an answer, else the last one."""
    shown = [trial for trial in found if trial.in_force] or list(found[-1:])
    if not shown:
        yield _("longpipe has changed nothing on this box.")
    for trial in shown:
        yield _("plan {plan}: {state}", plan=clean(trial.plan), state=_(_STATES[trial.state]))
        if trial.pending:
            yield "  " + _(
                "goes back at {time} unless confirmed: longpipe tune confirm", time=clock(trial.deadline_ns)
            )
        elif trial.rebooted and trial.state != "confirmed":
            yield "  " + _("the box was restarted since, which ends a trial")
        elif trial.in_force and trial.state != "confirmed":
            yield "  " + _("was cut short; close it: longpipe tune rollback")
        yield from (f"  {line}" for step in trial.steps for line in _step(step))


def _step(step: StepStatus) -> Iterator[str]:
    yield f"{clean(step.key)}: {clean(step.old)} → {clean(step.new)} ({_(_STATES[step.state])})"
    if step.drifted:
        yield "  " + _("changed since: it is {now} now", now=clean(step.now or "–"))


def clock(at_ns: int) -> str:
    """Return a time of day in the box's own time zone."""
    return datetime.fromtimestamp(at_ns / 1e9).astimezone().strftime("%H:%M:%S")
