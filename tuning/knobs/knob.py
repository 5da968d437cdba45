"""What a knob is: how one kind of setting is named, read and turned into steps."""

import re
from collections.abc import Callable
from typing import Final

import msgspec

from analysis.advice.plan import Knob as Name
from analysis.advice.plan import Risk
from analysis.text import N_, say
from tuning.failure import Refused
from tuning.host import Host
from tuning.steps import Step, identity_cell

_NAME: Final = re.compile(r"(?!-)[A-Za-z0-9_.@:+-]{1,15}")


class Knob(msgspec.Struct, frozen=True, kw_only=True):
    """One kind of setting. Every function may raise Refused; nothing but the steps, carried out, changes anything.

    `read(host, key)`: the value now, in the words that advice uses. `steps(host, key, value)`: what to do, checked
    against what is allowed. `risk(key)`: on a path that does not carry the session. `device(key)`: the interface
    that is touched, None where there is none. `order`: when it is applied among others, earlier first.
    """

    name: Name
    order: int
    read: Callable[[Host, str], str]
    steps: Callable[[Host, str, str], tuple[Step, ...]]
    risk: Callable[[str], Risk]
    device: Callable[[str], str | None] = lambda _: None


def interface(name: str) -> str:
    """Return the name of an interface, refusing what is none."""
    if name in {".", ".."} or not _NAME.fullmatch(name):
        raise Refused(say(N_("“{name}” is not the name of an interface."), name=name))
    return name


def identified(host: Host, name: str, step: Step) -> Step:
    """Return a step that remembers which interface it is about."""
    cell = identity_cell(interface(name))
    identity = host.read(cell)
    try:
        driver = (host.path(f"/sys/class/net/{name}/device/driver")).readlink().name
    except OSError:
        driver = ""
    return msgspec.structs.replace(step, same=cell, identity=identity, driver=driver)


def whole(text: str, low: int, high: int, what: str) -> int:
    """Return a whole number within bounds."""
    if not (text.isascii() and text.isdecimal() and len(text) < 20 and low <= int(text) <= high):
        why = N_("{what} takes a whole number from {low} to {high}, not “{value}”.")
        raise Refused(say(why, what=what, low=low, high=high, value=text))
    return int(text)


def one_of(text: str, known: tuple[str, ...], what: str) -> str:
    """Return one of the known words."""
    if text not in known:
        why = N_("{what} takes {known}, not “{value}”.")
        raise Refused(say(why, what=what, known=", ".join(known), value=text))
    return text


def unknown_key(knob: str, key: str) -> Refused:
    """Return the refusal of a key that is not on the list of what may be changed."""
    return Refused(
        say(N_("“{key}” is not among the settings of kind “{knob}” that may be changed."), key=key, knob=knob)
    )


def split_key(knob: str, key: str, attributes: tuple[str, ...]) -> tuple[str, str]:
    """Return device and attribute of "eth0.100.rx"; the attribute, which holds no dot, must be a known one."""
    name, _, attribute = key.rpartition(".")
    if not name or attribute not in attributes:
        raise unknown_key(knob, key)
    return interface(name), attribute
