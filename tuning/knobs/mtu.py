"""The size of an interface's frames."""

from typing import Final

from tuning.host import Host
from tuning.knobs.knob import Knob, identified, interface, whole
from tuning.steps import Cell, Run, Step


def _cell(key: str) -> Cell:
    return Cell(argv=("ip", "-o", "link", "show", "dev", interface(key)), sed=r"s/.* mtu \([0-9]*\) .*/\1/p")


def _set(key: str, value: str) -> Run:
    return Run(("ip", "link", "set", "dev", key, "mtu", value))


def _read(host: Host, key: str) -> str:
    return host.read(_cell(key))


def _steps(host: Host, key: str, value: str) -> tuple[Step, ...]:
    new, old = str(whole(value, 1280, 65_535, key)), _read(host, key)
    return (identified(host, key, Step("mtu", key, _cell(key), old, new, (_set(key, new),), (_set(key, old),))),)


KNOB: Final = Knob(name="mtu", order=20, read=_read, steps=_steps, risk=lambda _: "R2", device=interface)
