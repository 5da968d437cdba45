"""T1: the receive buffer (tcp_rmem) against the bandwidth-delay product."""

from typing import Final

from analysis.advice.changes import sysctl
from analysis.advice.plan import Change
from analysis.advice.rule import Keep, Outcome, Proposal, Rule, Unsure
from analysis.advice.situation import Situation
from analysis.advice.sizing import BUFFER_GOALS, Need, bulk_flows, goal_evidence, limited_flows, memory_cap, need
from analysis.advice.units import memory, rate
from analysis.text import N_, Sentence, say

KEY: Final = "net.ipv4.tcp_rmem"
_DEFAULT: Final = 131_072


def decide(situation: Situation) -> Outcome:
    """A flow limited by its peer's window is the peer's to fix; a goal sizes this box's own window."""
    wanted = situation.goal in BUFFER_GOALS
    peers = limited_flows(situation, "rwnd_limited_us") if situation.flows is not None or not wanted else ()
    if not peers and not wanted:
        return _nothing_seen(situation)
    low, middle, high = situation.numbers(f"sysctl.{KEY}")
    needed = need(situation, 2)
    target = max(high, min(_power_of_two(needed.count), memory_cap(situation)))
    changes = (_change(situation, (low, middle, high), target),) if wanted and target > high else ()
    if not peers and not changes:
        return Keep(
            say(N_("The receive window may grow to {max}, which this path does not exceed."), max=memory(high))
        )
    return Proposal(
        severity="warn",
        confidence=needed.confidence,
        evidence=(
            *peers,
            *((goal_evidence(situation),) if wanted else ()),
            situation.evidence(f"sysctl.{KEY}"),
            *needed.evidence,
        ),
        formula=needed.formula,
        effect=_effect(high, target, needed)
        if changes
        else say(N_("up to {rate} per flow, if nothing else limits it"), rate=rate(needed.bps)),
        changes=changes,
        instructions=tuple(_for_peer(found.fact, needed) for found in peers),
        gain=target / high if changes else None,
    )


def _nothing_seen(situation: Situation) -> Outcome:
    if not bulk_flows(situation):
        return Unsure(say(N_("No bulk transfer was seen: look again while one is running, or choose a goal.")))
    return Keep(
        say(
            N_(
                "No sending flow waits for its peer's window. Whether incoming flows wait for ours shows "
                "only at their senders."
            )
        )
    )


def _change(situation: Situation, current: tuple[int, int, int], target: int) -> Change:
    low, middle, high = current
    proposed = f"{max(low, 4096)} {max(middle, _DEFAULT)} {target}"
    meaning = say(N_("max {old} → {new} per socket"), old=memory(high), new=memory(target))
    return sysctl(situation, KEY, proposed, meaning)


def _effect(high: int, target: int, needed: Need) -> Sentence:
    """Half of the buffer is window."""
    before, after = (min(needed.bps, count / 2 * 8 / needed.rtt_s) for count in (high, target))
    return say(N_("ceiling of one incoming flow {before} → {after}"), before=rate(before), after=rate(after))


def _for_peer(flow: str, needed: Need) -> Sentence:
    return say(
        N_(
            "On the peer of {flow}: raise the third value of net.ipv4.tcp_rmem to at least {bytes}. Its "
            "present value cannot be seen from here."
        ),
        flow=flow.removesuffix(".rwnd_limited").removeprefix("tcp."),
        bytes=needed.count,
    )


def _power_of_two(count: int) -> int:
    return 1 << max(count - 1, 1).bit_length()


RULE: Final = Rule(
    id="T1",
    title=say(N_("Let the receive window cover the path")),
    risk="R0",
    scope="copied",
    persists="sysctl.d",
    authority=(
        "Linux Documentation/networking/ip-sysctl.rst: tcp_rmem, tcp_adv_win_scale",
        "bpftune tcp-buffer",
        "heuristic: at most 1/16 of RAM and 512 MiB",
    ),
    decide=decide,
)
