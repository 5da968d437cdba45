"""Larger frames: proposed only for planes that carry no default route, and only after a proof both ways."""

from analysis.advice.cards import on_management, readable
from analysis.advice.plan import Change, Evidence
from analysis.advice.rule import Keep, Outcome, Proposal, Unsure
from analysis.advice.situation import Situation
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
    proofs = {n: size for n in inside if (size := _proved(situation, n)) is not None}
    proved = [n for n, size in proofs.items() if size >= mtu]
    if not proved:
        return _unproved(inside, proofs, mtu)
    return Proposal(
        severity="info",
        confidence="high",
        evidence=(
            *(
                Evidence(
                    f"path.{n}.largest_bytes", proofs[n], say(N_("probes that may not be fragmented, both ways"))
                )
                for n in proved
            ),
            *(situation.evidence(f"link.{n}.mtu") for n in proved),
        ),
        formula=say(
            N_("{size} bytes passed both ways without being fragmented ≥ {mtu}"),
            size=min(proofs[n] for n in proved),
            mtu=mtu,
        ),
        effect=effect,
        changes=tuple(_change(situation, n, mtu) for n in proved),
        instructions=(
            say(
                N_(
                    "Every host and switch port of this plane needs it, with each bond, VLAN and bridge "
                    "below and above."
                )
            ),
        ),
        risk="R2",
    )


def _proved(situation: Situation, name: str) -> int | None:
    """The least of what passed on the paths over `name`: one smaller hop is enough to lose packets."""
    return min(
        (p.largest_bytes for p in situation.paths if p.interface == name and p.largest_bytes is not None),
        default=None,
    )


def _unproved(names: list[str], proofs: dict[str, int], mtu: int) -> Outcome:
    if proofs:
        found = ", ".join(f"{name}: {size}" for name, size in proofs.items())
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
                "No proof that {mtu} bytes pass on {names}: ping -M do -s {payload} must answer from both ends first."
            ),
            mtu=mtu,
            names=", ".join(names),
            payload=mtu - 28,
        )
    )


def _change(situation: Situation, name: str, mtu: int) -> Change:
    current = situation.text(f"link.{name}.mtu")
    meaning = say(N_("frames of {interface} grow from {old} to {new} bytes"), interface=name, old=current, new=mtu)
    return Change("mtu", name, current, str(mtu), meaning, f"ip link set dev {name} mtu {current}")
