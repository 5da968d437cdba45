"""What a bandwidth test measured, and what held it there, in a sentence each."""

from typing import Final

from analysis.samples import BandwidthRun, SenderAccount
from analysis.text import N_, Sentence, say
from analysis.transfer.bufferbloat import bloat
from analysis.units import bits_per_s, milliseconds, percent

MOSTLY: Final = 0.25
"""A limit that held for this share of the busy time is told."""
LOSSY: Final = 0.002
"""Share of bytes sent again from which on loss is told as the limit of TCP."""
FULL_MS: Final = 5
"""A median round trip that grows by this much means a queue filled."""


def rate_bps(run: BandwidthRun) -> float | None:
    """Return payload bits per second at the receiver, None where the test was too short to tell."""
    return run.bytes * 8e6 / run.span_us if run.span_us > 0 else None


def flow_rates_bps(run: BandwidthRun) -> tuple[float, ...]:
    """Return the same for each flow."""
    return tuple(count * 8e6 / run.span_us for count in run.flow_bytes) if run.span_us > 0 else ()


def resent_ratio(sender: SenderAccount) -> float | None:
    """Return the share of bytes that was sent again."""
    if not sender.bytes_sent or sender.bytes_retrans is None or sender.bytes_retrans > sender.bytes_sent:
        return None
    return sender.bytes_retrans / sender.bytes_sent


def is_held_by_cap(run: BandwidthRun) -> bool:
    """Tell a test whose data cap held the rate, as iperf3's does; ours ends the test instead."""
    return run.capped and run.tool == "iperf3"


def limit(run: BandwidthRun) -> Sentence | None:
    """Say what held the rate, by the sender's TCP_INFO and the round trip under load; None where nothing tells."""
    if run.protocol == "udp":
        return _of_datagrams(run)
    if is_held_by_cap(run):
        return say(N_("The data cap held the rate: the line may carry more. Give a larger --cap."))
    sender = run.sender
    if sender is None or rate_bps(run) is None:
        return None
    window, buffer = _share(sender.rwnd_limited_us, sender), _share(sender.sndbuf_limited_us, sender)
    again = resent_ratio(sender)
    grown = bloat(run.idle, run.loaded)
    if window is not None and window >= MOSTLY and window >= (buffer or 0):
        text = N_("The receive window held the rate {share} of the time: the receiver's tcp_rmem is too small.")
        return say(text, share=percent(window))
    if buffer is not None and buffer >= MOSTLY:
        text = N_("The send buffer held the rate {share} of the time: the sender's tcp_wmem is too small.")
        return say(text, share=percent(buffer))
    if grown is not None and grown.growth_us >= FULL_MS * 1000:
        text = N_("The path held the rate: its narrowest link was full, and its queue added {growth} ms.")
        return say(text, growth=milliseconds(grown.growth_us))
    if again is not None and again >= LOSSY:
        if sender.cc.startswith("bbr"):
            text = N_(
                "{share} of the bytes were sent again: a short queue overflows, or packets are lost on the way."
            )
            return say(text, share=percent(again))
        text = N_("Loss held the rate: {share} of the bytes were sent again, and {cc} slows down for that.")
        return say(text, share=percent(again), cc=sender.cc)
    if again is None or window is None:
        return None
    return say(N_("The path or the two hosts held the rate: no buffer, no loss and no growing queue did."))


def _share(part_us: int | None, sender: SenderAccount) -> float | None:
    return part_us / sender.busy_us if part_us is not None and sender.busy_us else None


def _of_datagrams(run: BandwidthRun) -> Sentence | None:
    counts, rate = run.datagrams, rate_bps(run)
    if counts is None or rate is None or not run.asked_bps:
        return None
    if counts.received < counts.sent:
        text = N_("{share} of the datagrams were lost at the asked pace of {pace}.")
        return say(text, share=percent(1 - counts.received / counts.sent), pace=bits_per_s(run.asked_bps))
    if rate < 0.95 * run.asked_bps:
        text = N_("The sender could not keep the asked pace of {pace}; what it sent arrived.")
        return say(text, pace=bits_per_s(run.asked_bps))
    return say(
        N_("Every datagram arrived at the asked pace of {pace}: the line may carry more."),
        pace=bits_per_s(run.asked_bps),
    )
