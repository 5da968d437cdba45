"""T31: shaping with the session first. Only where a person asks for it; a full queue alone is a reason to ask."""

from typing import Final

from analysis.advice.cards import risk_on
from analysis.advice.congestion import planned
from analysis.advice.plan import Change, Evidence
from analysis.advice.rdma import netdevs
from analysis.advice.rule import Irrelevant, Keep, Outcome, Proposal, Rule, Unsure
from analysis.advice.situation import Missing, Path, Shape, Situation
from analysis.advice.units import duration, rate, tc_rate
from analysis.text import N_, Sentence, say

_THERE: Final = frozenset({"loaded", "builtin", "available"})
_QUEUED_US: Final = 30_000
_FACTOR: Final = 1.25
_ENOUGH: Final = 300
_SHARE: Final = 0.95


def decide(situation: Situation) -> Outcome:
    """Shape what was asked for; else tell where a queue stands that shaping would empty."""
    return _contended(situation) if situation.shape is None else _shaped(situation, situation.shape)


def _contended(situation: Situation) -> Outcome:
    full = [path for path in situation.paths if _stands(path)]
    if not full:
        return Irrelevant(say(N_("Nobody asked for shaping, and no queue stands on a measured path.")))
    if situation.bandwidth_bps is None:
        return Unsure(say(N_("A queue stands on a path, but what its bottleneck carries was not measured.")))
    worst = max(full, key=lambda path: (path.rtt_us or 0) - (path.min_rtt_us or 0))
    low, usual = (worst.min_rtt_us or 0) / 1e6, (worst.rtt_us or 0) / 1e6
    held = int(situation.bandwidth_bps * _SHARE) // 1_000_000 * 1_000_000 or 1_000_000
    how = N_(
        "If it is what this box sends that queues: longpipe tune apply --shape {interface}={rate}. Longpipe does "
        "not choose the rate: one below what the line carries costs throughput for nothing."
    )
    return Proposal(
        severity="info",
        confidence="low",
        evidence=(
            Evidence(f"rtt.{worst.target}", round(usual * 1000, 1), say(N_("median round trip in ms"))),
            Evidence(f"min_rtt.{worst.target}", round(low * 1000, 1), say(N_("lowest round trip in ms"))),
        ),
        formula=say(
            N_("{usual} − {low} = {queue} in queues; bottleneck {rate}"),
            usual=duration(usual),
            low=duration(low),
            queue=duration(usual - low),
            rate=rate(situation.bandwidth_bps),
        ),
        effect=say(N_("the queue moves to where the session can be put first")),
        instructions=(say(how, interface=worst.interface or "eth0", rate=tc_rate(held)),),
    )


def _stands(path: Path) -> bool:
    """Say whether packets usually wait: by 30 ms, and by a quarter of the way itself."""
    if path.rtt_us is None or path.min_rtt_us is None or path.settled < _ENOUGH:
        return False
    return path.rtt_us - path.min_rtt_us >= _QUEUED_US and path.rtt_us >= _FACTOR * path.min_rtt_us


def _shaped(situation: Situation, asked: Shape) -> Outcome:
    name = asked.interface
    root, leaves = situation.text(f"qdisc.{name}.root"), situation.find(f"qdisc.{name}.leaves") or ""
    lacking = [m for m in ("sch_htb", "cls_u32") if situation.find(f"module.{m}") == "missing"]
    if lacking:
        return Unsure(say(N_("This kernel cannot shape: it lacks {modules}."), modules=", ".join(lacking)))
    speed = situation.find_number(f"link.{name}.speed_mbps")
    if speed is not None and speed > 0 and asked.bps >= speed * 1_000_000:
        return Keep(
            say(N_("{interface} carries {speed} at most: nothing to shape."), interface=name, speed=rate(speed * 1e6))
        )
    if root == "htb":
        return Keep(say(N_("{interface} is shaped already; put that back first."), interface=name))
    port = situation.find("management.port") or "22"
    now = root if root == leaves or not leaves else f"{root} {leaves}"
    value = f"htb {tc_rate(asked.bps)} ssh {port} {_leaf(situation, leaves)}"
    what = N_("what leaves {interface} is held to {rate}; sessions (source port {port}) go first")
    meaning = say(what, interface=name, rate=rate(asked.bps), port=port)
    undo = f"tc qdisc replace dev {name} root {root}" if root != "noqueue" else f"tc qdisc del dev {name} root"
    return Proposal(
        severity="info",
        confidence="medium",
        evidence=(
            Evidence("asked", tc_rate(asked.bps), say(N_("a person asked for it: --shape"))),
            situation.evidence(f"qdisc.{name}.root"),
        ),
        formula=say(
            N_("{rate} = {session} promised to the session + everything else; each may use what the other leaves"),
            rate=rate(asked.bps),
            session=rate(min(asked.bps // 10, 10_000_000)),
        ),
        effect=say(N_("the session stays quick while the line is full, if this box is the bottleneck")),
        changes=(Change("shaping", name, now, value, meaning, undo),),
        instructions=_notes(situation, name, root),
        risk=risk_on(situation, [name]),
    )


def _leaf(situation: Situation, leaves: str) -> str:
    """Return the queue of everything else: fq where BBR paces, else fq_codel, as far as the kernel has them."""
    try:
        first = "fq" if planned(situation) == "bbr" else "fq_codel"
    except Missing:
        first = "fq_codel"
    for kind in (first, "fq_codel", "fq"):
        if situation.find(f"module.sch_{kind}") in _THERE or kind in leaves.split():
            return kind
    return "pfifo"


def _notes(situation: Situation, name: str, root: str) -> tuple[Sentence, ...]:
    notes = [
        say(N_("Only what leaves is shaped: what arrives has passed its bottleneck already.")),
        say(N_("See which class carries what: tc -s class show dev {interface}"), interface=name),
    ]
    if root == "mq":
        notes.append(say(N_("HTB is one queue for all CPUs: the card's several queues no longer work side by side.")))
    try:
        carries = name in netdevs(situation)
    except Missing:
        carries = False
    if carries:
        notes.append(
            say(N_("RoCE in hardware bypasses these queues: it is not slowed down, and in none of the classes."))
        )
    return tuple(notes)


RULE: Final = Rule(
    id="T31",
    title=say(N_("Shape what leaves, the session first")),
    risk="R1",
    scope="device",
    persists="unit",
    authority=("iproute2 tc-htb(8), tc-u32(8)", "heuristic: 30 ms of standing queue, 95 % of the bottleneck"),
    decide=decide,
)
