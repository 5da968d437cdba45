"""T23: ports for outgoing connections run out."""

from typing import Final

from analysis.advice.changes import sysctl
from analysis.advice.rule import Keep, Outcome, Proposal, Rule
from analysis.advice.situation import Missing, Situation
from analysis.text import N_, say
from analysis.units import percent

RANGE: Final = "net.ipv4.ip_local_port_range"
RESERVED: Final = "net.ipv4.ip_local_reserved_ports"
_FULL: Final = 0.5
_LOW: Final = 20_000
_NODE_PORTS: Final = "30000-32767"


def decide(situation: Situation) -> Outcome:
    """Propose a lower start, with what listens there reserved, while one destination takes half of the range."""
    waiting = situation.number("tcp.time_wait_to_one")
    bounds = situation.numbers(f"sysctl.{RANGE}")
    if len(bounds) != 2 or bounds[1] < bounds[0]:
        raise Missing(say(N_("The range of local ports is not two numbers.")))
    low, high = bounds
    ports = high - low + 1
    if waiting <= ports * _FULL:
        return Keep(
            say(N_("{used} of {ports} local ports are taken towards one destination."), used=waiting, ports=ports)
        )
    if low <= _LOW:
        return Keep(
            say(
                N_(
                    "The range of local ports is as wide as is safe; reuse connections, or spread them over "
                    "addresses."
                )
            )
        )
    return Proposal(
        severity="bad" if waiting > ports * 0.9 else "warn",
        confidence="high",
        evidence=(situation.evidence("tcp.time_wait_to_one"), situation.evidence(f"sysctl.{RANGE}")),
        formula=say(
            N_("{used} / {ports} ports = {ratio} > 50 %"), used=waiting, ports=ports, ratio=percent(waiting / ports)
        ),
        effect=say(N_("{new} instead of {old} connections to one destination"), new=high - _LOW + 1, old=ports),
        changes=(
            sysctl(
                situation,
                RESERVED,
                _reserved(situation, low),
                say(N_("never given to outgoing connections: what listens there, and Kubernetes node ports")),
            ),
            sysctl(situation, RANGE, f"{_LOW} {high}", say(N_("the range begins lower"))),
        ),
        instructions=(
            say(
                N_(
                    "Leave tcp_tw_reuse as it is. Ray workers use 10002-19999, which this range leaves "
                    "alone. A pinned range for a security group (T24) contradicts this: choose one."
                )
            ),
        ),
    )


def _reserved(situation: Situation, low: int) -> str:
    """What was reserved, what listens between the new and the old start, and node ports."""
    listening = {int(p) for p in situation.text("ports.listening").split() if p.isdecimal()}
    own = sorted(p for p in listening if _LOW <= p < low and not 30_000 <= p <= 32_767)
    parts = (situation.find(f"sysctl.{RESERVED}") or "", *map(str, own), _NODE_PORTS)
    return ",".join(dict.fromkeys(part for text in parts for part in text.split(",") if part))


RULE: Final = Rule(
    id="T23",
    title=say(N_("Widen the range of local ports")),
    risk="R0",
    scope="netns",
    persists="sysctl.d",
    authority=(
        "Linux Documentation/networking/ip-sysctl.rst: ip_local_port_range, ip_local_reserved_ports, tcp_tw_reuse",
        "Ray cluster configuration: worker ports",
    ),
    decide=decide,
)
