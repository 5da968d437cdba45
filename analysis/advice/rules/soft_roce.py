"""D19, D20: RoCE in software: how to get it, and what not to expect of it."""

from typing import Final

from analysis.advice.cards import cards, on_management
from analysis.advice.plan import Change, Evidence
from analysis.advice.rdma import NO_DEVICE, devices, software
from analysis.advice.rule import Irrelevant, Keep, Outcome, Proposal, Rule, Unsure
from analysis.advice.situation import Missing, Situation
from analysis.advice.sizing import longest_rtt, seen_rtt
from analysis.advice.units import duration, rate
from analysis.text import N_, say

_WINDOW: Final = 128
"""RXE_MAX_UNACKED_PSNS."""
_HEADERS: Final = 80


def wanted(situation: Situation) -> Outcome:
    """D19: offer Soft-RoCE for the lossless-fabric goal on a box without RDMA."""
    if devices(situation):
        return Keep(say(N_("There is an RDMA device.")))
    if situation.goal != "lossless-fabric":
        return Irrelevant(say(N_("No RDMA device, and nobody asked for one.")))
    state = situation.text("module.rdma_rxe")
    if state == "missing":
        return Unsure(
            say(N_("This kernel has no Soft-RoCE; distributions ship it in an extra package (linux-modules-extra)."))
        )
    names = [n for n in cards(situation) if not on_management(situation, n)] or cards(situation)
    if not names:
        return Irrelevant(say(N_("No network card is in use.")))
    name = max(names, key=lambda n: situation.find_number(f"link.{n}.speed_mbps") or 0)
    load = Change(
        "module", "rdma_rxe", "not loaded", "loaded", say(N_("the kernel learns Soft-RoCE")), "modprobe -r rdma_rxe"
    )
    link = Change(
        "rdma-link",
        "rxe0",
        "absent",
        f"rxe on {name}",
        say(N_("an RDMA device on {interface}"), interface=name),
        "rdma link delete rxe0",
    )
    return Proposal(
        severity="info",
        confidence="high",
        evidence=(situation.evidence("rdma.devices"), situation.evidence("module.rdma_rxe")),
        formula=say(N_("no RDMA device, goal “lossless fabric”")),
        effect=say(N_("RDMA programs can be tried here; not for real load (D20)")),
        changes=(*(() if state in {"loaded", "builtin"} else (load,)), link, *_memory(situation)),
        instructions=(
            say(N_("Do the same on another box, log in again, and install perftest on both.")),
            say(N_("Try it: ib_send_lat -d rxe0 on one box, ib_send_lat -d rxe0 THIS_BOX on the other.")),
            say(
                N_(
                    "It is gone after a reboot unless kept (longpipe tune confirm). Take it away again: "
                    "longpipe tune rollback."
                )
            ),
        ),
    )


def _memory(situation: Situation) -> tuple[Change, ...]:
    """Return that memory may be locked, where it is known that it may not be without limit."""
    if situation.find("limit.memlock_bytes") in {None, "unlimited"}:
        return ()
    meaning = say(N_("new logins may lock all memory; written when the plan is kept"))
    undo = "rm /etc/security/limits.d/90-longpipe.conf"
    return (Change("limit", "memlock", "default", "unlimited", meaning, undo),)


def in_use(situation: Situation) -> Outcome:
    """D20: real traffic over Soft-RoCE."""
    found = [d for d in devices(situation) if software(situation, d)]
    if not found:
        return Irrelevant(say(N_("No Soft-RoCE device."))) if devices(situation) else NO_DEVICE
    growth = situation.observed()
    sent = {f"{d}.sent_pkts": growth.rdma[f"{d}.sent_pkts"] for d in found if f"{d}.sent_pkts" in growth.rdma}
    if not sent:
        raise Missing(say(N_("The packet counters of Soft-RoCE were not read.")))
    if not any(sent.values()):
        return Keep(say(N_("Soft-RoCE is there, and idle.")))
    mtu = _packet_bytes(situation, found[0])
    rtt = seen_rtt(situation) or longest_rtt(situation)
    ceiling = _WINDOW * mtu * 8 / rtt.value
    source = say(N_("growth within {time}, hw_counters"), time=duration(growth.seconds))
    return Proposal(
        severity="info",
        confidence="high",
        evidence=(*(Evidence(key, count, source) for key, count in sent.items() if count), rtt.evidence),
        formula=say(N_("128 × {mtu} B × 8 / {rtt} = {rate}"), mtu=mtu, rtt=duration(rtt.value), rate=rate(ceiling)),
        effect=say(N_("one connection never exceeds {rate} here, whatever the line carries"), rate=rate(ceiling)),
        instructions=(
            say(
                N_(
                    "Soft-RoCE is for the laboratory: it costs CPU, marks no ECN and stops at 128 packets in "
                    "flight. Use RDMA hardware, or TCP with BBR over distance."
                )
            ),
        ),
    )


def _packet_bytes(situation: Situation, device: str) -> int:
    """Largest InfiniBand MTU below the interface's; 1024 where that is not known."""
    frame = situation.find_number(f"link.{situation.find(f'rdma.{device}.netdev')}.mtu") or 1500
    return max((size for size in (256, 512, 1024, 2048, 4096) if size <= frame - _HEADERS), default=256)


RULES: Final = (
    Rule(
        id="D19",
        title=say(N_("Try RDMA in software")),
        risk="R0",
        scope="host",
        persists="unit",
        authority=("iproute2 rdma-link(8)", "Linux drivers/infiniband/sw/rxe"),
        decide=wanted,
    ),
    Rule(
        id="D20",
        title=say(N_("Do not run real load over Soft-RoCE")),
        risk="R0",
        scope="application",
        persists="none",
        authority=("Linux drivers/infiniband/sw/rxe/rxe_param.h: RXE_MAX_UNACKED_PSNS",),
        decide=in_use,
    ),
)
