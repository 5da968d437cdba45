"""T6: fq where BBR paces."""

from typing import Final

from analysis.advice.changes import sysctl
from analysis.advice.congestion import CURRENT, planned
from analysis.advice.plan import Change
from analysis.advice.rule import Irrelevant, Keep, Outcome, Proposal, Rule, Unsure
from analysis.advice.situation import Missing, Situation
from analysis.text import N_, Sentence, say

DEFAULT: Final = "net.core.default_qdisc"
_PLAIN: Final = frozenset({"pfifo_fast", "pfifo", "fq_codel"})
"""What the kernel or the distribution puts there by itself. Anything else is somebody's choice and stays."""


def decide(situation: Situation) -> Outcome:
    """Propose fq on interfaces whose queue is a plain default, once BBR is used."""
    if planned(situation) != "bbr":
        return Keep(say(N_("{cc} does not pace, so the queue needs no pacing."), cc=situation.text(CURRENT)))
    ports = _ports(situation)
    if not ports:
        return Irrelevant(say(N_("No interface in use has a queue.")))
    plain = [name for name in ports if _is_plain(situation, name)]
    if not plain:
        return Keep(_why_kept(situation, ports))
    if situation.text("module.sch_fq") == "missing":
        return Unsure(
            say(N_("BBR would gain from fq, but this kernel has no fq queue; it paces by itself since 4.13."))
        )
    return Proposal(
        severity="info",
        confidence="medium",
        evidence=(situation.evidence(CURRENT), *(situation.evidence(f"qdisc.{name}.root") for name in plain)),
        formula=say(
            N_("BBR sends at a pace; {kinds} sends as it comes"),
            kinds=", ".join(sorted({_kind(situation, n) for n in plain})),
        ),
        effect=say(
            N_("evener sending and less CPU for pacing; BBR works without it (the kernel paces by itself since 4.13)")
        ),
        changes=(*_default(situation), *(_replace(situation, name) for name in plain)),
    )


def _ports(situation: Situation) -> list[str]:
    """Return the interfaces in use that queue; raise `Missing` where no queue is known at all."""
    roots = list(situation.named("qdisc", "root"))
    if all(situation.find(f"qdisc.{name}.root") is None for name in roots):
        raise Missing(say(N_("The queueing disciplines of the interfaces were not read.")))
    return [
        name
        for name in roots
        if situation.find(f"qdisc.{name}.root") not in {None, "", "noqueue"}
        and situation.find(f"link.{name}.operstate") not in {"down", "lowerlayerdown", "notpresent"}
    ]


def _kind(situation: Situation, name: str) -> str:
    root = situation.text(f"qdisc.{name}.root")
    return situation.text(f"qdisc.{name}.leaves") if root == "mq" else root


def _is_plain(situation: Situation, name: str) -> bool:
    return set(_kind(situation, name).split()) <= _PLAIN


def _why_kept(situation: Situation, ports: list[str]) -> Sentence:
    kinds = ", ".join(f"{name}: {_kind(situation, name)}" for name in ports)
    if all(_kind(situation, name) == "fq" for name in ports):
        return say(N_("fq paces already ({kinds})."), kinds=kinds)
    return say(N_("The queues are somebody's choice and stay ({kinds})."), kinds=kinds)


def _default(situation: Situation) -> tuple[Change, ...]:
    if situation.text(f"sysctl.{DEFAULT}") == "fq":
        return ()
    return (sysctl(situation, DEFAULT, "fq", say(N_("queues made from now on are fq, for every new interface"))),)


def _replace(situation: Situation, name: str) -> Change:
    root, kind = situation.text(f"qdisc.{name}.root"), _kind(situation, name)
    meaning = say(N_("{interface} queues with fq; packets queued at that moment are lost"), interface=name)
    if root != "mq":
        return Change("qdisc", name, kind, "fq", meaning, f"tc qdisc replace dev {name} root {kind}")
    old = situation.text(f"sysctl.{DEFAULT}")
    undo = f"sysctl -w {DEFAULT}={old} && tc qdisc replace dev {name} root mq"
    return Change("qdisc", name, f"mq {kind}", "mq fq", meaning, undo)


RULE: Final = Rule(
    id="T6",
    title=say(N_("Let fq pace what BBR sends")),
    risk="R1",
    scope="device",
    persists="sysctl.d",
    authority=(
        "Linux net/ipv4/tcp_bbr.c: fq, else internal pacing",
        "Linux Documentation/admin-guide/sysctl/net.rst: default_qdisc",
    ),
    decide=decide,
)
