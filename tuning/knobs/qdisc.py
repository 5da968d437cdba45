"""The queueing discipline at an interface's root, and those of a multi-queue root's leaves."""

from typing import Final

from analysis.text import N_, say
from tuning.failure import Refused
from tuning.host import Host
from tuning.knobs.knob import Knob, identified, interface, one_of
from tuning.knobs.queues import HANDLES, below, cell, kinds, queues, replace, undo
from tuning.steps import Act, Step

_KINDS: Final = ("fq", "fq_codel", "pfifo", "pfifo_fast")


def _steps(host: Host, name: str, value: str) -> tuple[Step, ...]:
    first, *rest = value.split() or [""]
    kind = one_of(rest[0] if first == "mq" and len(rest) == 1 else value, _KINDS, name)
    root, *leaves = queues(host, name)
    if (root.kind == "mq") != (first == "mq"):
        why = N_("{interface} has {now} at its root; {wanted} would change how many queues it has.")
        raise Refused(say(why, interface=name, now=root.kind, wanted=value))
    handle, top = HANDLES[kind], "mq" if first == "mq" else kind
    made: list[Act] = [replace(name, f"root handle {handle}:", top)]
    made += [replace(name, below(handle, leaf.leaf), kind) for leaf in leaves]
    old, new = host.read(cell(name)), f"{top} {handle}: root"
    step = Step("qdisc", name, cell(name), old, new, tuple(made), undo(host, name), keep="boot")
    return (identified(host, name, step),)


KNOB: Final = Knob(name="qdisc", order=30, read=kinds, steps=_steps, risk=lambda _: "R1", device=interface)
