"""RDMA: traffic class of verbs and of the connection manager, ECN of a card, Soft-RoCE devices."""

import re
from typing import Final

from analysis.text import N_, say
from tuning.failure import Refused
from tuning.host import Host
from tuning.knobs.knob import Knob, identified, interface, one_of, unknown_key, whole
from tuning.steps import Cell, Run, Step, Write

_DEVICE: Final = re.compile(r"(?!-)[A-Za-z0-9_.-]{1,63}")
_PATHS: Final = {
    "traffic_class": "/sys/class/infiniband/{name}/tc/1/traffic_class",
    "cm_tos": "/sys/kernel/config/rdma_cm/{name}/ports/1/default_roce_tos",
    "cm_mode": "/sys/kernel/config/rdma_cm/{name}/ports/1/default_roce_mode",
    "ecn_np": "/sys/class/net/{name}/ecn/roce_np/enable/3",
    "ecn_rp": "/sys/class/net/{name}/ecn/roce_rp/enable/3",
}
_WORDS: Final = {
    "cm_mode": {"RoCEv2": "RoCE v2", "IB/RoCEv1": "IB/RoCE v1"},
    "ecn_np": {"on": "1", "off": "0"},
    "ecn_rp": {"on": "1", "off": "0"},
}
"""What advice says, and what the file holds."""
_ABSENT: Final = "absent"


def _cell(key: str) -> tuple[str, Cell]:
    """Return the attribute and its cell. The driver prints "Global tclass=106", or nothing for 0."""
    name, _, attribute = key.rpartition(".")
    if attribute not in _PATHS or not _DEVICE.fullmatch(name) or name in {".", ".."}:
        raise unknown_key("rdma", key)
    path = _PATHS[attribute].format(name=name)
    number = attribute in {"traffic_class", "cm_tos"}
    return attribute, Cell(path, sed="s/^[^0-9]*//;p" if number else "", absent="0" if number else "")


def _read(host: Host, key: str) -> str:
    attribute, cell = _cell(key)
    value = host.read(cell)
    return next((said for said, held in _WORDS.get(attribute, {}).items() if held == value), value)


def _steps(host: Host, key: str, value: str) -> tuple[Step, ...]:
    attribute, cell = _cell(key)
    words = _WORDS.get(attribute)
    new = words[one_of(value, tuple(words), key)] if words else str(whole(value, 0, 255, key))
    old = host.read(cell)
    step = Step("rdma", key, cell, old, new, (Write(cell.path, new),), (Write(cell.path, old),), keep="boot")
    return (identified(host, key.rpartition(".")[0], step) if attribute.startswith("ecn_") else step,)


def _device(key: str) -> str | None:
    name, _, attribute = key.rpartition(".")
    return interface(name) if attribute.startswith("ecn_") else None


def _link_cell(key: str) -> Cell:
    if not re.fullmatch(r"rxe\d{1,3}", key):
        raise unknown_key("rdma-link", key)
    return Cell(argv=("rdma", "link"), sed=rf"s/^link {key}\/1 .*netdev \([^ ]*\).*/rxe on \1/p", absent=_ABSENT)


def _read_link(host: Host, key: str) -> str:
    return host.read(_link_cell(key))


def _steps_link(host: Host, key: str, value: str) -> tuple[Step, ...]:
    """`value` is "rxe on IF" to make a device, "absent" to remove one of Soft-RoCE (never of a card)."""
    cell, old = _link_cell(key), _read_link(host, key)
    if value == old:
        return ()
    name = interface((old if value == _ABSENT else value).removeprefix("rxe on "))
    if value not in {_ABSENT, f"rxe on {name}"} or (old != _ABSENT and value != _ABSENT):
        raise Refused(say(N_("{key} can be made where it is absent, or removed; it is “{now}”."), key=key, now=old))
    add = Run(("rdma", "link", "add", key, "type", "rxe", "netdev", name))
    delete = Run(("rdma", "link", "delete", key))
    apply, undo = (delete, add) if value == _ABSENT else (add, delete)
    step = Step("rdma-link", key, cell, old, value, (apply,), (undo,), keep="boot")
    return (identified(host, name, step),)


KNOBS: Final = (
    Knob(name="rdma", order=60, read=_read, steps=_steps, risk=lambda _: "R0", device=_device),
    Knob(name="rdma-link", order=62, read=_read_link, steps=_steps_link, risk=lambda _: "R0"),
)
