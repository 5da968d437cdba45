"""Whether this path asks for another congestion control, told from measured loss and round trip."""

from collections.abc import Iterator
from typing import Final

import msgspec

from analysis.advice.plan import Evidence
from analysis.advice.situation import Missing, Path, Situation
from analysis.advice.sizing import bottleneck, bulk_flows
from analysis.text import N_, say
from analysis.throughput import cubic_bps, mathis_bps

LOSS_FOR_BBR: Final = 1 / 64
"""bpftune's bound: above it loss-based control cannot keep a long path full."""
CURRENT: Final = "sysctl.net.ipv4.tcp_congestion_control"
OFFERED: Final = "sysctl.net.ipv4.tcp_available_congestion_control"

_ENOUGH_LOSSES: Final = 5
_CALM: Final = 1.25
"""A median round trip within this factor of the lowest means that no queue fills while packets are lost."""


class Lossy(msgspec.Struct, frozen=True):
    """One path whose loss holds loss-based control back.

    `bound_bps`: what one flow of that control gets. `calm`: whether packets are lost without a queue filling.
    """

    path: Path
    ratio: float
    rtt_s: float
    bound_bps: float
    calm: bool | None
    evidence: tuple[Evidence, ...]


def planned(situation: Situation) -> str:
    """Return the congestion control of new sockets once the plan is applied."""
    current = situation.text(CURRENT)
    return "bbr" if current == "bbr" or (worst(situation) is not None and available(situation)) else current


def available(situation: Situation) -> bool:
    """Say whether this kernel offers BBR, loaded or to be loaded; raise `Missing` where that is not known."""
    if "bbr" in situation.text(OFFERED).split():
        return True
    return situation.text("module.tcp_bbr") in {"loaded", "builtin", "available"}


def observed(situation: Situation) -> Iterator[Path]:
    """Yield the probed paths, and each sending bulk flow as a path whose probes are its own segments."""
    yield from situation.paths
    for flow in bulk_flows(situation) if situation.flows is not None else ():
        if flow.bytes_sent and flow.bytes_retrans is not None and flow.mss:
            yield Path(
                target=f"{flow.remote}:{flow.remote_port}",
                address=flow.remote,
                rtt_us=flow.rtt_us,
                min_rtt_us=flow.min_rtt_us,
                settled=max(1, flow.bytes_sent // flow.mss),
                lost=min(flow.bytes_retrans, flow.bytes_sent) // flow.mss,
            )


def loss_bound_bps(control: str, rtt_s: float, loss_ratio: float) -> float:
    """Return what one loss-based flow gets in bit/s: Mathis' bound, with CUBIC its own where that is more."""
    model = cubic_bps if control == "cubic" else mathis_bps
    return model(rtt_s, loss_ratio)


def worst(situation: Situation) -> Lossy | None:
    """Return the path that asks most for BBR, None where no path does."""
    asking = [lossy for path in observed(situation) if (lossy := judge(situation, path)) is not None]
    return min(asking, key=lambda lossy: lossy.bound_bps, default=None)


def judge(situation: Situation, path: Path) -> Lossy | None:
    """Return `path` where loss is above 1/64, or where one flow gets under half the bandwidth without a queue."""
    if path.rtt_us is None or path.rtt_us <= 0 or path.lost < _ENOUGH_LOSSES:
        return None
    ratio, rtt_s = path.lost / path.settled, path.rtt_us / 1e6
    if ratio < 1e-4 and rtt_s < 0.010:
        return None
    bound = loss_bound_bps(situation.text(CURRENT), rtt_s, ratio)
    calm = None if not path.min_rtt_us else path.rtt_us / path.min_rtt_us <= _CALM
    if ratio <= LOSS_FOR_BBR and not (calm and _far_below(situation, bound)):
        return None
    source = say(N_("{lost} of {n} packets lost, or sent again by the flow"), lost=path.lost, n=path.settled)
    evidence = (
        Evidence(f"loss_ratio.{path.target}", round(ratio, 5), source),
        Evidence(
            f"rtt_us.{path.target}",
            path.rtt_us,
            say(N_("median of the probes, or the smoothed round trip of the flow")),
        ),
    )
    return Lossy(path, ratio, rtt_s, bound, calm, evidence)


def _far_below(situation: Situation, bound: float) -> bool:
    try:
        return bound < bottleneck(situation).value / 2
    except Missing:
        return False
