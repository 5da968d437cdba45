"""Facts about NCCL from the environment of running processes. Nothing but NCCL's and UCX's own variables is kept."""

import re
from typing import Final

from analysis.samples import Fact
from analysis.text import N_, say
from collectors.reading import Facts, known, unknown
from collectors.root import NotRecorded, Root

_SOURCE: Final = "/proc/*/environ"
_NAME: Final = re.compile(r"(?:NCCL|UCX)_[A-Z0-9_]{1,60}")
_LIBRARY: Final = re.compile(r"libnccl\.so\.(\d+\.\d+(?:\.\d+)?)|nvidia_nccl_cu\d+-(\d+\.\d+\.\d+)")
_WHEEL: Final = re.compile(r"\s(/\S*/site-packages)/nvidia/nccl/lib/libnccl\.so")
_LONGEST: Final = 200


def nccl(root: Root) -> Facts:
    """Return how many processes have an NCCL environment, what it says, and the version one of them has loaded."""
    processes = [name for name in (root.listdir("proc") if root.exists("proc") else []) if name.isdecimal()]
    if not processes and not root.live:
        absent = unknown(say(N_("The environment of running processes is not part of this recording.")), _SOURCE)
        return {"nccl.processes": absent, "nccl.version": absent}
    found, hidden = _environments(root, processes)
    using = [pid for pid, variables in found.items() if any(name.startswith("NCCL_") for name in variables)]
    values: dict[str, str] = {}
    for pid in using:
        values |= {name: value for name, value in found[pid].items() if name not in values}
    return {
        "nccl.processes": _count(len(using), hidden),
        "nccl.version": _version(root, using),
        **{f"nccl.env.{name}": known(value, _SOURCE) for name, value in sorted(values.items())},
    }


def _environments(root: Root, processes: list[str]) -> tuple[dict[str, dict[str, str]], bool]:
    """Return the variables by process, and whether there were processes whose environment is not for us."""
    found: dict[str, dict[str, str]] = {}
    hidden = False
    for pid in processes:
        try:
            raw = root.read_bytes(f"proc/{pid}/environ")
        except PermissionError:
            hidden = hidden or _is_program(root, pid)
        except OSError:  # ended meanwhile
            continue
        else:
            if variables := kept(raw):
                found[pid] = variables
    return found, hidden


def kept(environ: bytes) -> dict[str, str]:
    """Return the NCCL and UCX variables of an environment, as printable text of bounded length."""
    found: dict[str, str] = {}
    for part in environ.split(b"\0"):
        if not part.startswith((b"NCCL_", b"UCX_")):
            continue
        name, _, value = part.decode(errors="replace").partition("=")
        if _NAME.fullmatch(name):
            found[name] = "".join(letter for letter in value[:_LONGEST] if letter.isprintable())
    return found


def _is_program(root: Root, pid: str) -> bool:
    """Say whether a process is one: the kernel's own threads have no command line."""
    try:
        return bool(root.read_bytes(f"proc/{pid}/cmdline"))
    except NotRecorded:
        return True
    except OSError:
        return False


def _count(using: int, hidden: bool) -> Fact:
    if not using and hidden:
        return unknown(say(N_("The environment of other users' processes is not readable without root.")), _SOURCE)
    return known(using, _SOURCE)


def _version(root: Root, using: list[str]) -> Fact:
    source = "/proc/*/maps: libnccl.so"
    for pid in using:
        try:
            maps = root.read_text(f"proc/{pid}/maps")
        except OSError:  # not for us, or ended meanwhile
            continue
        if version := _loaded(root, maps):
            return known(version, source)
    return unknown(say(N_("No process with an NCCL environment shows which NCCL it has loaded.")), source)


def _loaded(root: Root, maps: str) -> str | None:
    """Return the version in the library's file name, or the one of the Python package around it."""
    if found := _LIBRARY.search(maps):
        return found[1] or found[2]
    wheel = _WHEEL.search(maps)
    folder = wheel[1].lstrip("/") if wheel else ""
    names = " ".join(root.listdir(folder)) if folder and root.exists(folder) else ""
    packaged = _LIBRARY.search(names)
    return (packaged[1] or packaged[2]) if packaged else None
