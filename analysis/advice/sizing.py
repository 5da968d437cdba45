"""How much a path holds: bandwidth × round trip, from what was measured, or from the goal, saying which."""

from collections import Counter
from collections.abc import Iterable
from typing import Final

import msgspec

from analysis.advice.plan import Confidence, Evidence, Goal
from analysis.advice.situation import Missing, Situation
from analysis.advice.units import duration, rate, size
from analysis.samples import TcpFlow
from analysis.text import N_, Sentence, say

BULK_BYTES: Final = 1 << 20
"""A flow that carried less says nothing about buffers."""
LIMITED_RATIO: Final = 0.05
"""Share of its busy time above which a flow counts as limited by a buffer (heuristic)."""
BUFFER_GOALS: Final[frozenset[Goal]] = frozenset({"long-path", "inference-across-sites", "storage"})

_LONG_FLOW_BPS: Final = 1_000_000_000
_GOAL_RTT_US: Final[dict[Goal, int]] = {"long-path": 150_000, "inference-across-sites": 30_000}
_NEAR: Final = 0.1


class Measured(msgspec.Struct, frozen=True):
    """A number with how it is known."""

    value: float
    evidence: Evidence
    confidence: Confidence


class Need(msgspec.Struct, frozen=True):
    """Bytes that a buffer must hold, with the filled-in formula. `rtt_s`, `bps`: what it was made from."""

    count: int
    rtt_s: float
    bps: float
    formula: Sentence
    evidence: tuple[Evidence, ...]
    confidence: Confidence


def bulk_flows(situation: Situation) -> tuple[TcpFlow, ...]:
    """Return the flows to other machines that carried enough to be judged; raise `Missing` if none were looked at."""
    if situation.flows is None:
        raise Missing(say(N_("TCP flows were not looked at (inet_diag).")))
    return tuple(
        flow
        for flow in situation.flows
        if max(flow.bytes_acked, flow.bytes_received) >= BULK_BYTES and not _loopback(flow.remote)
    )


def limited_flows(situation: Situation, field: str) -> tuple[Evidence, ...]:
    """Return evidence of bulk flows that spent over 5 % of their busy time in `field` ("rwnd_limited_us")."""
    found = []
    for flow in bulk_flows(situation):
        spent: int | None = getattr(flow, field)
        if spent is not None and flow.busy_us and spent / flow.busy_us > LIMITED_RATIO:
            found.append(flow_evidence(flow, field.removesuffix("_us"), round(min(1.0, spent / flow.busy_us), 3)))
    return tuple(found)


def flow_evidence(flow: TcpFlow, name: str, value: float) -> Evidence:
    """Return a number of one flow as evidence."""
    return Evidence(
        f"tcp.{flow.remote}:{flow.remote_port}.{name}", value, say(N_("TCP_INFO of the flow, as ss -ti shows it"))
    )


def goal_evidence(situation: Situation) -> Evidence:
    """Return the person's goal as evidence."""
    return Evidence("goal", situation.goal, say(N_("chosen by you")))


def need(situation: Situation, factor: int) -> Need:
    """Return `factor` × bandwidth × RTT / 8; raise `Missing` where either is not known and no goal stands for it."""
    bps, rtt = bottleneck(situation), longest_rtt(situation)
    count = factor * bps.value * rtt.value / 8
    formula = say(
        N_("{factor} × {rate} × {rtt} / 8 = {size}"),
        factor=factor,
        rate=rate(bps.value),
        rtt=duration(rtt.value),
        size=size(count),
    )
    return Need(
        round(count),
        rtt.value,
        bps.value,
        formula,
        (bps.evidence, rtt.evidence),
        weaker(bps.confidence, rtt.confidence),
    )


def bottleneck(situation: Situation) -> Measured:
    """Return the path's bandwidth in bit/s: measured, else wanted, else the fastest link as an upper bound."""
    if situation.bandwidth_bps:
        source = say(N_("measured on the path"))
        return Measured(
            situation.bandwidth_bps, Evidence("path.bandwidth_bps", situation.bandwidth_bps, source), "high"
        )
    if situation.wanted_bps:
        source = say(N_("the bandwidth you asked for; the path's own is not measured"))
        return Measured(situation.wanted_bps, Evidence("wanted_bps", situation.wanted_bps, source), "medium")
    speeds = [situation.find_number(f"link.{name}.speed_mbps") for name in situation.named("link", "speed_mbps")]
    fastest = max((speed for speed in speeds if speed is not None and speed > 0), default=None)
    return _assumed_bandwidth(situation, None if fastest is None else fastest * 1_000_000)


def _assumed_bandwidth(situation: Situation, link_bps: int | None) -> Measured:
    if situation.goal == "long-path" and (link_bps is None or link_bps > _LONG_FLOW_BPS):
        source = say(N_("assumed for one flow over a long path until bandwidth is measured"))
        return Measured(_LONG_FLOW_BPS, Evidence("goal.bandwidth_bps", _LONG_FLOW_BPS, source), "low")
    if link_bps is None:
        return _twice_delivered(situation)
    source = say(N_("speed of the fastest link; the path may be slower"))
    return Measured(link_bps, Evidence("link.speed_bps", link_bps, source), "medium")


def _twice_delivered(situation: Situation) -> Measured:
    """The path carries at least what a flow got through it; a limited flow is given room to double."""
    flows = bulk_flows(situation) if situation.flows is not None else ()
    best = max((flow.delivery_rate_bps or 0 for flow in flows), default=0)
    if not best:
        raise Missing(say(N_("The bandwidth of the path is not known: measure it, or say what you want to carry.")))
    source = say(N_("twice what the fastest flow delivers now; the path's own bandwidth is not known"))
    return Measured(2 * best, Evidence("tcp.delivery_rate_bps", best, source), "low")


def measured_bps(flows: Iterable[TcpFlow]) -> int | None:
    """Return what the flows of BBR to one peer carry together in bit/s, the most of all peers; None without any.

    Only BBR measures its bottleneck: loss-based control delivers what loss allows. Flows that their application or a
    buffer held back tell nothing.
    """
    carried: Counter[str] = Counter()
    for flow in flows:
        waited = (flow.rwnd_limited_us or 0) + (flow.sndbuf_limited_us or 0)
        free = flow.delivery_app_limited is False and waited <= LIMITED_RATIO * (flow.busy_us or 0)
        if flow.cc == "bbr" and free and flow.bytes_acked >= BULK_BYTES and not _loopback(flow.remote):
            carried[flow.remote] += flow.delivery_rate_bps or 0
    return max(carried.values(), default=0) or None


def longest_rtt(situation: Situation) -> Measured:
    """Return the longest p50 round trip in s of the bulk peers, else of all probed paths, else the goal's own.

    A round trip under a tenth of the goal's own is of another path than the one the goal is about.
    """
    seen = seen_rtt(situation)
    assumed = _GOAL_RTT_US.get(situation.goal)
    if seen is not None and (assumed is None or seen.value * 1e6 >= assumed * _NEAR):
        return seen
    if assumed is None:
        raise Missing(say(N_("No round trip is known: neither a bulk flow nor a probed path.")))
    source = say(N_("assumed for this goal until a path is measured"))
    if seen is not None:
        short = N_("assumed for this goal: no path seen is that long (longest {rtt})")
        source = say(short, rtt=duration(seen.value))
    return Measured(assumed / 1e6, Evidence("goal.rtt_us", assumed, source), "low")


def seen_rtt(situation: Situation) -> Measured | None:
    """Return the longest p50 round trip in s of the bulk peers, else of all probed paths; None without any."""
    flows = bulk_flows(situation) if situation.flows is not None else ()
    probed = {path.address: path.rtt_us for path in situation.paths if path.rtt_us is not None}
    peers = {flow.remote: probed.get(flow.remote, flow.min_rtt_us or flow.rtt_us) for flow in flows}
    if peers:
        address = max(peers, key=lambda name: peers[name])
        if address in probed:
            source = say(N_("median of the probes to this peer"))
        else:
            source = say(N_("lowest round trip of the flow (TCP_INFO)"))
        return Measured(peers[address] / 1e6, Evidence(f"rtt_us.{address}", peers[address], source), "high")
    if not probed:
        return None
    address = max(probed, key=lambda name: probed[name])
    source = say(N_("median of the probes; no bulk flow was seen"))
    return Measured(probed[address] / 1e6, Evidence(f"rtt_us.{address}", probed[address], source), "medium")


def weaker(first: Confidence, second: Confidence) -> Confidence:
    """Return the lower of two confidences."""
    order: tuple[Confidence, ...] = ("low", "medium", "high")
    return min(first, second, key=order.index)


def memory_cap(situation: Situation) -> int:
    """Return the most that one socket may be given: a sixteenth of RAM, at most 512 MiB (heuristic)."""
    total = situation.find_number("memory.total_bytes")
    limit = 512 << 20
    return limit if total is None else min(limit, total // 16)


def _loopback(address: str) -> bool:
    return address == "::1" or address.startswith(("127.", "::ffff:127."))
