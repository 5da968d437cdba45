"""Which CPUs take packets and interrupts: RPS masks and flow counts of receive queues, affinity of interrupts."""

import re
from typing import Final

from analysis.advice.cards import cpu_list
from analysis.text import N_, say
from tuning.failure import Refused
from tuning.host import Host
from tuning.knobs.knob import Knob, identified, interface, split_key, whole
from tuning.steps import Cell, Step, Write

_RPS: Final = ("rps_cpus", "rps_flow_cnt")
_MASK: Final = re.compile(r"[0-9a-f]{1,8}(,[0-9a-f]{1,8})*")
_BARE: Final = "s/,//g;s/^0*//;s/^$/0/;p"
"""A mask without commas and leading zeros."""


def _queue_files(host: Host, key: str) -> tuple[str, str, list[str]]:
    name, attribute = split_key("rps", key, _RPS)
    folder = f"/sys/class/net/{name}/queues"
    queues = [queue for queue in host.names(folder) if queue.startswith("rx-")]
    return name, attribute, [f"{folder}/{queue}/{attribute}" for queue in queues]


def _each(host: Host, paths: list[str], strip: str) -> str:
    """Return the values of several files, each once, as the facts tell them."""
    values = (host.read(Cell(path)) for path in paths)
    return " ".join(dict.fromkeys(value.lstrip(strip) or "0" for value in values))


def _read_rps(host: Host, key: str) -> str:
    _, attribute, paths = _queue_files(host, key)
    return _each(host, paths, "0," if attribute == "rps_cpus" else "")


def _steps_rps(host: Host, key: str, value: str) -> tuple[Step, ...]:
    name, attribute, paths = _queue_files(host, key)
    if not paths:
        raise Refused(say(N_("{interface} has no receive queues."), interface=name))
    if attribute == "rps_cpus" and not _MASK.fullmatch(value):
        raise Refused(say(N_("{key} takes a mask of CPUs in hexadecimal, not “{value}”."), key=key, value=value))
    mask = attribute == "rps_cpus"
    text = value if mask else str(whole(value, 0, 1 << 20, key))
    new = (text.replace(",", "").lstrip("0") or "0") if mask else text
    steps = []
    for path in paths:
        cell, written = Cell(path, sed=_BARE if mask else ""), host.read(Cell(path))
        old = host.read(cell)
        if old != new:
            step = Step("rps", key, cell, old, new, (Write(path, text),), (Write(path, written),), keep="boot")
            steps.append(identified(host, name, step))
    return tuple(steps)


def _interrupts(host: Host, key: str) -> list[str]:
    folder = f"/sys/class/net/{interface(key)}/device/msi_irqs"
    return [f"/proc/irq/{number}/smp_affinity_list" for number in host.names(folder) if number.isdecimal()]


def _read_irq(host: Host, key: str) -> str:
    return _each(host, _interrupts(host, key), "")


def _steps_irq(host: Host, key: str, value: str) -> tuple[Step, ...]:
    paths, new = _interrupts(host, key), _as_list(cpu_list(value))
    if not paths:
        raise Refused(say(N_("{interface} has no interrupts of its own."), interface=key))
    if not new:
        raise Refused(say(N_("{key} takes a list of CPUs such as 0-3,8, not “{value}”."), key=key, value=value))
    steps = []
    for path in paths:
        old = host.read(Cell(path))
        if old != new:
            step = Step("irq", key, Cell(path), old, new, (Write(path, new),), (Write(path, old),), keep="boot")
            steps.append(identified(host, key, step))
    return tuple(steps)


def _as_list(cpus: set[int]) -> str:
    """Return CPUs as the kernel writes lists: {0, 1, 2, 8} -> "0-2,8"."""
    runs: list[list[int]] = []
    for cpu in sorted(cpus):
        if runs and runs[-1][1] == cpu - 1:
            runs[-1][1] = cpu
        else:
            runs.append([cpu, cpu])
    return ",".join(str(low) if low == high else f"{low}-{high}" for low, high in runs)


def _device(key: str) -> str:
    return interface(key.rpartition(".")[0])


KNOBS: Final = (
    Knob(name="rps", order=50, read=_read_rps, steps=_steps_rps, risk=lambda _: "R0", device=_device),
    Knob(name="irq", order=52, read=_read_irq, steps=_steps_irq, risk=lambda _: "R0", device=interface),
)
