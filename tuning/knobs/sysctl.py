"""Kernel settings below /proc/sys/net: an allow-list of keys, each with the values it may take."""

import re
from collections.abc import Callable
from typing import Final, TypeAlias

from analysis.advice.plan import Risk
from analysis.text import N_, say
from tuning.failure import Refused
from tuning.host import Host
from tuning.knobs.knob import Knob, interface, one_of, unknown_key, whole
from tuning.steps import Cell, Step, Write

Check: TypeAlias = Callable[[str, str, str], str]
"""(key, current, proposed) -> the value as the kernel will print it."""
_GIB: Final = 1 << 30
_PORT: Final = 65_535
_WORD: Final = re.compile(r"[a-z][a-z0-9_]{0,15}")


def _number(low: int, high: int, *, grow: bool = False) -> Check:
    def check(key: str, current: str, proposed: str) -> str:
        value = whole(proposed, low, high, key)
        if grow:
            _not_lower(key, current, [value])
        return str(value)

    return check


def _triple(high: int) -> Check:
    def check(key: str, current: str, proposed: str) -> str:
        values = [whole(part, 1, high, key) for part in proposed.split()]
        if len(values) != 3 or values != sorted(values):
            raise Refused(say(N_("{key} takes three numbers that do not fall."), key=key))
        _not_lower(key, current, values)
        return " ".join(map(str, values))

    return check


def _not_lower(key: str, current: str, values: list[int]) -> None:
    now = [int(part) for part in current.split() if part.isdecimal()]
    if any(new < old for new, old in zip(values, now, strict=False)):
        raise Refused(say(N_("{key} would be lowered from {old}; that is never done."), key=key, old=current))


def _word(key: str, _current: str, proposed: str) -> str:
    if not _WORD.fullmatch(proposed):
        raise Refused(say(N_("{key} takes a name, not “{value}”."), key=key, value=proposed))
    return proposed


def _queue(key: str, _current: str, proposed: str) -> str:
    return one_of(proposed, ("fq", "fq_codel", "pfifo_fast"), key)


def _port_range(key: str, _current: str, proposed: str) -> str:
    ports = [whole(part, 1, _PORT, key) for part in proposed.split()]
    if len(ports) != 2 or ports[0] >= ports[1]:
        raise Refused(say(N_("{key} takes two ports, the lower one first."), key=key))
    return " ".join(map(str, ports))


def _port_list(key: str, _current: str, proposed: str) -> str:
    """Return ports as the kernel prints them: sorted, neighbours joined."""
    ports: set[int] = set()
    for part in proposed.replace(" ", "").split(",") if proposed.strip() else ():
        first, dash, last = part.partition("-")
        ports.update(range(whole(first, 0, _PORT, key), whole(last if dash else first, 0, _PORT, key) + 1))
    runs: list[list[int]] = []
    for port in sorted(ports):
        if runs and runs[-1][1] == port - 1:
            runs[-1][1] = port
        else:
            runs.append([port, port])
    return ",".join(str(low) if low == high else f"{low}-{high}" for low, high in runs)


KEYS: Final[dict[str, Check]] = {
    "net.core.default_qdisc": _queue,
    "net.core.netdev_budget": _number(1, 65_536, grow=True),
    "net.core.netdev_budget_usecs": _number(1, 1_000_000, grow=True),
    "net.core.netdev_max_backlog": _number(1, 1_000_000, grow=True),
    "net.core.rmem_max": _number(2304, _GIB, grow=True),
    "net.core.rps_sock_flow_entries": _number(0, 1 << 20),
    "net.core.somaxconn": _number(1, 1 << 20, grow=True),
    "net.core.wmem_max": _number(4608, _GIB, grow=True),
    "net.ipv4.ip_local_port_range": _port_range,
    "net.ipv4.ip_local_reserved_ports": _port_list,
    "net.ipv4.tcp_congestion_control": _word,
    "net.ipv4.tcp_fastopen": _number(0, 3),
    "net.ipv4.tcp_max_syn_backlog": _number(1, 1 << 20, grow=True),
    "net.ipv4.tcp_mem": _triple(1 << 32),
    "net.ipv4.tcp_mtu_probing": _number(0, 2),
    "net.ipv4.tcp_no_metrics_save": _number(0, 1),
    "net.ipv4.tcp_notsent_lowat": _number(4096, (1 << 32) - 1),
    "net.ipv4.tcp_rmem": _triple(_GIB),
    "net.ipv4.tcp_sack": _number(0, 1),
    "net.ipv4.tcp_slow_start_after_idle": _number(0, 1),
    "net.ipv4.tcp_timestamps": _number(0, 2),
    "net.ipv4.tcp_window_scaling": _number(0, 1),
    "net.ipv4.tcp_wmem": _triple(_GIB),
    "net.netfilter.nf_conntrack_buckets": _number(1024, 1 << 26, grow=True),
    "net.netfilter.nf_conntrack_max": _number(1024, 1 << 28, grow=True),
}
_PER_INTERFACE: Final[dict[str, Check]] = {
    "arp_announce": _number(0, 2),
    "arp_ignore": _number(0, 2),
    "rp_filter": _number(0, 2),
}
_CONTROL: Final = "net.ipv4.tcp_congestion_control"
_CONF: Final = "net.ipv4.conf."


def path_of(key: str) -> str:
    """Return the file of a key; a dot in an interface's name is a slash in the key (sysctl.d(5))."""
    return "/proc/sys/" + key.translate(str.maketrans("./", "/."))


def _check(key: str) -> Check:
    if key in KEYS:
        return KEYS[key]
    name, _, attribute = key.removeprefix(_CONF).rpartition(".")
    if key.startswith(_CONF) and attribute in _PER_INTERFACE and "." not in name:
        interface(name.replace("/", "."))
        return _PER_INTERFACE[attribute]
    raise unknown_key("sysctl", key)


def _device(key: str) -> str | None:
    name = key.removeprefix(_CONF).rpartition(".")[0]
    return name.replace("/", ".") if key.startswith(_CONF) and name != "all" else None


def _read(host: Host, key: str) -> str:
    _check(key)
    return host.read(Cell(path_of(key)))


def _steps(host: Host, key: str, value: str) -> tuple[Step, ...]:
    current = _read(host, key)
    new = _check(key)(key, current, " ".join(value.split()))
    path = path_of(key)
    if key == _CONTROL and not _may_go_back(host, current):
        raise Refused(say(N_("This network namespace may not set {key} back to {old}."), key=key, old=current))
    # Modules such as nf_conntrack come after sysctl.d has been read at boot.
    keep = "boot" if key.startswith("net.netfilter.") else "sysctl"
    step = Step("sysctl", key, Cell(path), current, new, (Write(path, new),), (Write(path, current),), keep=keep)
    return (step,)


def _may_go_back(host: Host, control: str) -> bool:
    """Only the initial namespace may choose a congestion control that is restricted (net/ipv4/tcp_cong.c)."""
    allowed = host.read(Cell("/proc/sys/net/ipv4/tcp_allowed_congestion_control")).split()
    return control in allowed or host.exists("/proc/sys/net/core/netdev_max_backlog")


def _risk(key: str) -> Risk:
    return "R2" if key.startswith(_CONF) else "R0"


KNOB: Final = Knob(name="sysctl", order=40, read=_read, steps=_steps, risk=_risk, device=_device)
