"""What a person asks for on the command line beyond advice: shaping, and a bond."""

import ipaddress
import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from analysis.advice.bonds import MODES
from analysis.advice.plan import Generated
from analysis.advice.situation import Bond, Shape
from tui.cli import CommandError, Exit
from tui.text import _

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,14}")
_RATE: Final = re.compile(r"(\d{1,6})(k|m|g)bit")
_SCALE: Final = {"k": 10**3, "m": 10**6, "g": 10**9}


def shape(text: str) -> Shape:
    """Return what "eth0=900mbit" asks for."""
    name, _equals, told = text.partition("=")
    rate = _RATE.fullmatch(told)
    if rate is None or not _NAME.fullmatch(name) or not int(rate[1]):
        raise CommandError(_("{text} is no shaping; write INTERFACE=RATE as in eth0=900mbit", text=text), Exit.USAGE)
    return Shape(name, int(rate[1]) * _SCALE[rate[2]])


def bond(text: str) -> Bond:
    """Return what "bond0=eth1,eth2,802.3ad,10.0.0.5/24" asks for: members, and mode and address where told."""
    name, _equals, told = text.partition("=")
    parts = told.split(",")
    modes = [part for part in parts if part in MODES]
    addresses = [part for part in parts if "/" in part]
    members = tuple(part for part in parts if part not in MODES and "/" not in part)
    sound = all(_NAME.fullmatch(part) for part in (name, *members)) and all(map(_is_address, addresses))
    if not sound or not members or len(set(members)) != len(members) or len(modes) > 1 or len(addresses) > 1:
        what = _(
            "{text} is no bond; write NAME=IF,IF[,MODE][,ADDRESS/LENGTH] as in bond0=eth1,eth2,802.3ad", text=text
        )
        raise CommandError(what, Exit.USAGE)
    return Bond(name, members, modes[0] if modes else "active-backup", addresses[0] if addresses else "")


def write(folder: str, files: Iterable[Generated]) -> Iterator[Path]:
    """Write generated files where the person wants them, and yield where; one that is there is left alone."""
    for file in files:
        path = Path(folder) / Path(file.path).name
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, int(file.mode, 8))
            with os.fdopen(descriptor, "w", encoding="utf-8") as out:
                out.write(file.text)
        except OSError as failure:
            why = _("{path} was not written: {why}", path=path, why=failure.strerror or "")
            raise CommandError(why) from failure
        yield path


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_interface(text)
    except ValueError:
        return False
    return "%" not in text
