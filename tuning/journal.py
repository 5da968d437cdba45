"""The journal: one JSON line for each thing that is about to be done or was done, on disk before it is done.

It alone tells what longpipe has changed and how to put it back: after a crash, a power cut or an upgrade. The
dead-man's script appends to it too, and looks in it for steps that were begun (see `begun_pattern`).
"""

import fcntl
import os
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, Literal, TypeAlias

import msgspec

from analysis.text import N_, Sentence, say
from tuning.failure import Refused
from tuning.host import Host
from tuning.steps import Step

State: TypeAlias = Literal["planned", "armed", "applied", "confirmed", "reverted", "conflict", "failed"]
CLOSED: Final[frozenset[State]] = frozenset({"confirmed", "reverted", "conflict"})
"""A trial in one of these states waits for nothing."""
_TORN: Final = b"\n"


class Record(msgspec.Struct, frozen=True, omit_defaults=True):
    """One line. Of a trial: `steps` when planned. Of a step: `value` as read at that time. Of a file: its hash.

    The first three fields stay first: the dead-man's script finds a step by them.
    """

    plan: str
    step: int | None
    state: State
    time_ns: int = 0
    boot: str = ""
    tool: str = ""
    goal: str = ""
    by: str = ""
    deadline_ns: int = 0
    steps: tuple[Step, ...] = ()
    value: str | None = None
    why: Sentence | None = None
    file: str = ""
    sha256: str = ""


class Trial(msgspec.Struct, frozen=True):
    """Everything the journal says of one plan. `reached`: the last state of each step by its number."""

    id: str
    boot: str
    tool: str
    goal: str
    time_ns: int
    steps: tuple[Step, ...]
    state: State
    armed_by: str = ""
    deadline_ns: int = 0
    begun: frozenset[int] = frozenset()
    reached: dict[int, State] = {}
    ended_by: str = ""
    confirmed: bool = False
    """Somebody wanted to keep it, whatever happened later."""

    @property
    def open(self) -> bool:
        """Whether it was neither confirmed nor put back."""
        return self.state not in CLOSED

    @property
    def in_force(self) -> tuple[int, ...]:
        """Return the steps that changed something and were not put back, in the order of applying."""
        return tuple(n for n in sorted(self.begun) if self.reached.get(n) not in {"reverted", "conflict"})


class Journal:
    """Appends records and reads them back."""

    def __init__(self, host: Host) -> None:
        self.path = host.state / "journal"
        self.boot = boot_id(host)

    def append(self, record: Record) -> None:
        """Write a record to the disk before returning. Raises Refused where that is not possible."""
        stamped = msgspec.structs.replace(record, time_ns=time.time_ns(), boot=self.boot)
        try:
            descriptor = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                line = msgspec.json.encode(stamped) + b"\n"
                os.write(descriptor, (_TORN if self._is_torn() else b"") + line)
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
        except OSError as failure:
            raise unwritable(self.path, failure) from failure

    def records(self) -> Iterator[Record]:
        """Yield what can be read; a line that was torn by a crash is passed over, its act was not begun."""
        try:
            lines = self.path.read_bytes().split(b"\n")
        except FileNotFoundError:
            return
        except OSError as failure:
            why = N_("The journal {path} cannot be read: {why}.")
            raise Refused(say(why, path=self.path, why=failure.strerror or "")) from failure
        for line in lines:
            try:
                yield _DECODER.decode(line)
            except msgspec.DecodeError:
                continue

    def trials(self) -> dict[str, Trial]:
        """Return every trial by its id, oldest first."""
        found: dict[str, Trial] = {}
        for record in self.records():
            if record.steps:
                found[record.plan] = _begin(record)
            elif record.plan in found and not record.file:
                found[record.plan] = _follow(found[record.plan], record)
        return found

    def hashes(self, path: str) -> frozenset[str]:
        """Return the hashes of everything that was ever written to an owned file."""
        return frozenset(record.sha256 for record in self.records() if record.file == path)

    def _is_torn(self) -> bool:
        with self.path.open("rb") as file:
            if not file.seek(0, os.SEEK_END):
                return False
            file.seek(-1, os.SEEK_END)
            return file.read(1) != b"\n"


_DECODER: Final = msgspec.json.Decoder(Record)


def _begin(record: Record) -> Trial:
    return Trial(
        id=record.plan,
        boot=record.boot,
        tool=record.tool,
        goal=record.goal,
        time_ns=record.time_ns,
        steps=record.steps,
        state="planned",
    )


def _follow(trial: Trial, record: Record) -> Trial:
    change = msgspec.structs.replace
    if record.step is not None:
        begun = trial.begun | {record.step} if record.state == "planned" else trial.begun
        return change(trial, begun=begun, reached=trial.reached | {record.step: record.state})
    if record.state == "armed":
        return change(trial, state="armed", armed_by=record.by, deadline_ns=record.deadline_ns)
    confirmed = trial.confirmed or record.state == "confirmed"
    return change(trial, state=record.state, ended_by=record.by, confirmed=confirmed)


def begun_pattern(plan: str, step: int) -> str:
    """Return the text that stands in the journal if and only if a step was begun."""
    return msgspec.json.encode(Record(plan, step, "planned")).decode().removesuffix("}")


def prepare(host: Host) -> None:
    """Make the directory that the journal is in. Raises Refused where that is not possible."""
    try:
        host.state.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = host.state.stat()
    except OSError as failure:
        raise unwritable(host.state, failure) from failure
    if found.st_uid not in {os.geteuid(), 0} or found.st_mode & 0o022:
        why = N_("{path} may be written by others, so what it says cannot be trusted: chown root, chmod 700.")
        raise Refused(say(why, path=host.state))


@contextmanager
def alone(host: Host) -> Iterator[None]:
    """Keep every other longpipe on this box from changing it meanwhile. Raises Refused where one is at work."""
    prepare(host)
    path = host.state / "lock"
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as failure:
        raise unwritable(path, failure) from failure
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as busy:
        why = N_("Another longpipe is changing this box right now; wait until it is done, then try again.")
        raise Refused(say(why)) from busy
    else:
        yield
    finally:
        os.close(descriptor)


def unwritable(path: Path, failure: OSError) -> Refused:
    """Return the refusal where the journal has no place: without it nothing may be changed."""
    why = N_("{path} cannot be written ({why}). Nothing is changed without a journal of how to put it back.")
    return Refused(say(why, path=path, why=failure.strerror or ""))


def boot_id(host: Host) -> str:
    """Return what tells this boot from every other."""
    try:
        return host.text("/proc/sys/kernel/random/boot_id").strip()
    except OSError:
        return ""


def new_id() -> str:
    """Return a name for a new plan: when it was made (UTC), and something no other has."""
    return f"{time.strftime('%Y%m%d-%H%M%S', time.gmtime())}-{secrets.token_hex(3)}"
