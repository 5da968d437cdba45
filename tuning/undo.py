"""Puts steps back: only what is still as we left it. The same as the script of the dead-man does, in Python."""

from analysis.text import N_, Sentence, say
from tuning.failure import Refused
from tuning.host import Host
from tuning.journal import Journal, Record, State, Trial
from tuning.steps import Step


def roll_back(host: Host, journal: Journal, trial: Trial, by: str) -> list[Record]:
    """Put back every step that was begun, last first, and close the trial. Return what was written down.

    A reboot ends what was never confirmed: whatever is set since is somebody else's, and is left alone.
    """
    rebooted = trial.boot != journal.boot
    told: list[Record] = []
    for number in reversed(trial.in_force):
        step = trial.steps[number]
        state, value, why = put_back(host, step, rebooted=rebooted, ours=trial.confirmed or not rebooted)
        told.append(Record(trial.id, number, state, by=by, value=value, why=why))
    for record in told:  # afterwards: a full disk must not stop the way back
        journal.append(record)
    states = {*trial.reached.values(), *(record.state for record in told)}
    journal.append(Record(trial.id, None, "conflict" if "conflict" in states else "reverted", by=by))
    return told


def put_back(
    host: Host, step: Step, *, rebooted: bool = False, ours: bool = True
) -> tuple[State, str | None, Sentence | None]:
    """Undo a step; return "reverted" or "conflict", the value as read at the end, and why it was left alone."""
    try:
        if not is_same(host, step, rebooted=rebooted):
            return "conflict", None, say(N_("The interface of {key} is not the one that was changed."), key=step.key)
        now = host.read(step.cell)
        if ours and now == step.new:
            now, failed = _undo(host, step)
            if now == step.new != step.old:
                return "conflict", now, failed or say(N_("{key} could not be put back."), key=step.key)
    except Refused as refused:
        return "conflict", None, refused.why
    if now == step.old:
        return "reverted", now, None
    why = N_("{key} is “{now}” now, which longpipe did not set; it was left alone. It was “{old}” before the trial.")
    return "conflict", now, say(why, key=step.key, now=now, old=step.old)


def is_same(host: Host, step: Step, *, rebooted: bool = False) -> bool:
    """Say whether the interface is the one that was changed; its index may be another after a reboot."""
    if step.same is None:
        return True
    now = host.read(step.same)
    return now.split()[-1:] == step.identity.split()[-1:] if rebooted else now == step.identity


def _undo(host: Host, step: Step) -> tuple[str, Sentence | None]:
    """Carry out acts until the value is as it was; one that fails may be what a later one makes good.

    Return the value as read at the end, and why the last act that was refused was.
    """
    now, why = step.new, None
    for act in step.undo:
        if now == step.old:
            break
        try:
            host.act(act)
        except Refused as refused:
            why = refused.why
        now = host.read(step.cell)
    return now, why
