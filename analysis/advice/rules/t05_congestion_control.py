"""T5: BBR instead of loss-based congestion control on long lossy paths."""

from typing import Final

from analysis.advice.changes import sysctl
from analysis.advice.congestion import CURRENT, OFFERED, Lossy, available, observed, worst
from analysis.advice.plan import Change, Confidence
from analysis.advice.rule import Keep, Outcome, Proposal, Rule, Unsure
from analysis.advice.situation import Missing, Situation
from analysis.advice.sizing import bottleneck
from analysis.advice.units import duration, rate
from analysis.text import N_, Sentence, say
from analysis.throughput import BBR_LOSS_END, MSS_BYTES, bbr_bps, mathis_bps
from analysis.units import percent

KEY: Final = "net.ipv4.tcp_congestion_control"
_RESOLVED: Final = 64 * 3
"""So many probes without a loss show less than 1/64."""


def decide(situation: Situation) -> Outcome:
    """Propose BBR where measured loss holds loss-based flows far below the path."""
    current = situation.text(CURRENT)
    if current == "bbr":
        return Keep(say(N_("New sockets use BBR already.")))
    lossy = worst(situation)
    if lossy is None:
        return _no_reason(situation, current)
    if not available(situation):
        return Unsure(
            say(
                N_("This path asks for BBR, but this kernel does not offer it: {offered}."),
                offered=situation.text(OFFERED),
            )
        )
    after = _after_bps(situation, lossy)
    return Proposal(
        severity="bad" if after is not None and lossy.bound_bps < after / 10 else "warn",
        confidence=_confidence(lossy),
        evidence=(*lossy.evidence, situation.evidence(CURRENT)),
        formula=_formula(lossy),
        effect=_effect(lossy, after),
        changes=(
            *_load(situation),
            sysctl(situation, KEY, "bbr", say(N_("new sockets use BBR; open ones keep {cc}"), cc=current)),
        ),
        gain=None if after is None else after / lossy.bound_bps,
    )


def _no_reason(situation: Situation, current: str) -> Outcome:
    probed = [path for path in observed(situation) if path.rtt_us is not None]
    if not probed:
        return Unsure(
            say(N_("No path was probed and no bulk flow was sending, so loss and round trip are not known."))
        )
    most = max(path.settled for path in probed)
    if most < _RESOLVED:
        return Unsure(
            say(
                N_("{n} packets are too few to tell a loss of {bound}; {need} are needed."),
                n=most,
                bound="1.6 %",
                need=_RESOLVED,
            )
        )
    return Keep(
        say(
            N_("{cc} is not held back by loss on the paths looked at (most packets seen on one: {n})."),
            cc=current,
            n=most,
        )
    )


def _after_bps(situation: Situation, lossy: Lossy) -> float | None:
    """What BBR can be expected to carry, None where its model or the bandwidth is not known, or only assumed."""
    try:
        width = bottleneck(situation)
    except Missing:
        return None
    return None if width.confidence == "low" else bbr_bps(width.value, lossy.ratio)


def _confidence(lossy: Lossy) -> Confidence:
    if lossy.ratio >= BBR_LOSS_END:
        return "low"
    return "high" if lossy.calm else "medium"


def _formula(lossy: Lossy) -> Sentence:
    """Name the model that gave the bound."""
    numbers = {
        "mss": str(MSS_BYTES),
        "rtt": duration(lossy.rtt_s),
        "loss": percent(lossy.ratio),
        "bound": rate(lossy.bound_bps),
    }
    if lossy.bound_bps > mathis_bps(lossy.rtt_s, lossy.ratio):
        cubic = N_("CUBIC (RFC 9438): 1.054 × ({rtt} / {loss})^0.75 × {mss} B × 8 / {rtt} = {bound}")
        return say(cubic, **numbers)
    return say(N_("Mathis: {mss} B × 8 / {rtt} × √(1.5 / {loss}) = {bound}"), **numbers)


def _effect(lossy: Lossy, after: float | None) -> Sentence:
    before = rate(lossy.bound_bps)
    if lossy.ratio >= BBR_LOSS_END:
        what = N_("More than {before} for one flow, but at {loss} loss BBR suffers too: find the loss.")
        return say(what, before=before, loss=percent(lossy.ratio))
    if after is None:
        return say(N_("{before} → what the path carries, which is not measured"), before=before)
    return say(N_("{before} → ~{after}"), before=before, after=rate(after))


def _load(situation: Situation) -> tuple[Change, ...]:
    """Return the loading of the module where the kernel does not hold it yet."""
    if "bbr" in situation.text(OFFERED).split():
        return ()
    meaning = say(N_("the kernel learns BBR; nothing uses it yet"))
    return (Change("module", "tcp_bbr", "not loaded", "loaded", meaning, "modprobe -r tcp_bbr"),)


RULE: Final = Rule(
    id="T5",
    title=say(N_("Use BBR for this path")),
    risk="R0",
    scope="copied",
    persists="sysctl.d",
    authority=(
        "bpftune tcp-conn: BBR above a loss of 1/64",
        "Linux net/ipv4/tcp_bbr.c",
        "Mathis et al., The macroscopic behavior of the TCP congestion avoidance algorithm, 1997",
    ),
    decide=decide,
)
