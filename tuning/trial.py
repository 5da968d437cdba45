"""A trial: apply a plan to the running kernel, keep it, or put it back."""

import contextlib
import time
from collections.abc import Callable
from typing import Final, TypeAlias

from analysis.text import N_, Sentence, say
from tuning import deadman
from tuning.failure import Conflict, Refused
from tuning.host import Host
from tuning.journal import Journal, Record, State, Trial, alone
from tuning.keep import write_files
from tuning.plan import Request, steps
from tuning.reports import Report
from tuning.steps import Step
from tuning.undo import is_same, roll_back

Tell: TypeAlias = Callable[[Report], None]
_S: Final = 10**9


def apply(host: Host, asked: Request, tell: Tell, tool: str) -> bool:
    """Try a plan; return whether all of it is in force now. Raises Refused where nothing was changed.

    Whatever happens from the first write on, the dead-man puts everything back unless somebody confirms.
    """
    with alone(host):
        journal = Journal(host)
        _clear_the_way(host, journal)
        made = steps(host, asked)
        if not made:
            tell(Report("nothing", asked.id, text=say(N_("Everything is so already; nothing was changed."))))
            return True
        journal.append(Record(asked.id, None, "planned", tool=tool, goal=asked.goal, steps=made))
        deadman.write(host, asked.id, made)
        by = deadman.arm(host, asked.id, asked.deadman_s)
        deadline_ns = time.time_ns() + asked.deadman_s * _S
        journal.append(Record(asked.id, None, "armed", by=by, deadline_ns=deadline_ns))
        tell(Report("armed", asked.id, by=by, deadline_ns=deadline_ns))
        why = _apply_all(host, journal, asked.id, made, tell)
        if why is None:
            tell(Report("applied", asked.id, deadline_ns=deadline_ns))
            return True
        _roll_back(host, journal, journal.trials()[asked.id], tell, "executor", why)
        return False


def confirm(host: Host, plan: str, tell: Tell, tool: str) -> bool:
    """Keep what is being tried, now and after a reboot; return whether all of it was written.

    Confirming what was kept before writes the files again that could not be written then.
    """
    with alone(host):
        journal = Journal(host)
        trial = _chosen(journal, plan, lambda t: t.state in {"armed", "confirmed"} and bool(t.in_force))
        if trial is None:
            raise Refused(say(N_("There is nothing to confirm: no trial is under way.")))
        if trial.open:
            _keep(host, journal, trial, tell)
        tell(Report("kept", trial.id))
        for step in (trial.steps[number] for number in trial.in_force):
            if step.keep == "none":
                why = N_(
                    "{key} holds until the next reboot; to have it then too, set it where the box is configured."
                )
                tell(Report("step", trial.id, step.key, "confirmed", text=say(why, key=step.key)))
        return write_files(host, journal, tell, tool)


def rollback(host: Host, plan: str, tell: Tell, tool: str) -> bool:
    """Put back a plan, tried or kept, the latest if none is named; return whether everything is as it was found."""
    with alone(host):
        journal = Journal(host)
        trial = _chosen(journal, plan, lambda t: bool(t.in_force))
        if trial is None:
            raise Refused(
                say(N_("There is nothing to roll back: longpipe has changed nothing that is still in force."))
            )
        clean = _roll_back(host, journal, trial, tell, "person", None)
        return write_files(host, journal, tell, tool) and clean


def _apply_all(host: Host, journal: Journal, plan: str, made: tuple[Step, ...], tell: Tell) -> Sentence | None:
    """Apply step after step; return why it stopped, None where it did not."""
    for number, step in enumerate(made):
        if not deadman.is_pending(host, plan):
            return _too_late()
        try:
            _apply_one(host, journal, plan, number, step)
        except Refused as refused:
            state: State = "conflict" if isinstance(refused, Conflict) else "failed"
            with contextlib.suppress(Refused):  # a full disk must not stop the way back
                journal.append(Record(plan, number, state, why=refused.why))
            tell(Report("step", plan, step.key, state, text=refused.why, trouble=True))
            return refused.why
        tell(Report("step", plan, step.key, "applied", step.new))
    return None if deadman.is_pending(host, plan) else _too_late()


def _too_late() -> Sentence:
    return say(N_("The time to confirm was over before everything was applied."))


def _apply_one(host: Host, journal: Journal, plan: str, number: int, step: Step) -> None:
    _expect_old(host, step)
    journal.append(Record(plan, number, "planned", value=step.old))
    _expect_old(host, step)  # again: the disk may have taken its time
    for act in step.apply:
        host.act(act)
    got = host.read(step.cell)
    if got != step.new:
        raise Refused(
            say(N_("{key} was set to “{wanted}” and became “{got}”."), key=step.key, wanted=step.new, got=got)
        )
    journal.append(Record(plan, number, "applied", value=got))


def _expect_old(host: Host, step: Step) -> None:
    """Compare before setting: whoever changed it since the plan was made is not overridden."""
    now = host.read(step.cell)
    if now != step.old or not is_same(host, step):
        why = N_(
            "{key} is “{now}” and not “{planned}” as when the plan was made: somebody else is at work. Plan again."
        )
        raise Conflict(say(why, key=step.key, now=now, planned=step.old))


def _keep(host: Host, journal: Journal, trial: Trial, tell: Tell) -> None:
    """Stop the countdown and close the trial; what somebody else has changed meanwhile is not kept."""
    if trial.boot != journal.boot:
        why = N_("The box was restarted since, which ended the trial. Close it with: longpipe tune rollback")
        raise Refused(say(why))
    if not deadman.disarm(host, trial.id):
        raise Refused(say(N_("Too late: the time to confirm is over, and everything has been put back.")))
    for number in trial.in_force:
        step = trial.steps[number]
        now = found(host, step)
        if now != step.new:
            lost = N_("{key} is “{now}” now, which longpipe did not set; it is not kept.")
            told = say(lost, key=step.key, now=now or "–")
            journal.append(Record(trial.id, number, "conflict", value=now, why=told))
            tell(Report("step", trial.id, step.key, "conflict", now, told, trouble=True))
    journal.append(Record(trial.id, None, "confirmed", by="person"))


def _roll_back(host: Host, journal: Journal, trial: Trial, tell: Tell, by: str, why: Sentence | None) -> bool:
    """Put back, then stop the countdown: in this order, a crash in between is made good by the dead-man."""
    records = roll_back(host, journal, trial, by)
    deadman.disarm(host, trial.id)
    for record in records:
        key = trial.steps[record.step or 0].key
        trouble = record.state != "reverted"
        tell(Report("step", trial.id, key, record.state, record.value, record.why, trouble=trouble))
    clean = all(record.state == "reverted" for record in records)
    tell(Report("rolled-back", trial.id, text=why, by=by, trouble=not clean))
    return clean


def found(host: Host, step: Step, *, rebooted: bool = False) -> str | None:
    """Return what a step's value is now, None where it cannot be read or its interface is another."""
    try:
        return host.read(step.cell) if is_same(host, step, rebooted=rebooted) else None
    except Refused:
        return None


def _chosen(journal: Journal, plan: str, fits: Callable[[Trial], bool]) -> Trial | None:
    """Return the plan that was named, or the latest that fits."""
    trials = journal.trials()
    if plan and plan not in trials:
        raise Refused(say(N_("The journal knows no plan “{plan}”."), plan=plan))
    fitting = [trial for trial in trials.values() if fits(trial) and plan in {"", trial.id}]
    return fitting[-1] if fitting else None


def _clear_the_way(host: Host, journal: Journal) -> None:
    """One trial at a time: two could not be told apart by what they do. A reboot has ended the one before it."""
    for trial in journal.trials().values():
        if not trial.open or not trial.begun:
            continue
        if trial.boot != journal.boot:
            roll_back(host, journal, trial, "reboot")
            continue
        why = N_("The trial {plan} is under way: first longpipe tune confirm, or longpipe tune rollback.")
        raise Refused(say(why, plan=trial.id))
