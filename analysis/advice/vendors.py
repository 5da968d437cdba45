"""How cards and switches of each maker are told to keep RoCE (DSCP 26, priority 3) from loss: for a person to type.

Only what a source says; where there is none, the manual is named instead. `{interface}` and `{device}` are filled in;
words in capitals are the person's own.
"""

from typing import Final

import msgspec

from analysis.advice.rdma import roce
from analysis.advice.situation import Situation
from analysis.text import N_, Sentence, say


class Card(msgspec.Struct, frozen=True):
    """Commands of one maker's cards on the host, in order. `drivers`: of the RDMA device and of its interface."""

    maker: str
    drivers: frozenset[str]
    trust: tuple[str, ...]
    pfc: tuple[str, ...]
    source: str


class Switch(msgspec.Struct, frozen=True):
    """Lines of one switch's configuration: sorting by DSCP, PFC on priority 3, marking (ECN). () where no source."""

    system: str
    trust: tuple[str, ...]
    pfc: tuple[str, ...]
    ecn: tuple[str, ...]
    source: str
    note: Sentence | None = None


_NO_PAUSE: Final = "ethtool -A {interface} rx off tx off"
CARDS: Final = (
    Card(
        "NVIDIA ConnectX",
        frozenset({"mlx5_core", "mlx5_ib"}),
        ("mlnx_qos -i {interface} --trust=dscp",),
        (_NO_PAUSE, "mlnx_qos -i {interface} --pfc=0,0,0,1,0,0,0,0"),
        "NVIDIA doroce-linux, doRoCE.sh",
    ),
    Card(
        "Broadcom",
        frozenset({"bnxt_re", "bnxt_en"}),
        ("bnxt_setupcc.sh -d {device} -i {interface} -m 3 -r 3 -s 26 -c 7 -p 48",),
        (_NO_PAUSE, "bnxt_setupcc.sh -d {device} -i {interface} -m 3 -r 3 -s 26 -c 7 -p 48"),
        "usage of Broadcom's bnxt_setupcc.sh; Juniper JVD, DCQCN configuration for RDMA traffic on NICs (Thor2)",
    ),
    Card(
        "Intel 800 Series",
        frozenset({"irdma", "ice"}),
        ("ethtool --set-priv-flags {interface} fw-lldp-agent off", "dcb app add dev {interface} dscp-prio 26:3"),
        (
            _NO_PAUSE,
            "ethtool --set-priv-flags {interface} fw-lldp-agent off",
            "dcb pfc set dev {interface} prio-pfc all:off 3:on",
        ),
        "Intel Ethernet 800 Series Linux Flow Control Configuration Guide for RDMA (635330); dcb-app(8), dcb-pfc(8)",
    ),
)
SWITCHES: Final = (
    Switch(
        "Cumulus Linux",
        ("nv set qos roce",),
        ("nv set qos roce mode lossless", "nv config apply"),
        ("nv set qos roce",),
        "NVIDIA Cumulus Linux documentation, RDMA over Converged Ethernet",
        say(N_("one command sets trust, PFC on priority 3, ECN and a strict class for CNPs")),
    ),
    Switch(
        "SONiC",
        (),
        ("config interface pfc priority PORT 3 on",),
        ("ecnconfig -p AZURE_LOSSLESS -gmin BYTES -gmax BYTES",),
        "sonic-net/sonic-utilities, config/main.py and ecnconfig",
        say(N_("its own map makes DSCP 3 and 4 lossless, not 26: map 26 to priority 3, or mark RoCE with 3")),
    ),
    Switch(
        "Arista EOS",
        ("qos trust dscp", "qos map dscp 26 to traffic-class 3"),
        ("priority-flow-control on", "priority-flow-control priority 3 no-drop"),
        ("uc-tx-queue 3", "random-detect ecn minimum-threshold MIN kbytes maximum-threshold MAX kbytes"),
        "Broadcom and Arista, RoCE Deployment Guide; aristanetworks/avd, eos_cli_config_gen",
    ),
    Switch(
        "Junos (QFX)",
        ("set class-of-service classifiers dscp NAME forwarding-class NAME loss-priority low code-points 011010",),
        (
            "set class-of-service forwarding-classes class NAME queue-num 3 no-loss pfc-priority 3",
            "set class-of-service congestion-notification-profile NAME input dscp code-point 011010 pfc",
        ),
        ("set class-of-service schedulers NAME explicit-congestion-notification",),
        "Juniper documentation, Configuring DSCP-based PFC for Layer 3 Untagged Traffic; DCQCN",
    ),
)


def card(situation: Situation, interface: str) -> tuple[Card | None, str]:
    """Return whose card an interface is, and its RDMA device ("" where that is not known)."""
    device = next((d for d in roce(situation) if situation.find(f"rdma.{d}.netdev") == interface), "")
    drivers = {situation.find(f"rdma.{device}.driver"), situation.find(f"link.{interface}.driver")}
    return next((card for card in CARDS if card.drivers & drivers), None), device


def on_card(situation: Situation, interface: str, what: str) -> Sentence:
    """Return the commands for an interface's own maker; `what` is "trust" or "pfc"."""
    found, device = card(situation, interface)
    if found is None:
        return say(N_("{interface}: no source for this card's commands; see its manual."), interface=interface)
    lines: tuple[str, ...] = getattr(found, what)
    commands = "; ".join(line.format(interface=interface, device=device or "DEVICE") for line in lines)
    return say(
        N_("{interface} ({maker}): {commands} [{source}]"),
        interface=interface,
        maker=found.maker,
        commands=commands,
        source=found.source,
    )


def on_switches(*parts: str) -> tuple[Sentence, ...]:
    """Return for each switch its lines for `parts` ("trust", "pfc", "ecn"), and that others have a manual."""
    told = tuple(_on_switch(switch, parts) for switch in SWITCHES)
    return (*told, say(N_("Any other switch, and thresholds in bytes for yours: see your switch's manual.")))


def _on_switch(switch: Switch, parts: tuple[str, ...]) -> Sentence:
    lines = dict.fromkeys(line for part in parts for line in getattr(switch, part))
    lacking = [{"trust": "DSCP", "pfc": "PFC", "ecn": "ECN"}[part] for part in parts if not getattr(switch, part)]
    told = say(
        N_("On the switch, {system}: {lines} [{source}]"),
        system=switch.system,
        lines="; ".join(lines) or "–",
        source=switch.source,
    )
    if switch.note is not None:
        told = say(N_("{text} Note: {note}."), text=told, note=switch.note)
    if lacking:
        told = say(N_("{text} For {what} see your switch's manual."), text=told, what=", ".join(lacking))
    return told
