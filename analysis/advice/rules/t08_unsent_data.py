"""T8: data that waits in the socket instead of in the application."""

from typing import Final

from analysis.advice.changes import sysctl
from analysis.advice.rule import Irrelevant, Keep, Outcome, Proposal, Rule
from analysis.advice.situation import Missing, Situation
from analysis.advice.sizing import flow_evidence
from analysis.advice.units import memory
from analysis.text import N_, say

KEY: Final = "net.ipv4.tcp_notsent_lowat"
_BOUND: Final = 131_072


def decide(situation: Situation) -> Outcome:
    """Propose 128 KiB where tokens are streamed between sites and much waits unsent."""
    if situation.goal != "inference-across-sites":
        return Irrelevant(
            say(
                N_(
                    "Only for streaming answers; choose the goal “inference across sites” where that is what "
                    "runs here."
                )
            )
        )
    current = situation.number(f"sysctl.{KEY}")
    if current <= _BOUND:
        return Keep(say(N_("At most {bytes} wait unsent already."), bytes=memory(current)))
    if situation.flows is None or all(flow.notsent_bytes is None for flow in situation.flows):
        raise Missing(say(N_("How much waits unsent in each flow was not read (TCP_INFO notsent_bytes).")))
    waiting = [flow for flow in situation.flows if (flow.notsent_bytes or 0) > _BOUND]
    if not waiting:
        return Keep(say(N_("No flow holds more than {bytes} unsent."), bytes=memory(_BOUND)))
    return Proposal(
        severity="info",
        confidence="medium",
        evidence=(
            *(flow_evidence(f, "notsent_bytes", f.notsent_bytes or 0) for f in waiting),
            situation.evidence(f"sysctl.{KEY}"),
        ),
        formula=say(
            N_("unsent {most} > {bound}"),
            most=memory(max(f.notsent_bytes or 0 for f in waiting)),
            bound=memory(_BOUND),
        ),
        effect=say(N_("a new token waits behind at most {bound} of older data in its socket"), bound=memory(_BOUND)),
        changes=(
            sysctl(
                situation,
                KEY,
                str(_BOUND),
                say(N_("the application is asked for more only below {bound}"), bound=memory(_BOUND)),
            ),
        ),
        instructions=(
            say(
                N_(
                    "Containers do not inherit this key: start them with --sysctl, or set it in their "
                    "security context."
                )
            ),
        ),
    )


RULE: Final = Rule(
    id="T8",
    title=say(N_("Keep unsent data out of the socket")),
    risk="R0",
    scope="netns",
    persists="sysctl.d",
    authority=("Linux Documentation/networking/ip-sysctl.rst: tcp_notsent_lowat", "tuned profile network-throughput"),
    decide=decide,
)
