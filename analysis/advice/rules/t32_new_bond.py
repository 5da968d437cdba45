"""T32: a new bond, where a person asks for it: instructions and a file, never carried out by longpipe."""

from typing import Final

from analysis.advice.bonds import MODES, OFFERED, ifupdown, netplan, network_manager
from analysis.advice.cards import on_management
from analysis.advice.plan import Evidence, Generated
from analysis.advice.rule import Irrelevant, Keep, Outcome, Proposal, Rule, Unsure
from analysis.advice.situation import Bond, Situation
from analysis.text import N_, Sentence, say


def decide(situation: Situation) -> Outcome:
    """Turn a wish for a bond into steps that can be taken back."""
    bond = situation.bond
    if bond is None:
        return Irrelevant(say(N_("Nobody asked for a new bond.")))
    managers = situation.text("managers").split()
    for member in bond.members:
        situation.number(f"link.{member}.mtu")
    if bond.mode not in OFFERED:
        reason = MODES.get(bond.mode, say(N_("“{mode}” is no mode of bonds."), mode=bond.mode))
        return Keep(say(N_("Not proposed: {why} Choose {modes}."), why=reason, modes=", ".join(OFFERED)))
    if len(bond.members) < 2:
        return Keep(say(N_("A bond of fewer than two members protects from nothing.")))
    used = [member for member in bond.members if situation.find(f"link.{member}.master")]
    if used:
        return Keep(say(N_("{names} are part of a bond or bridge already."), names=", ".join(used)))
    if situation.find(f"link.{bond.name}.mtu") is not None:
        return Keep(say(N_("There is a {name} already."), name=bond.name))
    if situation.container:
        return Unsure(say(N_("In a container the operator of the host makes bonds.")))
    made, orders = _made(bond, managers)
    if not orders:
        why = N_("None of netplan, NetworkManager and ifupdown manages this box ({found}): see its manual.")
        return Unsure(say(why, found=" ".join(managers) or "–"))
    return Proposal(
        severity="info",
        confidence="medium",
        evidence=(
            Evidence("asked", f"{bond.name}={','.join(bond.members)}", say(N_("a person asked for it: --bond"))),
            situation.evidence("managers"),
            *(situation.evidence(f"link.{member}.mtu") for member in bond.members),
        ),
        formula=MODES[bond.mode],
        effect=say(N_("traffic survives the loss of a member; one flow is never faster than one member")),
        instructions=(*_before(situation, bond), *orders, *_after(bond)),
        risk="R4" if bond.mode == "802.3ad" else "R2",
        files=made,
    )


def _before(situation: Situation, bond: Bond) -> list[Sentence]:
    names = ", ".join(bond.members)
    steps = [
        say(
            N_(
                "Longpipe does not carry this out: no command takes back what the manager of the network does, so "
                "that no dead-man could be trusted. These are steps for a person."
            )
        )
    ]
    if any(on_management(situation, member) for member in bond.members):
        steps.append(
            say(
                N_("{names} may carry your session: have a console that does not need them before you begin."),
                names=names,
            )
        )
    addressed = [m for m in bond.members if situation.find(f"link.{m}.subnets")]
    if addressed:
        what = N_(
            "{names} have addresses. In the file that has them, move addresses, routes, nameservers and dhcp keys "
            "to {bond}: a member must have none. Keep a copy of that file."
        )
        steps.append(say(what, names=", ".join(addressed), bond=bond.name))
    if bond.mode != "active-backup":
        what = N_(
            "First the switch: put the ports of {names} into one {channel}; how is in your switch's manual. Until "
            "both ends agree, expect the link to be down."
        )
        channel = "LACP port channel" if bond.mode == "802.3ad" else "static port channel"
        steps.append(say(what, names=names, channel=channel))
    return steps


def _made(bond: Bond, managers: list[str]) -> tuple[tuple[Generated, ...], list[Sentence]]:
    if "netplan" in managers:
        file = netplan(bond)
        note = N_(
            "netplan try refuses bonds with parameters (it cannot revert them), so arm a way back of your own first: "
            "{command}"
        )
        back = f"rm {file.path}; ip link delete {bond.name}; netplan apply"
        return (file,), [
            _save(file),
            say(note, command=_dead_man(bond, back)),
            say(N_("netplan generate && netplan apply")),
        ]
    if "NetworkManager" in managers:
        commands = network_manager(bond)
        names = " ".join([bond.name, *(f"{bond.name}-{member}" for member in bond.members)])
        back = _dead_man(bond, f"nmcli connection delete {names}")
        return (), [say(N_("Arm a way back first: {command}"), command=back), *map(say, commands)]
    if "ifupdown" in managers:
        file = ifupdown(bond)
        back = _dead_man(bond, f"ifdown {bond.name}; rm {file.path}")
        return (file,), [
            _save(file),
            say(N_("Arm a way back first: {command}"), command=back),
            say(N_("ifup {name} (the package ifenslave is needed)"), name=bond.name),
        ]
    return (), []


def _save(file: Generated) -> Sentence:
    what = N_(
        "Save the file below as {path}, mode {mode}; it only adds. Never write over the box's own files, such as "
        "01-netcfg.yaml."
    )
    return say(what, path=file.path, mode=file.mode)


def _dead_man(bond: Bond, back: str) -> str:
    return f"systemd-run --unit=longpipe-{bond.name}-back --on-active=5min /bin/sh -c '{back}'"


def _after(bond: Bond) -> list[Sentence]:
    steps = []
    if bond.mode == "802.3ad":
        files = " ".join(f"/sys/class/net/{m}/bonding_slave/ad_aggregator_id" for m in bond.members)
        partner = f"cat /sys/class/net/{bond.name}/bonding/ad_partner_mac"
        what = N_("Trust it only if LACP has a partner: {command} must not be 00:00:00:00:00:00.")
        steps.append(say(what, command=partner))
        what = N_("And only if all members are in one aggregator: cat {files} must tell the same number.")
        steps.append(say(what, files=files))
    else:
        what = N_("Check that each member is up: grep -A1 Interface /proc/net/bonding/{name}")
        steps.append(say(what, name=bond.name))
    what = N_("If all is well, keep it: systemctl stop longpipe-{name}-back.timer. Later longpipe watches it (T28).")
    steps.append(say(what, name=bond.name))
    return steps


RULE: Final = Rule(
    id="T32",
    title=say(N_("Join interfaces into a bond")),
    risk="R2",
    scope="fabric",
    persists="netplan",
    authority=(
        "Linux Documentation/networking/bonding.rst",
        "IEEE 802.1AX",
        "netplan netplan_cli/cli/commands/try_command.py",
    ),
    decide=decide,
)
