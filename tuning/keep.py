"""What survives a reboot: a few files that are ours alone, made anew from everything that is kept.

A file that somebody else has changed is left alone. Every file is written whole or not at all.
"""

import hashlib
import os
import re
import secrets
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

from analysis.text import N_, Sentence, say
from tuning.host import Host
from tuning.journal import Journal, Record
from tuning.knobs.limit import LIMITS, LINE
from tuning.knobs.registry import KNOBS
from tuning.reports import Report
from tuning.steps import Step, in_sh

SYSCTL: Final = "/etc/sysctl.d/90-longpipe.conf"
MODULES: Final = "/etc/modules-load.d/90-longpipe.conf"
SCRIPT: Final = "/etc/longpipe/boot.sh"
UNIT: Final = "/etc/systemd/system/longpipe-tuning.service"
WANTS: Final = "/etc/systemd/system/multi-user.target.wants/longpipe-tuning.service"
_UNIT_TEXT: Final = f"""\
[Unit]
Description=Network settings kept by longpipe
After=network.target systemd-modules-load.service
{{devices}}
[Service]
Type=oneshot
ExecStart=/bin/sh {SCRIPT}

[Install]
WantedBy=multi-user.target
"""


def write_files(host: Host, journal: Journal, tell: Callable[[Report], None], tool: str) -> bool:
    """Bring the files up to date with what is kept; return whether all could be. Only what differs is touched."""
    well = True
    for path, text in _texts(journal, tool).items():
        why = _bring(host, journal, path, text)
        if why is not None:
            well = False
            tell(Report("file", key=path, text=why, trouble=True))
        elif text:
            tell(Report("file", key=path))
    return _link_unit(host, wanted=host.exists(UNIT), tell=tell) and well


def kept_steps(journal: Journal) -> dict[tuple[str, str, str], tuple[str, Step]]:
    """Return plan and step of everything that is kept, by knob, key and file: the latest of each."""
    kept: dict[tuple[str, str, str], tuple[str, Step]] = {}
    for trial in journal.trials().values():
        if trial.confirmed and trial.state == "confirmed":
            for number in trial.in_force:
                step = trial.steps[number]
                place = step.knob, step.key, step.cell.path
                kept.pop(place, None)
                kept[place] = trial.id, step
    return kept


def _texts(journal: Journal, tool: str) -> dict[str, str]:
    """Return what belongs into each file; "" where it should not be there."""
    kept = list(kept_steps(journal).values())
    head = _head(tool, dict.fromkeys(plan for plan, _ in kept))
    sysctls = [f"{step.key} = {step.new}" for _, step in kept if step.keep == "sysctl"]
    modules = [step.key for _, step in kept if step.keep == "module"]
    commands = [in_sh(act) for _, step in kept if step.keep == "boot" for act in step.apply]
    limits = [LINE for _, step in kept if step.keep == "limits"]
    unit = _unit(step for _, step in kept if step.keep == "boot")
    return {
        SYSCTL: _file(head, sysctls),
        LIMITS: _file(head, limits),
        MODULES: _file(head, modules),
        SCRIPT: _file(f"#!/bin/sh\n{head}", commands),
        UNIT: _file(head, [unit] if commands else []),
    }


def _unit(kept: Iterable[Step]) -> str:
    """Return the unit for boot. Cards may be found later than the network is called up, so it waits for its own.

    Source: systemd.device(5), systemd.unit(5) on escaping; one that never comes is waited for as long as any unit.
    """
    names = dict.fromkeys(KNOBS[step.knob].device(step.key) for step in kept if step.knob in KNOBS)
    escaped = (re.sub(r"[^A-Za-z0-9:_.]", lambda odd: f"\\x{ord(odd[0]):02x}", name) for name in names if name)
    units = [f"sys-subsystem-net-devices-{name}.device" for name in escaped]
    devices = "".join(f"{word}={unit}\n" for unit in units for word in ("Wants", "After"))
    return _UNIT_TEXT.format(devices=devices).rstrip("\n")


def _head(tool: str, plans: Iterable[str]) -> str:
    return (
        f"# Written by {tool} for plan {', '.join(plans)}. Undo: longpipe tune rollback\n"
        "# Once edited, this file is yours: longpipe leaves it alone.\n"
    )


def _file(head: str, lines: list[str]) -> str:
    return head + "\n".join(lines) + "\n" if lines else ""


def _bring(host: Host, journal: Journal, path: str, text: str) -> Sentence | None:
    """Make one file say `text`, or be absent; return why that could not be."""
    file = host.path(path)
    try:
        now = file.read_bytes() if file.exists() else b""
        if now == text.encode():
            return None
        if file.is_symlink() or (now and _hash(now) not in journal.hashes(path)):
            why = N_("{path} is not as longpipe wrote it; it was left alone. What belongs there: {text}")
            return say(why, path=path, text=text.replace("\n", "; "))
        if path == UNIT and not host.exists("/run/systemd/system"):
            return None
        if text and path == SCRIPT and not host.exists("/run/systemd/system"):
            why = N_(
                "Without systemd nothing runs at boot for longpipe; after a reboot these are to be typed: {text}"
            )
            return say(why, text="; ".join(line for line in text.splitlines() if not line.startswith("#")))
        journal.append(Record("", None, "planned", file=path, sha256=_hash(text.encode())))
        if text:
            replace(file, text)
        else:
            file.unlink(missing_ok=True)
            _sync(file.parent)
    except OSError as failure:
        why = N_("{path} could not be written ({why}): the setting holds until the next reboot only.")
        return say(why, path=path, why=failure.strerror or "")
    return None


def replace(file: Path, text: str) -> None:
    """Write a whole file or nothing: aside, to the disk, then renamed. Raises OSError."""
    file.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    aside = file.with_name(f".{file.name}.{secrets.token_hex(4)}")
    descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as out:
            out.write(text)
            out.flush()
            os.fsync(out.fileno())
        aside.rename(file)
    except OSError:
        aside.unlink(missing_ok=True)
        raise
    _sync(file.parent)


def _sync(folder: Path) -> None:
    """Bring the names in a directory onto the disk: a power cut must neither lose nor bring back a file."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _link_unit(host: Host, *, wanted: bool, tell: Callable[[Report], None]) -> bool:
    """Let the unit start at boot, or no longer."""
    link = host.path(WANTS)
    try:
        if wanted and not link.is_symlink():
            link.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
            link.symlink_to(UNIT)
            _sync(link.parent)
        elif not wanted and link.is_symlink():
            link.unlink()
            _sync(link.parent)
    except OSError as failure:
        why = N_("{path} could not be written ({why}): the setting holds until the next reboot only.")
        tell(Report("file", key=WANTS, text=say(why, path=WANTS, why=failure.strerror or ""), trouble=True))
        return False
    return True


def _hash(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
