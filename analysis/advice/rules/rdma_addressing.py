"""D1, D3, D4: which GID, which RoCE version and which traffic class connections get."""

from typing import Final

from analysis.advice.plan import Change
from analysis.advice.rdma import NO_DEVICE, NO_ETHERNET, NO_HARDWARE, devices, hardware, roce
from analysis.advice.rule import Irrelevant, Keep, Outcome, Proposal, Rule
from analysis.advice.situation import Situation
from analysis.text import N_, say

TOS: Final = 106
"""DSCP 26 and ECT(0): priority 3 where priority = DSCP / 8."""


def gid(situation: Situation) -> Outcome:
    """D1: a RoCE v2 GID of an IPv4 address on each Ethernet device."""
    if not (found := roce(situation)):
        return NO_ETHERNET if devices(situation) else NO_DEVICE
    known = {d: situation.find(f"rdma.{d}.gids") for d in found}
    if all(gids is None for gids in known.values()):
        situation.text(f"rdma.{found[0]}.gids")
    without = [d for d, gids in known.items() if gids is not None and not _routable(gids)]
    if not without:
        return Keep(say(N_("Each RoCE device has a RoCE v2 GID with an IPv4 address.")))
    return Proposal(
        severity="warn",
        confidence="high",
        evidence=tuple(situation.evidence(f"rdma.{d}.gids") for d in without),
        formula=say(N_("no GID of type RoCE v2 begins with ::ffff: on {names}"), names=", ".join(without)),
        effect=say(N_("the device can be reached by routable RoCE v2")),
        instructions=tuple(
            say(N_("Give the interface of {device} an IPv4 address; its GID appears by itself."), device=d)
            for d in without
        ),
    )


def _routable(gids: str) -> bool:
    return any(f"{entry},".split(",")[1] == "RoCEv2" and "::ffff:" in entry for entry in gids.split())


def connection_mode(situation: Situation) -> Outcome:
    """D3: rdma_cm makes RoCE v2 connections."""
    if not (found := roce(situation)):
        return NO_ETHERNET if devices(situation) else NO_DEVICE
    known = {d: situation.find(f"rdma.{d}.cm_mode") for d in found}
    if all(mode is None for mode in known.values()):
        situation.text(f"rdma.{found[0]}.cm_mode")
    old = [d for d, mode in known.items() if mode is not None and mode.endswith("v1")]
    if not old:
        return Keep(say(N_("New connections use RoCE v2.")))
    return Proposal(
        severity="warn",
        confidence="high",
        evidence=tuple(situation.evidence(f"rdma.{d}.cm_mode") for d in old),
        formula=say(N_("RoCE v1 is not routed: it has no IP header")),
        effect=say(N_("new connections can cross routers and are spread over equal paths")),
        changes=tuple(_set(situation, d, "cm_mode", "RoCEv2") for d in old),
    )


def traffic_class(situation: Situation) -> Outcome:
    """D4: one class for connection management, verbs and NCCL."""
    if situation.goal != "lossless-fabric":
        return Irrelevant(say(N_("Only a lossless fabric gives RoCE a class of its own.")))
    if not (found := hardware(situation)):
        return NO_HARDWARE if devices(situation) else NO_DEVICE
    unset = [
        (d, a) for d in found for a in ("traffic_class", "cm_tos") if situation.find_number(f"rdma.{d}.{a}") == 0
    ]
    if all(situation.find_number(f"rdma.{d}.traffic_class") is None for d in found):
        situation.number(f"rdma.{found[0]}.traffic_class")
    if not unset:
        return Keep(say(N_("A traffic class is set already; the switches must agree with it.")))
    return Proposal(
        severity="warn",
        confidence="medium",
        evidence=tuple(situation.evidence(f"rdma.{d}.{a}") for d, a in unset),
        formula=say(N_("106 = DSCP 26 × 4 + ECT(0); DSCP 26 / 8 = priority 3")),
        effect=say(N_("RoCE rides in the lossless class, and switches can mark it instead of dropping it")),
        changes=tuple(_set(situation, d, a, str(TOS)) for d, a in unset),
        instructions=(
            say(N_("Start NCCL with NCCL_IB_TC=106, and UCX with UCX_IB_TRAFFIC_CLASS=106.")),
            say(
                N_(
                    "Both are lost at a reboot: keep them in a systemd unit. What the switches expect cannot "
                    "be seen from here."
                )
            ),
        ),
    )


def _set(situation: Situation, device: str, attribute: str, value: str) -> Change:
    key = f"{device}.{attribute}"
    current = situation.text(f"rdma.{key}")
    meaning = say(N_("new connections of {device} use {value}"), device=device, value=value)
    undo = {
        "cm_mode": f"cma_roce_mode -d {device} -p 1 -m 1",
        "cm_tos": f"cma_roce_tos -d {device} -t {current}",
        "traffic_class": f"echo {current} > /sys/class/infiniband/{device}/tc/1/traffic_class",
    }
    return Change("rdma", key, current, value, meaning, undo[attribute])


_DOROCE: Final = "NVIDIA doroce-linux"
_TOOLS: Final = "mlnx-tools"
RULES: Final = (
    Rule(
        id="D1",
        title=say(N_("Give RoCE a routable address")),
        risk="R0",
        scope="device",
        persists="netplan",
        authority=(f"{_TOOLS} show_gids", "NCCL documentation: RoCE"),
        decide=gid,
    ),
    Rule(
        id="D3",
        title=say(N_("Make RoCE v2 connections")),
        risk="R0",
        scope="device",
        persists="unit",
        authority=(f"{_TOOLS} cma_roce_mode", "Linux Documentation/ABI/testing/configfs-rdma_cm"),
        decide=connection_mode,
    ),
    Rule(
        id="D4",
        title=say(N_("Mark RoCE as one traffic class")),
        risk="R0",
        scope="device",
        persists="unit",
        authority=(f"{_DOROCE} set_cm_tos, traffic_class",),
        decide=traffic_class,
    ),
)
