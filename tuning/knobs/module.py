"""Kernel modules: loaded where they are not, and unloaded again only where they were not."""

from typing import Final

from tuning.host import Host
from tuning.knobs.knob import Knob, one_of, unknown_key
from tuning.steps import Cell, Run, Step

MODULES: Final = ("rdma_rxe", "nvidia_peermem", "tcp_bbr", "sch_fq", "sch_fq_codel")
_ABSENT: Final = "not loaded"


def _cell(key: str) -> Cell:
    if key not in MODULES:
        raise unknown_key("module", key)
    return Cell("/proc/modules", sed=f"s/^{key} .*/loaded/p", absent=_ABSENT)


def _read(host: Host, key: str) -> str:
    """A module that is built in is in /sys/module and never in /proc/modules."""
    cell = _cell(key)
    return "loaded" if host.exists(f"/sys/module/{key}") else host.read(cell)


def _steps(host: Host, key: str, value: str) -> tuple[Step, ...]:
    one_of(value, ("loaded",), key)
    if _read(host, key) == "loaded":
        return ()
    load, unload = Run(("modprobe", "--", key)), Run(("rmmod", "--", key))
    return (Step("module", key, _cell(key), _ABSENT, "loaded", (load,), (unload,), keep="module"),)


KNOB: Final = Knob(name="module", order=10, read=_read, steps=_steps, risk=lambda _: "R0")
