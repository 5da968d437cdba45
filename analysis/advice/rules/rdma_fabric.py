"""D5 to D9: what card and switch must agree on. Mostly told to a person, since it affects other hosts."""

from typing import Final

from analysis.advice.plan import Change, Evidence
from analysis.advice.rdma import NO_DEVICE, NO_HARDWARE, devices, hardware, netdevs
from analysis.advice.rule import Irrelevant, Keep, Outcome, Proposal, Rule
from analysis.advice.situation import Missing, Situation
from analysis.advice.units import duration
from analysis.advice.vendors import on_card, on_switches
from analysis.text import N_, Sentence, say

_LOSS_COUNTERS: Final = ("packet_seq_err", "out_of_sequence", "local_ack_timeout_err", "rcvd_seq_err")
DCQCN: Final = {
    "rpg_time_reset": 300,
    "rpg_byte_reset": 32767,
    "rpg_threshold": 1,
    "rpg_ai_rate": 5,
    "rpg_hai_rate": 50,
    "rpg_gd": 11,
    "rpg_min_dec_fac": 50,
    "rpg_min_rate": 1,
    "rate_to_set_on_first_cnp": 0,
    "dce_tcp_g": 1019,
    "dce_tcp_rtt": 1,
    "rate_reduce_monitor_period": 4,
    "initial_alpha_value": 1023,
    "min_time_between_cnps": 4,
    "cnp_dscp": 48,
    "cnp_802p_prio": 6,
}


def _ports(situation: Situation, attribute: str) -> list[str] | Irrelevant:
    """Return the interfaces of RDMA hardware whose `attribute` is known; raise `Missing` where that is none."""
    if not (found := hardware(situation)):
        return NO_HARDWARE if devices(situation) else NO_DEVICE
    names = netdevs(situation, found)
    if not names:
        raise Missing(say(N_("Which interfaces carry the RDMA devices was not read.")))
    known = [name for name in names if situation.find(f"link.{name}.{attribute}") is not None]
    if not known:
        situation.text(f"link.{names[0]}.{attribute}")
    return known


def _not_lossless(situation: Situation) -> Irrelevant | None:
    if situation.goal == "lossless-fabric":
        return None
    return Irrelevant(say(N_("Only for a lossless fabric; choose that goal where the switches are set up for one.")))


def trust(situation: Situation) -> Outcome:
    """D5: the card sorts by the same field as the fabric."""
    if (other := _not_lossless(situation)) is not None:
        return other
    names = _ports(situation, "dcb_trust")
    if isinstance(names, Irrelevant):
        return names
    by_vlan = [name for name in names if situation.text(f"link.{name}.dcb_trust") != "dscp"]
    if not by_vlan:
        return Keep(say(N_("The cards sort by DSCP.")))
    return Proposal(
        severity="warn",
        confidence="medium",
        evidence=tuple(situation.evidence(f"link.{name}.dcb_trust") for name in by_vlan),
        formula=say(N_("trust = pcp: packets without a VLAN tag have no priority")),
        effect=say(N_("routed RoCE keeps its priority")),
        instructions=(
            say(N_("Do it only where the switches trust DSCP too; what they trust cannot be seen from here.")),
            *on_switches("trust"),
            *(on_card(situation, name, "trust") for name in by_vlan),
        ),
    )


def priority_flow_control(situation: Situation) -> Outcome:
    """D6: PFC on priority 3 alone, never with global pause."""
    if (other := _not_lossless(situation)) is not None:
        return other
    names = _ports(situation, "pfc_priorities")
    if isinstance(names, Irrelevant):
        return names
    wrong = {name: fault for name in names if (fault := _pfc_fault(situation, name)) is not None}
    if not wrong:
        return Keep(say(N_("PFC guards one or two priorities, without global pause.")))
    return Proposal(
        severity="warn",
        confidence="medium",
        evidence=tuple(situation.evidence(f"link.{name}.pfc_priorities") for name in wrong),
        formula=say(N_("one lossless priority (3), both ends and each switch between them alike, no global pause")),
        effect=say(N_("RoCE waits for room instead of losing packets; other traffic is never stopped")),
        instructions=(
            say(
                N_(
                    "Set up the switch first, then each host: PFC on one side only stalls or drops. What the "
                    "switch does cannot be seen from here."
                )
            ),
            *on_switches("trust", "pfc", "ecn"),
            *(step for name, fault in wrong.items() for step in (fault, on_card(situation, name, "pfc"))),
        ),
    )


def _pfc_fault(situation: Situation, name: str) -> Sentence | None:
    priorities = situation.text(f"link.{name}.pfc_priorities").split()
    paused = "on" in {situation.find(f"link.{name}.pause_rx"), situation.find(f"link.{name}.pause_tx")}
    if paused:
        return say(N_("{name}: global pause is on, which stops all priorities at once and excludes PFC."), name=name)
    if priorities == ["3"]:
        return None
    if len(priorities) > 2:
        what = N_("{name}: PFC is on for priorities {all}; leave only 3.")
        return say(what, name=name, all=" ".join(priorities))
    if priorities:
        return None
    return say(N_("{name}: PFC is off."), name=name)


def lossy_recovery(situation: Situation) -> Outcome:
    """D7: without PFC the card itself must recover from loss better than go-back-N."""
    found = [d for d in hardware(situation) if (situation.find(f"rdma.{d}.driver") or "mlx5").startswith("mlx5")]
    if not found:
        return NO_HARDWARE if devices(situation) else NO_DEVICE
    names = _ports(situation, "pfc_priorities")
    if isinstance(names, Irrelevant):
        return names
    if all(situation.text(f"link.{name}.pfc_priorities") for name in names):
        return Keep(say(N_("PFC is on: the fabric is meant to be lossless.")))
    growth = situation.observed()
    seen = {f"{d}.{c}": n for d in found for c in _LOSS_COUNTERS if (n := growth.rdma.get(f"{d}.{c}")) is not None}
    if not seen:
        raise Missing(say(N_("The loss counters of the RDMA devices were not read.")))
    lost = {key: count for key, count in seen.items() if count}
    if not lost:
        return Keep(say(N_("No RDMA packet was lost in {time}."), time=duration(growth.seconds)))
    source = say(N_("growth within {time}, hw_counters"), time=duration(growth.seconds))
    return Proposal(
        severity="warn",
        confidence="medium",
        evidence=tuple(Evidence(key, count, source) for key, count in lost.items()),
        formula=say(N_("go-back-N carries (1 − p) / (1 − p + p × W), selective repeat 1 − p")),
        effect=say(N_("a lost packet no longer costs all that follow it")),
        instructions=(
            say(
                N_(
                    "ConnectX: in firmware register ROCE_ACCL (mlxreg) set adaptive retransmission, transmit "
                    "window and slow restart; selective repeat where both ends offer it."
                )
            ),
            say(
                N_(
                    "Whether this firmware has them cannot be seen from here; plan a maintenance window for "
                    "both ends."
                )
            ),
        ),
    )


def explicit_congestion(situation: Situation) -> Outcome:
    """D8: the card answers and obeys ECN."""
    names = _ports(situation, "ecn_np")
    if isinstance(names, Irrelevant):
        return names
    off = [(n, role) for n in names for role in ("ecn_np", "ecn_rp") if situation.find(f"link.{n}.{role}") == "off"]
    if not off:
        return Keep(say(N_("The cards answer and obey ECN for priority 3.")))
    return Proposal(
        severity="warn",
        confidence="medium",
        evidence=tuple(situation.evidence(f"link.{name}.{role}") for name, role in off),
        formula=say(N_("both roles: notification point (np) at the receiver, reaction point (rp) at the sender")),
        effect=say(N_("senders slow down when switches mark, before PFC has to stop them")),
        changes=tuple(_ecn(name, role) for name, role in off),
        instructions=(
            say(N_("Switches must mark (WRED/ECN on the RoCE class); that cannot be seen from here.")),
            *on_switches("ecn"),
        ),
    )


def _ecn(name: str, role: str) -> Change:
    path = f"/sys/class/net/{name}/ecn/roce_{role.removeprefix('ecn_')}/enable/3"
    return Change(
        "rdma",
        f"{name}.{role}",
        "off",
        "on",
        say(N_("ECN for priority 3 of {interface}"), interface=name),
        f"echo 0 > {path}",
    )


def congestion_parameters(situation: Situation) -> Outcome:
    """D9: DCQCN parameters that differ from the defaults."""
    if not (found := hardware(situation)):
        return NO_HARDWARE if devices(situation) else NO_DEVICE
    known = [d for d in found if situation.find(f"rdma.{d}.dcqcn") is not None]
    if not known:
        situation.text(f"rdma.{found[0]}.dcqcn")
    differing = {d: odd for d in known if (odd := _odd(situation.text(f"rdma.{d}.dcqcn")))}
    if not differing:
        return Keep(say(N_("DCQCN runs with its defaults.")))
    return Proposal(
        severity="info",
        confidence="low",
        evidence=tuple(situation.evidence(f"rdma.{d}.dcqcn") for d in differing),
        formula=say(
            N_("defaults: {defaults}"), defaults=" ".join(f"{name}={value}" for name, value in DCQCN.items())
        ),
        effect=say(N_("flows slow down and recover as the vendor tested it")),
        instructions=tuple(
            say(N_("{device}: {odd}. If nobody can say why, put the defaults back and measure."), device=d, odd=odd)
            for d, odd in differing.items()
        ),
    )


def _odd(parameters: str) -> str:
    values = dict(part.partition("=")[::2] for part in parameters.split())
    odd = [f"{name}={values[name]}" for name, usual in DCQCN.items() if name in values and values[name] != str(usual)]
    return " ".join(odd)


_DOROCE: Final = "NVIDIA doroce-linux"
RULES: Final = (
    Rule(
        id="D5",
        title=say(N_("Sort by DSCP, as the fabric does")),
        risk="R4",
        scope="fabric",
        persists="unit",
        authority=(f"{_DOROCE}: mlnx_qos --trust=dscp",),
        decide=trust,
    ),
    Rule(
        id="D6",
        title=say(N_("Guard one priority by PFC")),
        risk="R4",
        scope="fabric",
        persists="unit",
        authority=(f"{_DOROCE}: PFC mask 1 << (tos >> 5)", "Cumulus Linux documentation: RoCE", "IEEE 802.1Qbb"),
        decide=priority_flow_control,
    ),
    Rule(
        id="D7",
        title=say(N_("Let the card recover from loss")),
        risk="R3",
        scope="device",
        persists="none",
        authority=(f"{_DOROCE}: ROCE_ACCL", "Mittal et al., Revisiting Network Support for RDMA, SIGCOMM 2018"),
        decide=lossy_recovery,
    ),
    Rule(
        id="D8",
        title=say(N_("Switch ECN for RoCE on")),
        risk="R0",
        scope="device",
        persists="unit",
        authority=(
            "Linux drivers/infiniband/hw/mlx5/cong.c",
            "Zhu et al., Congestion Control for Large-Scale RDMA, 2015",
        ),
        decide=explicit_congestion,
    ),
    Rule(
        id="D9",
        title=say(N_("Explain or undo changed DCQCN parameters")),
        risk="R0",
        scope="device",
        persists="none",
        authority=("NVIDIA documentation: DCQCN CC parameters", "mlxconfig defaults"),
        decide=congestion_parameters,
    ),
)
