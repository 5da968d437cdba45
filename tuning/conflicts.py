"""Who else sets what a plan wants to set: files of sysctl.d(5), /etc/sysctl.conf, tuned, NetworkManager, bpftune.

Only reads, and needs no root, though some files can be read by root alone.
"""

import configparser
from collections.abc import Iterable, Iterator
from typing import Final

import msgspec

from analysis.text import N_, Sentence, say
from tuning.host import Host
from tuning.keep import SYSCTL
from tuning.plan import Wanted

FOLDERS: Final = ("/etc/sysctl.d", "/run/sysctl.d", "/usr/local/lib/sysctl.d", "/usr/lib/sysctl.d", "/lib/sysctl.d")
"""The first that has a file of some name hides those of the same name in the others."""
CONF: Final = "/etc/sysctl.conf"
_OURS: Final = SYSCTL.rpartition("/")[2]
_CARD: Final = frozenset({"mtu", "ring", "channels", "coalesce", "feature"})


class Setter(msgspec.Struct, frozen=True):
    """Somebody who sets the same. `wins`: at boot, over what longpipe would keep."""

    key: str
    where: str
    value: str
    wins: bool
    text: Sentence


def conflicts(host: Host, wanted: Iterable[Wanted]) -> tuple[Setter, ...]:
    """Return everybody else who sets one of the settings wanted."""
    changes = tuple(wanted)
    keys = {change.key for change in changes if change.knob == "sysctl"}
    found = [setter for setter in (*_files(host), *_tuned(host)) if setter.key in keys]
    found += _bpftune(host, keys)
    found += _network_manager(host, [change for change in changes if change.knob in _CARD])
    return tuple(found)


def _files(host: Host) -> Iterator[Setter]:
    """Yield settings of sysctl.d in the order in which they are read, then those of /etc/sysctl.conf."""
    chosen: dict[str, str] = {}
    for folder in FOLDERS:
        for name in host.names(folder):
            if name.endswith(".conf"):
                chosen.setdefault(name, f"{folder}/{name}")
    linked = False
    for name in sorted(chosen):
        path = chosen[name]
        if path == SYSCTL:
            continue
        linked = linked or _is_conf(host, path)
        for key, value in _settings(host, path):
            wins = name > _OURS
            later = N_("{path} sets {key} to “{value}” and is read after longpipe's file: at boot it wins.")
            earlier = N_("{path} sets {key} to “{value}”; longpipe's file is read after it and wins at boot.")
            yield Setter(key, path, value, wins, say(later if wins else earlier, path=path, key=key, value=value))
    for key, value in _settings(host, CONF) if not linked else ():
        ignored = N_(
            "{path} sets {key} to “{value}”. “sysctl --system” reads it last, so that it wins there; "
            "systemd of Debian 13 and later does not read it at all at boot."
        )
        yield Setter(key, CONF, value, True, say(ignored, path=CONF, key=key, value=value))


def _is_conf(host: Host, path: str) -> bool:
    """Debian until 12 has 99-sysctl.conf as a link to /etc/sysctl.conf."""
    try:
        return host.path(path).readlink().name == "sysctl.conf"
    except OSError:
        return False


def _settings(host: Host, path: str) -> Iterator[tuple[str, str]]:
    """Yield key and value of each line, keys with dots as longpipe writes them."""
    try:
        lines = host.text(path).splitlines()
    except OSError:
        return
    for line in lines:
        key, equals, value = line.strip().removeprefix("-").partition("=")
        if equals and not line.strip().startswith(("#", ";")):
            yield _dotted(key.strip()), " ".join(value.split())


def _dotted(key: str) -> str:
    """A key is separated by whichever of dot and slash comes first in it (sysctl.d(5))."""
    first = next((letter for letter in key if letter in "./"), ".")
    return key if first == "." else key.translate(str.maketrans("./", "/."))


def _tuned(host: Host) -> Iterator[Setter]:
    """Yield what the active profile of tuned sets, and those that it includes."""
    try:
        profiles = host.text("/etc/tuned/active_profile").split()
    except OSError:
        return
    seen: set[str] = set()
    while profiles:
        name = profiles.pop(0)
        if name in seen or "/" in name or name.startswith("."):
            continue
        seen.add(name)
        for folder in ("/etc/tuned", "/etc/tuned/profiles", "/usr/lib/tuned", "/usr/lib/tuned/profiles"):
            path = f"{folder}/{name}/tuned.conf"
            if not host.exists(path):
                continue
            profile = _parsed(host, path)
            profiles += profile.get("main", "include", fallback="").replace(",", " ").split()
            for key, value in profile.items("sysctl") if profile.has_section("sysctl") else ():
                text = N_("tuned's profile {profile} sets {key} to “{value}” and may set it again at any time.")
                told = say(text, profile=name, key=key, value=value or "")
                yield Setter(_dotted(key), path, (value or "").lstrip(">").strip(), True, told)
            break


def _parsed(host: Host, path: str) -> configparser.RawConfigParser:
    parser = configparser.RawConfigParser(strict=False, delimiters=("=",), allow_no_value=True)
    parser.optionxform = str  # type: ignore[assignment, method-assign]
    try:
        parser.read_string(host.text(path))
    except (OSError, configparser.Error):
        parser.clear()
    return parser


def _bpftune(host: Host, keys: set[str]) -> Iterator[Setter]:
    """Bpftune sets buffers and more by itself, and lets go of what somebody else touches."""
    running = any(_comm(host, pid) == "bpftune" for pid in host.names("/proc") if pid.isdecimal())
    for key in sorted(keys) if running else ():
        text = N_("bpftune is at work and may change {key} by itself.")
        yield Setter(key, "bpftune", "", False, say(text, key=key))


def _comm(host: Host, pid: str) -> str:
    try:
        return host.text(f"/proc/{pid}/comm").strip()
    except OSError:
        return ""


def _network_manager(host: Host, changes: list[Wanted]) -> Iterator[Setter]:
    """Yield a word on each card whose settings NetworkManager applies again when the connection comes up."""
    if not changes or not host.exists("/run/NetworkManager"):
        return
    for change in changes:
        text = N_("NetworkManager is at work: when it brings the connection up again it may set {key} anew.")
        yield Setter(change.key, "NetworkManager", "", False, say(text, key=change.key))
