"""T30: RDMA needs memory that stays in place, more than login sessions may lock by default."""

from typing import Final

from analysis.advice.plan import Change
from analysis.advice.rdma import NO_DEVICE, devices
from analysis.advice.rule import Keep, Outcome, Proposal, Rule
from analysis.advice.situation import Situation
from analysis.advice.units import memory
from analysis.text import N_, say


def decide(situation: Situation) -> Outcome:
    """Propose an unlimited memlock limit where there is an RDMA device."""
    if not devices(situation):
        return NO_DEVICE
    limit = situation.text("limit.memlock_bytes")
    if limit == "unlimited":
        return Keep(say(N_("Memory may be locked without limit already.")))
    allowed = memory(situation.number("limit.memlock_bytes"))
    return Proposal(
        severity="warn",
        confidence="medium",
        evidence=(situation.evidence("limit.memlock_bytes"), situation.evidence("rdma.devices")),
        formula=say(N_("{limit} < what RDMA applications register"), limit=allowed),
        effect=say(N_("“Failed to create QP” and memory registration errors go away")),
        changes=(
            Change(
                "limit",
                "memlock",
                "default",
                "unlimited",
                say(N_("new logins may lock all memory; written when the plan is kept")),
                "rm /etc/security/limits.d/90-longpipe.conf",
            ),
        ),
        instructions=(
            say(N_("It holds for new logins: log in again.")),
            say(N_("For services: LimitMEMLOCK=infinity in the unit; for containers: --ulimit memlock=-1.")),
            say(N_("The limit read is this process's own; what other services have cannot be seen from it.")),
        ),
    )


RULE: Final = Rule(
    id="T30",
    title=say(N_("Let RDMA lock its memory")),
    risk="R0",
    scope="login",
    persists="limits.d",
    authority=(
        "NCCL documentation, troubleshooting: ibv_create_qp and ibv_reg_mr",
        "Linux drivers/infiniband/core/umem.c",
    ),
    decide=decide,
)
