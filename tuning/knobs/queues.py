"""The queueing disciplines of an interface: read as tc prints them, put back as tc takes them.

What is made here carries a handle of its own, so that it can be told from what anybody else makes later. A default
queue (handle 0:) comes back by deleting ours; one that somebody chose is made again with its own parameters.
"""

import re
from typing import Final

import msgspec

from analysis.text import N_, say
from tuning.failure import Refused
from tuning.host import Host
from tuning.knobs.knob import interface
from tuning.steps import Act, Cell, Run

HANDLES: Final = {"fq": "6c71", "fq_codel": "6c72", "pfifo": "6c73", "pfifo_fast": "6c74", "htb": "6c75"}
"""By what we hang below the root: a root half made is known as ours, and as which."""
_LEAVES: Final = 0x6D00
_KERNELS: Final = 0x8000
"""Handles from here on are given out by the kernel, from the first one on after a boot."""
_LINE: Final = re.compile(r"qdisc (\w+) (\w*): (root|parent (\w*):(\w+))(?: refcnt \d+)?(.*)")
_SED: Final = (
    "/^qdisc ingress /d;/^qdisc clsact /d;/ parent 6c7[1-5]:/d;s/ refcnt [0-9]*//;"
    r"s/^qdisc \([a-z_]*\) \(6c7[1-5]\): root.*/\1 \2: root/;s/[[:space:]]*$//;p"
)
_VALUES: Final[dict[str, tuple[str, ...]]] = {
    "pfifo_fast": (),
    "noqueue": (),
    "mq": (),
    "pfifo": ("limit",),
    "bfifo": ("limit",),
    "fq_codel": (
        "limit", "flows", "quantum", "target", "interval", "memory_limit", "ce_threshold", "drop_batch",
    ),
    "fq": (
        "limit", "flow_limit", "buckets", "orphan_mask", "quantum", "initial_quantum", "low_rate_threshold",
        "refill_delay", "timer_slack", "horizon", "maxrate", "ce_threshold",
    ),
}  # fmt: skip
_FLAGS: Final = {"fq_codel": ("ecn",), "fq": ("nopacing", "horizon_drop", "horizon_cap")}
_COUNT: Final = re.compile(r"(\d+)[pb]")
"""tc prints "10240p" and "1514b" and takes back the bare number."""


class Queue(msgspec.Struct, frozen=True):
    """One line of `tc qdisc show`. `leaf`: class of a multi-queue root that it hangs on, "" for the root itself."""

    kind: str
    handle: str
    leaf: str
    options: str


def cell(name: str) -> Cell:
    """Return the cell of all queues of an interface; below a root of ours only the root counts."""
    return Cell(argv=("tc", "qdisc", "show", "dev", interface(name)), sed=_SED)


def queues(host: Host, name: str) -> list[Queue]:
    """Return the root first, then the leaves in the order of tc."""
    done = host.run(*cell(name).argv)
    lines = [line for line in done.out.splitlines() if line.split()[1:2] not in (["ingress"], ["clsact"])]
    found = [match for line in lines if (match := _LINE.fullmatch(line.strip()))]
    if done.code or not found or len(found) != len(lines):
        raise Refused(say(N_("The queue of {interface} cannot be read."), interface=name))
    read = [Queue(match[1], match[2], match[5] or "", match[6].strip()) for match in found]
    return sorted(read, key=lambda queue: bool(queue.leaf))


def kinds(host: Host, name: str) -> str:
    """Return the kinds of the root and of its leaves, each once: "mq fq_codel"."""
    root, *leaves = queues(host, name)
    return " ".join(dict.fromkeys((root.kind, *(leaf.kind for leaf in leaves))))


def replace(name: str, place: str, kind: str, *options: str) -> Run:
    """Return what makes a queue at `place` ("root handle 6c71:"), whatever is there now."""
    return Run(("tc", "qdisc", "replace", "dev", name, *place.split(), kind, *options))


def below(root: str, leaf: str) -> str:
    """Return the place of a queue of ours below the root.

    Its handle is told: one from the kernel may be the very one that putting the old queues back needs.
    """
    handle = _LEAVES + int(leaf, 16)
    return f"parent {root}:{leaf} handle {handle:x}:" if handle < _KERNELS else f"parent {root}:{leaf}"


def undo(host: Host, name: str) -> tuple[Act, ...]:
    """Return what brings the queues back as they are now. Raises Refused where that could not be done exactly."""
    root, *leaves = queues(host, name)
    if host.run("tc", "filter", "show", "dev", name).out.strip():
        why = N_("The queue of {interface} has filters, which could not be put back exactly.")
        raise Refused(say(why, interface=name))
    for queue in (root, *leaves):
        if queue.kind not in _VALUES:
            why = N_("{interface} has a queue of kind {kind}, which could not be put back exactly.")
            raise Refused(say(why, interface=name, kind=queue.kind))
    if root.handle == "0":
        return (Run(("tc", "qdisc", "del", "dev", name, "root")),)
    acts = [replace(name, f"root handle {root.handle}:", root.kind, *_options(name, root))]
    for leaf in leaves:
        if root.handle in HANDLES.values():
            acts.append(replace(name, below(root.handle, leaf.leaf), leaf.kind))
        elif leaf.handle != "0":
            place = f"parent {root.handle}:{leaf.leaf} handle {leaf.handle}:"
            acts.append(replace(name, place, leaf.kind, *_options(name, leaf)))
    return tuple(acts)


def _options(name: str, queue: Queue) -> list[str]:
    """Return what tc printed as what tc takes."""
    if queue.kind == "pfifo_fast" or queue.handle in HANDLES.values():
        return []
    flags, words, options = _FLAGS.get(queue.kind, ()), queue.options.split(), list[str]()
    while words:
        word = words.pop(0)
        if word in flags:
            options.append(word)
        elif word in _VALUES[queue.kind] and words:
            value = words.pop(0)
            count = _COUNT.fullmatch(value)
            options += [word, count[1] if count else value]
        else:
            why = N_("The queue of {interface} has the option “{option}”, which could not be put back exactly.")
            raise Refused(say(why, interface=name, option=word))
    if queue.kind == "fq_codel" and "ecn" not in options:
        options.append("noecn")
    return options
