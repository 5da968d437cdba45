"""Larger frames: proposed only for planes that carry no default route, and only after a proof both ways."""

from analysis.advice.cards import on_management, readable
from analysis.advice.plan import Change, Evidence
from analysis.advice.rule import Keep, Outcome, Proposal, Unsure
from analysis.advice.situation import Path, Situation
from analysis.text import N_, Sentence, say


def larger_frames(situation: Situation, names: list[str], mtu: int, effect: Sentence) -> Outcome:
    """Propose `mtu` on those of `names` whose paths carried packets of that size unfragmented, both ways."""
    small = [n for n in readable(situation, names, ("mtu",)) if situation.number(f"link.{n}.mtu") < mtu]
    if not small:
        return Keep(say(N_("The MTU is {mtu} or more already."), mtu=mtu))
    outside = set(situation.text("route.default_interfaces").split())
    inside = [n for n in small if n not in outside and not on_management(situation, n)]
    if not inside:
        return Keep(
            say(N_("{names} lead to the Internet or carry your session: their MTU stays."), names=", ".join(small))
        )
    proofs = {n: path for n in inside if (path := _tightest(situation, n)) is not None}
    proved = {n: size for n, path in proofs.items() if (size := path.largest_bytes or 0) >= mtu}
    if not proved:
        return _unproved(inside, proofs, mtu)
    return Proposal(
        severity="info",
        confidence="high",
        evidence=(
            *(
                Evidence(f"path.{n}.largest_bytes", size, say(N_("probes that may not be fragmented, both ways")))
                for n, size in proved.items()
            ),
            *(situation.evidence(f"link.{n}.mtu") for n in proved),
        ),
        formula=say(
            N_("{size} bytes passed both ways without being fragmented ≥ {mtu}"),
            size=min(proved.values()),
            mtu=mtu,
        ),
        effect=effect,
        changes=tuple(_change(situation, n, mtu, proofs[n].address) for n in proved),
        instructions=(
            say(
                N_(
                    "Every host and switch port of this plane needs it, with each bond, VLAN and bridge "
                    "below and above."
                )
            ),
            say(
                N_(
                    "The trial proves it again: packets of {mtu} bytes that may not be fragmented must be answered "
                    "in the same size, else the old MTU comes back at once."
                ),
                mtu=mtu,
            ),
        ),
        risk="R2",
    )


def _tightest(situation: Situation, name: str) -> Path | None:
    """The path over `name` on which least passed: one smaller hop is enough to lose packets."""
    measured = (p for p in situation.paths if p.interface == name and p.largest_bytes is not None)
    return min(measured, key=lambda path: (path.largest_bytes or 0, path.capped), default=None)


def _unproved(names: list[str], proofs: dict[str, Path], mtu: int) -> Outcome:
    capped = {name: path for name, path in proofs.items() if path.capped}
    if capped:
        name, path = next(iter(capped.items()))
        return Unsure(
            say(
                N_(
                    "All that {interface} lets out ({size} bytes) passes to {target}; whether {mtu} do can only be "
                    "seen with a larger MTU. Raise it at the other end and on the switches, then try it here, where "
                    "it goes back at once unless packets of {mtu} bytes are answered: {command}"
                ),
                interface=name,
                size=path.largest_bytes or 0,
                target=path.address,
                mtu=mtu,
                command=f"longpipe tune apply --set 'mtu:{name}={mtu} proven by {path.address}'",
            )
        )
    if proofs:
        found = ", ".join(f"{name}: {path.largest_bytes}" for name, path in proofs.items())
        return Keep(
            say(
                N_("{mtu} bytes do not pass ({found}): a larger MTU would lose packets silently."),
                mtu=mtu,
                found=found,
            )
        )
    return Unsure(
        say(
            N_(
                "No proof that {mtu} bytes pass on {names}: ping -M do -s {payload} (over IPv6 {payload6}) must be "
                "answered from both ends first."
            ),
            mtu=mtu,
            names=", ".join(names),
            payload=mtu - 28,
            payload6=mtu - 48,
        )
    )


def _change(situation: Situation, name: str, mtu: int, proof: str) -> Change:
    current = situation.text(f"link.{name}.mtu")
    meaning = say(N_("frames of {interface} grow from {old} to {new} bytes"), interface=name, old=current, new=mtu)
    proposed, undo = f"{mtu} proven by {proof}", f"ip link set dev {name} mtu {current}"
    return Change("mtu", name, current, proposed, meaning, undo)
