"""The queueing discipline at an interface's root, and those of a multi-queue root's leaves.

What is made here carries a handle of its own, so that it can be told from what anybody else makes later. A default
queue (handle 0:) comes back by deleting ours; one that somebody chose is made again with its own parameters.
"""

import re
from typing import Final

import msgspec

from analysis.text import N_, say
from tuning.failure import Refused
from tuning.host import Host
from tuning.knobs.knob import Knob, identified, interface, one_of
from tuning.steps import Act, Cell, Run, Step

HANDLES: Final = {"fq": "6c71", "fq_codel": "6c72", "pfifo": "6c73", "pfifo_fast": "6c74"}
"""By what we hang below the root: a root half made is known as ours, and as which."""
_LINE: Final = re.compile(r"qdisc (\w+) (\w*): (root|parent (\w*):(\w+))(?: refcnt \d+)?(.*)")
_SED: Final = (
    "/^qdisc ingress /d;/^qdisc clsact /d;/ parent 6c7[1-4]:/d;s/ refcnt [0-9]*//;"
    r"s/^qdisc \([a-z_]*\) \(6c7[1-4]\): root.*/\1 \2: root/;s/[[:space:]]*$//;p"
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


class _Queue(msgspec.Struct, frozen=True):
    """One line of `tc qdisc show`. `leaf`: class of a multi-queue root that it hangs on, "" for the root itself."""

    kind: str
    handle: str
    leaf: str
    options: str


def _cell(name: str) -> Cell:
    return Cell(argv=("tc", "qdisc", "show", "dev", interface(name)), sed=_SED)


def _queues(host: Host, name: str) -> list[_Queue]:
    """Return the root first, then the leaves in the order of tc."""
    done = host.run(*_cell(name).argv)
    lines = [line for line in done.out.splitlines() if line.split()[1:2] not in (["ingress"], ["clsact"])]
    found = [match for line in lines if (match := _LINE.fullmatch(line.strip()))]
    if done.code or not found or len(found) != len(lines):
        raise Refused(say(N_("The queue of {interface} cannot be read."), interface=name))
    queues = [_Queue(match[1], match[2], match[5] or "", match[6].strip()) for match in found]
    return sorted(queues, key=lambda queue: bool(queue.leaf))


def _read(host: Host, name: str) -> str:
    root, *leaves = _queues(host, name)
    return " ".join(dict.fromkeys((root.kind, *(leaf.kind for leaf in leaves))))


def _steps(host: Host, name: str, value: str) -> tuple[Step, ...]:
    first, *rest = value.split() or [""]
    kind = one_of(rest[0] if first == "mq" and len(rest) == 1 else value, tuple(HANDLES), name)
    root, *leaves = _queues(host, name)
    if (root.kind == "mq") != (first == "mq"):
        why = N_("{interface} has {now} at its root; {wanted} would change how many queues it has.")
        raise Refused(say(why, interface=name, now=root.kind, wanted=value))
    cell, handle, top = _cell(name), HANDLES[kind], "mq" if first == "mq" else kind
    made: list[Act] = [_replace(name, f"root handle {handle}:", top)]
    made += [_replace(name, f"parent {handle}:{leaf.leaf}", kind) for leaf in leaves]
    undo = _undo(name, root, leaves)
    step = Step("qdisc", name, cell, host.read(cell), f"{top} {handle}: root", tuple(made), undo, keep="boot")
    return (identified(host, name, step),)


def _replace(name: str, place: str, kind: str, *options: str) -> Run:
    return Run(("tc", "qdisc", "replace", "dev", name, *place.split(), kind, *options))


def _undo(name: str, root: _Queue, leaves: list[_Queue]) -> tuple[Act, ...]:
    for queue in (root, *leaves):
        if queue.kind not in _VALUES:
            why = N_("{interface} has a queue of kind {kind}, which could not be put back exactly.")
            raise Refused(say(why, interface=name, kind=queue.kind))
    if root.handle == "0":
        return (Run(("tc", "qdisc", "del", "dev", name, "root")),)
    acts = [_replace(name, f"root handle {root.handle}:", root.kind, *_options(name, root))]
    for leaf in leaves:
        if root.handle in HANDLES.values():
            acts.append(_replace(name, f"parent {root.handle}:{leaf.leaf}", leaf.kind))
        elif leaf.handle != "0":
            place = f"parent {root.handle}:{leaf.leaf} handle {leaf.handle}:"
            acts.append(_replace(name, place, leaf.kind, *_options(name, leaf)))
    return tuple(acts)


def _options(name: str, queue: _Queue) -> list[str]:
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


KNOB: Final = Knob(name="qdisc", order=30, read=_read, steps=_steps, risk=lambda _: "R1", device=interface)
