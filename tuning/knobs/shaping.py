"""Shaping: what leaves an interface is held to a rate, and replies of the SSH server go first.

"htb 900mbit ssh 22 fq_codel": the rate, the port on this box that sessions come in by, and the queue of everything
else. Everything that is not SSH is in the largest class, so that what nobody thought of is not slowed down. HTB is
one queue for all CPUs. RoCE in hardware bypasses it.
"""

import re
from typing import Final

import msgspec

from analysis.advice.units import tc_rate
from analysis.text import N_, say
from tuning.failure import Refused
from tuning.host import Host
from tuning.knobs.knob import Knob, identified, interface, one_of, whole
from tuning.knobs.queues import HANDLES, below, cell, kinds, queues, replace, undo
from tuning.steps import Act, Run, Step

LEAVES: Final = ("fq_codel", "fq", "pfifo")
_VALUE: Final = re.compile(r"htb (\d{1,9}(?:k|m|g)bit) ssh (\d{1,5}) (\w+)")
_SCALE: Final = {"k": 1_000, "m": 1_000_000, "g": 1_000_000_000}
_LEAST_BPS: Final = 1_000_000
_MOST_BPS: Final = 1_000_000_000_000
_ROOT: Final = HANDLES["htb"]
_MINOR: Final = "30"
"""Of the class of everything but the session."""
_ALL, _SSH, _BULK = f"{_ROOT}:1", f"{_ROOT}:10", f"{_ROOT}:{_MINOR}"
_SSH_MOST_BPS: Final = 10_000_000
_QUANTUM: Final = "60000"
"""Above a jumbo frame; said, so that the kernel does not guess one from the rate and complain."""
_CLASS: Final = re.compile(rf"class htb {_ALL} root .*?rate (\d+(?:\.\d+)?)([KMGT]?)bit ")
_PORT: Final = re.compile(r"match ([0-9a-f]{4})0000/ffff0000 at 20")
_UNITS: Final = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}


class _Wanted(msgspec.Struct, frozen=True):
    """What a value says."""

    bps: int
    port: int
    leaf: str

    def __str__(self) -> str:
        return f"htb {tc_rate(self.bps)} ssh {self.port} {self.leaf}"


def _read(host: Host, name: str) -> str:
    """Return what shapes now if it is ours, else the kinds of queue as they are."""
    root, *leaves = queues(host, name)
    if root.handle != _ROOT:
        return kinds(host, name)
    rate = _CLASS.search(host.run("tc", "class", "show", "dev", name).out)
    port = _PORT.search(host.run("tc", "filter", "show", "dev", name).out)
    bulk = next((leaf.kind for leaf in leaves if leaf.leaf == _MINOR), None)
    if rate is None or port is None or bulk is None:
        return "htb"
    return str(_Wanted(round(float(rate[1]) * _UNITS[rate[2]]), int(port[1], 16), bulk))


def _steps(host: Host, name: str, value: str) -> tuple[Step, ...]:
    wanted, now = _parsed(name, value), _read(host, name)
    if now == str(wanted):
        return ()
    if queues(host, name)[0].handle == _ROOT:
        why = N_("{interface} is shaped already ({now}). Put that back first: longpipe tune rollback")
        raise Refused(say(why, interface=name, now=now))
    old, new = host.read(cell(name)), f"htb {_ROOT}: root"
    step = Step("shaping", name, cell(name), old, new, _made(name, wanted), undo(host, name), keep="boot")
    return (identified(host, name, step),)


def _parsed(name: str, value: str) -> _Wanted:
    match = _VALUE.fullmatch(" ".join(value.split()))
    if match is None:
        why = N_("{interface} takes “htb RATE ssh PORT LEAF”, for example “htb 900mbit ssh 22 fq_codel”.")
        raise Refused(say(why, interface=interface(name)))
    bps = int(match[1][:-4]) * _SCALE[match[1][-4]]
    if not _LEAST_BPS <= bps <= _MOST_BPS:
        raise Refused(say(N_("A rate is from 1mbit to 1000gbit, not {rate}."), rate=match[1]))
    return _Wanted(bps, whole(match[2], 1, 65_535, name), one_of(match[3], LEAVES, name))


def _made(name: str, wanted: _Wanted) -> tuple[Act, ...]:
    """Return the tree from the root down. The filters come last: until then everything is in the largest class."""
    ssh = min(wanted.bps // 10, _SSH_MOST_BPS)
    return (
        replace(name, f"root handle {_ROOT}:", "htb", "default", _MINOR),
        _class(name, f"{_ROOT}:", _ALL, 0, wanted.bps, wanted.bps),
        _class(name, _ALL, _BULK, 1, wanted.bps - ssh, wanted.bps),
        replace(name, below(_ROOT, _MINOR), wanted.leaf),
        _class(name, _ALL, _SSH, 0, ssh, wanted.bps),
        _filter(name, "ip", 1, f"match ip protocol 6 0xff match ip sport {wanted.port} 0xffff"),
        _filter(name, "ipv6", 2, f"match ip6 protocol 6 0xff match ip6 sport {wanted.port} 0xffff"),
    )


def _class(name: str, parent: str, own: str, prio: int, rate_bps: int, ceil_bps: int) -> Run:
    """A class may send a millisecond's worth at once, so that timers and segmentation offload do not hold it back."""
    burst = str(max(ceil_bps // 8_000, 65_536))
    limits = f"rate {tc_rate(rate_bps)} ceil {tc_rate(ceil_bps)} burst {burst} cburst {burst} quantum {_QUANTUM}"
    words = f"parent {parent} classid {own} htb prio {prio} {limits}"
    return Run(("tc", "class", "replace", "dev", name, *words.split()))


def _filter(name: str, protocol: str, number: int, match: str) -> Run:
    """The handle is told, so that doing it twice does not make two."""
    place = f"parent {_ROOT}: protocol {protocol} prio {number} handle {799 + number}::1"
    return Run(("tc", "filter", "replace", "dev", name, *place.split(), "u32", *match.split(), "flowid", _SSH))


KNOB: Final = Knob(name="shaping", order=32, read=_read, steps=_steps, risk=lambda _: "R1", device=interface)
