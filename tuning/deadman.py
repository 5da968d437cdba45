"""The dead-man: puts a trial back by itself unless somebody confirms, whatever becomes of us and of the session.

Its token is a file. Whoever renames it first has decided: the script that puts back, or the confirmation.
"""

import contextlib
import os
import time
from pathlib import Path
from typing import Final

from analysis.text import N_, Sentence, say
from tuning.commands import start_apart
from tuning.failure import Refused
from tuning.host import Host
from tuning.journal import unwritable
from tuning.script import script
from tuning.steps import Step

DEFAULT_S: Final = 120
SHORTEST_S: Final = 1
LONGEST_S: Final = 3600
_ALIVE_S: Final = 10.0


def folder(host: Host, plan: str) -> Path:
    """Return where the script and the token of a trial are."""
    return host.state / plan


def write(host: Host, plan: str, steps: tuple[Step, ...]) -> None:
    """Write script and token, and check that the script is sound and can read everything. Raises Refused."""
    place = folder(host, plan)
    path, pending = place / "revert.sh", place / "pending"
    text = script(host, plan, steps, journal=host.state / "journal", pending=pending)
    try:
        place.mkdir(mode=0o700, exist_ok=True)
        for file, content in ((path, text), (pending, "")):
            with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600), "w") as out:
                out.write(content)
                out.flush()
                os.fsync(out.fileno())
    except OSError as failure:
        raise unwritable(place, failure) from failure
    for check in (("sh", "-n", str(path)), ("sh", str(path), "--check")):
        if host.run(*check).code:
            why = N_("The script that would put everything back does not pass its check ({command}).")
            raise Refused(say(why, command=" ".join(check)))


def arm(host: Host, plan: str, seconds: int) -> str:
    """Start the countdown and return who keeps it: "systemd" or "watcher". Raises Refused where nobody does."""
    path = folder(host, plan) / "revert.sh"
    if by_systemd(host):
        done = host.run(
            "systemd-run", "--quiet", "--collect", f"--unit={_unit(plan)}", f"--on-active={seconds}",
            "--timer-property=AccuracySec=100ms", "/bin/sh", str(path),
        )  # fmt: skip
        if done.code == 0 and host.run("systemctl", "is-active", "--quiet", f"{_unit(plan)}.timer").code == 0:
            return "systemd"
        raise Refused(_unarmed(done.err))
    start_apart(("sh", "-c", 'sh "$0" --after "$1" &', str(path), str(seconds)), host.tools)
    if not _is_watching(folder(host, plan) / "pending.watcher"):
        why = N_("The shell that keeps the countdown did not start within {seconds} s; try again on a less busy box.")
        raise Refused(_unarmed(say(why, seconds=round(_ALIVE_S))))
    return "watcher"


def is_pending(host: Host, plan: str) -> bool:
    """Say whether the trial still waits for its confirmation."""
    return (folder(host, plan) / "pending").exists()


def disarm(host: Host, plan: str) -> bool:
    """Stop the countdown; return whether that was in time."""
    place = folder(host, plan)
    try:
        (place / "pending").rename(place / "pending.decided")
    except FileNotFoundError:
        return False
    except OSError as failure:
        raise unwritable(place, failure) from failure
    if by_systemd(host):
        host.run("systemctl", "stop", f"{_unit(plan)}.timer")
    return True


def by_systemd(host: Host) -> bool:
    """Say whether PID 1 is a systemd that would run the script in this same network."""
    try:
        ours, first = (os.stat(f"/proc/{who}/ns/net").st_ino for who in ("self", "1"))  # noqa: PTH116
    except OSError:
        return False
    return ours == first and host.root == Path("/") and host.exists("/run/systemd/system")


def _unit(plan: str) -> str:
    return f"longpipe-revert-{plan}"


def _is_watching(mark: Path) -> bool:
    """Wait for the watcher to name itself, and see that it is there."""
    until = time.monotonic() + _ALIVE_S
    while time.monotonic() < until:
        with contextlib.suppress(FileNotFoundError):
            # The shell makes the file first and writes its number into it then.
            if pid := mark.read_text(encoding="ascii").strip():
                return Path("/proc", pid).exists()
        time.sleep(0.01)
    return False


def _unarmed(error: str | Sentence) -> Sentence:
    why = N_("Nothing would put the box back if this session died, so nothing was changed. {detail}")
    return say(why, detail=error)
