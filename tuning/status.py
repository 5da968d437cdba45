"""What is applied, by which plan, and what has changed since."""

import msgspec

from tuning import deadman
from tuning.host import Host
from tuning.journal import CLOSED, Journal, State, Trial
from tuning.steps import Step
from tuning.trial import found


class StepStatus(msgspec.Struct, frozen=True):
    """One value of a trial. `now`: None where it cannot be read or its interface is gone.

    `state` as the journal says; of a trial that a reboot has ended "reverted" or "conflict", as a rollback would say.
    """

    knob: str
    key: str
    old: str
    new: str
    now: str | None
    state: State

    @property
    def drifted(self) -> bool:
        """Whether it is in force by the journal and yet is something else now."""
        return self.state == "applied" and self.now != self.new


class TrialStatus(msgspec.Struct, frozen=True):
    """One plan that longpipe has tried."""

    plan: str
    state: State
    goal: str
    time_ns: int
    deadline_ns: int
    pending: bool
    """The countdown runs: without a confirmation it is put back."""
    rebooted: bool
    """The box was started anew since, which ends what was not confirmed."""
    steps: tuple[StepStatus, ...]

    @property
    def in_force(self) -> bool:
        """Whether any of it still is."""
        return any(step.state in {"applied", "planned", "failed"} for step in self.steps)


class Trials(msgspec.Struct, frozen=True, tag="longpipe.trials/1", tag_field="schema"):
    """What `longpipe tune status --json` prints. Fields are added, never changed, while the schema is /1."""

    trials: tuple[TrialStatus, ...]


def status(host: Host) -> tuple[TrialStatus, ...]:
    """Return every plan that was begun, oldest first. Changes nothing. Raises Refused where the journal is closed."""
    journal = Journal(host)
    return tuple(_status(host, journal, trial) for trial in journal.trials().values() if trial.begun)


def _status(host: Host, journal: Journal, trial: Trial) -> TrialStatus:
    rebooted = trial.boot != journal.boot
    ended = rebooted and trial.open
    told = tuple(
        _step(host, step, trial.reached[number], rebooted=rebooted, ended=ended)
        for number, step in enumerate(trial.steps)
        if number in trial.begun
    )
    if ended:
        state: State = "conflict" if any(step.state == "conflict" for step in told) else "reverted"
    else:
        state = trial.state
    return TrialStatus(
        plan=trial.id,
        state=state,
        goal=trial.goal,
        time_ns=trial.time_ns,
        deadline_ns=trial.deadline_ns,
        pending=trial.open and not ended and deadman.is_pending(host, trial.id),
        rebooted=rebooted,
        steps=told,
    )


def _step(host: Host, step: Step, reached: State, *, rebooted: bool, ended: bool) -> StepStatus:
    """A reboot has `ended` what was never confirmed, whatever the journal's last word is: nothing is in force."""
    now = found(host, step, rebooted=rebooted)
    if ended and reached not in CLOSED:
        reached = "reverted" if now == step.old else "conflict"
    return StepStatus(step.knob, step.key, step.old, step.new, now, reached)
