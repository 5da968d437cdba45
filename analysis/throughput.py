"""What one TCP flow can be expected to carry: what a linear loss score hides."""

from math import sqrt
from typing import Final, Literal, TypeAlias

import msgspec

from analysis.text import N_, Sentence, say
from analysis.units import count, milliseconds, percent
from analysis.window import Window

Control: TypeAlias = Literal["reno", "cubic", "bbr"]

MSS_BYTES: Final = 1460
BBR_LOSS_END: Final = 0.15
"""From here BBRv1 no longer holds its rate (Cardwell et al., ACM Queue 14-5, 2016, figure 8)."""
_CUBIC_C: Final = 0.4
_CUBIC_BETA: Final = 0.7


class Prediction(msgspec.Struct, frozen=True):
    """The expected rate of a single long flow, in bit/s, and what holds it back.

    `rate_bps` is None where nothing known limits it, or where no model holds. `at_least`: no probe was lost, so
    only "loss < 3/n" is known and the rate may be higher. `loss_ratio` is the one that was used.
    """

    control: Control
    rate_bps: float | None
    limit: Literal["loss", "link", "window"] | None
    at_least: bool
    rtt_us: int
    loss_ratio: float
    n: int


def mathis_bps(rtt_s: float, loss: float, mss_bytes: int = MSS_BYTES) -> float:
    """Return Reno's rate (Mathis et al., CCR 27-3, 1997): MSS / RTT * sqrt(1.5 / p), every segment acknowledged."""
    return mss_bytes * 8 / rtt_s * sqrt(1.5 / loss)


def cubic_bps(rtt_s: float, loss: float, mss_bytes: int = MSS_BYTES) -> float:
    """Return CUBIC's rate (RFC 9438, 5.1): its mean window 1.054 * (RTT / p)^0.75, or Reno's where that is more."""
    factor = sqrt(sqrt(_CUBIC_C * (3 + _CUBIC_BETA) / (4 * (1 - _CUBIC_BETA))))
    window = factor * sqrt(rtt_s / loss) * sqrt(sqrt(rtt_s / loss))
    return max(window * mss_bytes * 8 / rtt_s, mathis_bps(rtt_s, loss, mss_bytes))


def bbr_bps(link_bps: float, loss: float) -> float | None:
    """Return BBRv1's rate, link * (1 - p), None from 15 % loss on, where it collapses."""
    return link_bps * (1 - loss) if loss < BBR_LOSS_END else None


def predict(
    control: Control,
    window: Window,
    link_bps: float | None = None,
    window_bytes: int | None = None,
    mss_bytes: int = MSS_BYTES,
) -> Prediction | None:
    """Return what one flow would get at the p50 of `window`, None while no probe was answered.

    `link_bps`: the narrowest link that is known. `window_bytes`: the smaller of the two ends' buffers.
    """
    if window.p50_us is None:
        return None
    rtt_us = max(1, window.p50_us)
    loss, n = loss_bound(window.lost, window.settled), window.settled
    unsure = window.lost == 0
    bounds: list[tuple[float, Literal["loss", "link", "window"]]] = []
    if window_bytes is not None:
        bounds.append((window_bytes * 8e6 / rtt_us, "window"))
    if link_bps is not None:
        bounds.append((link_bps, "link"))
    held = min(bounds, default=None)
    if control == "bbr":
        rate = None if held is None else bbr_bps(held[0], loss)
        limit = held[1] if held and rate is not None else "loss" if loss >= BBR_LOSS_END and not unsure else None
        return Prediction(control, rate, limit, unsure and rate is not None, rtt_us, loss, n)
    model = mathis_bps if control == "reno" else cubic_bps
    by_loss = model(rtt_us / 1e6, loss, mss_bytes)
    if held is not None and held[0] <= by_loss:
        return Prediction(control, held[0], held[1], False, rtt_us, loss, n)
    return Prediction(control, by_loss, "loss", unsure, rtt_us, loss, n)


def loss_bound(lost: int, settled: int) -> float:
    """Return lost / settled, and where none was lost what that can still hide: 3 / n at 95 % (the rule of three)."""
    return lost / settled if lost else min(1.0, 3 / settled) if settled else 1.0


def flows_needed(prediction: Prediction, wanted_bps: float) -> int | None:
    """Return how many parallel flows carry `wanted_bps` where loss is the limit; None where flows would not help."""
    if prediction.limit != "loss" or not prediction.rate_bps:
        return None
    return -int(-wanted_bps // prediction.rate_bps)


def reason(prediction: Prediction) -> Sentence:
    """Say what holds the flow back."""
    loss, n = percent(prediction.loss_ratio), count(prediction.n)
    if prediction.limit is None and prediction.loss_ratio >= BBR_LOSS_END:
        return say(N_("Only {n} probes have settled: too few to tell whether BBR keeps its rate."), n=n)
    match prediction.limit, prediction.rate_bps:
        case "loss", None:
            return say(N_("Loss of {loss} is more than BBR can stand: its rate collapses."), loss=loss)
        case "loss", _ if prediction.at_least:
            return say(
                N_("None of {n} probes was lost, so loss is below {loss} and the rate at least this."), n=n, loss=loss
            )
        case "loss", _:
            return say(
                N_("Loss of {loss} at {rtt} ms holds it back."), loss=loss, rtt=milliseconds(prediction.rtt_us)
            )
        case "window", _:
            return say(N_("The socket buffers hold it back at {rtt} ms."), rtt=milliseconds(prediction.rtt_us))
        case "link", _:
            return say(N_("The link is the limit."))
        case _:
            return say(N_("Nothing that is known limits it; the bandwidth of the path is not measured."))
