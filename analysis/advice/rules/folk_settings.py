"""T24 to T27 and T29: settings that circulate as advice, most of which are best left alone."""

from collections.abc import Callable
from typing import Final

from analysis.advice.changes import sysctl
from analysis.advice.rule import Irrelevant, Keep, Outcome, Proposal, Rule, Unsure
from analysis.advice.situation import Situation
from analysis.text import N_, say

_IP_SYSCTL: Final = "Linux Documentation/networking/ip-sysctl.rst"


def bootstrap_ports(situation: Situation) -> Outcome:
    """T24: whether a security group stands between the ranks cannot be seen from inside."""
    if situation.number("gpu.count") == 0:
        return Irrelevant(say(N_("No GPU, so no NCCL bootstrap.")))
    return Unsure(
        say(
            N_(
                "Whether a security group stands between the ranks cannot be seen from here. If bootstrap "
                "hangs, open the local ports {range} between the ranks, or pin ip_local_port_range to what "
                "is open (for example 50000 51000), which contradicts T23."
            ),
            range=situation.text("sysctl.net.ipv4.ip_local_port_range").replace(" ", "-"),
        )
    )


def fast_open(situation: Situation) -> Outcome:
    """T25: never proposed."""
    value = situation.number("sysctl.net.ipv4.tcp_fastopen")
    return Keep(
        say(
            N_("{value}: it helps only applications that ask for it (MSG_FASTOPEN), and middleboxes drop it."),
            value=value,
        )
    )


def metrics(situation: Situation) -> Outcome:
    """T26: metrics of past connections help new ones."""
    if situation.number("sysctl.net.ipv4.tcp_no_metrics_save") == 0:
        return Keep(say(N_("New connections start from what earlier ones learned, as they should.")))
    return Proposal(
        severity="info",
        confidence="medium",
        evidence=(situation.evidence("sysctl.net.ipv4.tcp_no_metrics_save"),),
        formula=say(N_("1: each connection forgets round trip and threshold of the path when it ends")),
        effect=say(N_("connections to known peers start better informed")),
        instructions=(
            say(
                N_(
                    "Somebody set this; unless it is for benchmarking, remove it: sysctl -w "
                    "net.ipv4.tcp_no_metrics_save=0."
                )
            ),
        ),
    )


def queue_length(situation: Situation) -> Outcome:
    """T27: never proposed."""
    lengths = {
        name: situation.find_number(f"link.{name}.tx_queue_len") for name in situation.named("link", "tx_queue_len")
    }
    told = ", ".join(f"{name}: {length}" for name, length in lengths.items() if length is not None)
    if not told:
        situation.text("link.*.tx_queue_len")
    return Keep(
        say(
            N_("txqueuelen ({told}) does not matter with fq, fq_codel or mq, which have limits of their own."),
            told=told,
        )
    )


def timestamps(situation: Situation) -> Outcome:
    """T29: without timestamps round trips are measured once a window, and sequence numbers wrap unprotected."""
    if situation.number("sysctl.net.ipv4.tcp_timestamps") != 0:
        return Keep(say(N_("TCP timestamps are on.")))
    return Proposal(
        severity="warn",
        confidence="high",
        evidence=(situation.evidence("sysctl.net.ipv4.tcp_timestamps"),),
        formula=say(N_("sequence numbers wrap after 4 GiB: 34 s at 1 Gb/s, 3.4 s at 10 Gb/s")),
        effect=say(N_("exact round trips and protection against wrapped sequence numbers, for 12 bytes a segment")),
        changes=(sysctl(situation, "net.ipv4.tcp_timestamps", "1", say(N_("new connections carry timestamps"))),),
    )


def _rule(number: str, title: str, authority: str, decide: Callable[[Situation], Outcome]) -> Rule:
    return Rule(
        id=number,
        title=say(title),
        risk="R0",
        scope="netns",
        persists="sysctl.d",
        authority=(authority,),
        decide=decide,
    )


RULES: Final = (
    _rule(
        "T24",
        N_("Let NCCL's bootstrap through the security group"),
        "NCCL documentation, troubleshooting: networking",
        bootstrap_ports,
    ),
    _rule("T25", N_("TCP Fast Open"), f"{_IP_SYSCTL}: tcp_fastopen", fast_open),
    _rule("T26", N_("Keep what connections learn of their paths"), f"{_IP_SYSCTL}: tcp_no_metrics_save", metrics),
    _rule("T27", N_("Transmit queue length"), "Linux net/sched: queues have limits of their own", queue_length),
    _rule("T29", N_("Switch TCP timestamps on"), "RFC 7323", timestamps),
)
