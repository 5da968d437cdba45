"""What a RoCE report comes to: the worst finding is the verdict, the others its evidence."""

from collections.abc import Iterator
from typing import Final

import msgspec

from analysis.roce.findings import CHECKS, Finding, some
from analysis.roce.schema import Report
from analysis.severity import GRAVITY, Severity
from analysis.text import N_, Sentence, say

FEW_PACKETS: Final = 100
"""Below this a clean capture proves nothing."""
UNSEEN_RATIO: Final = 0.01
"""More packets than this share dropped by the capture itself, and a clean rest proves nothing."""
_NATIVE_IB: Final = frozenset({197, 247})


class Verdict(msgspec.Struct, frozen=True):
    """What it comes to. Sentences keep their values apart, to be told in any language."""

    severity: Severity
    code: str
    text: Sentence
    evidence: tuple[Sentence, ...] = ()
    not_observable: tuple[Sentence, ...] = ()


def judge(report: Report) -> Verdict:
    """Return the verdict on a report."""
    nothing = _nothing(report)
    if nothing is not None:
        return Verdict(nothing.severity, nothing.code, nothing.text, nothing.evidence)
    found = [finding for check in CHECKS for finding in check(report)]
    found = found or [_clean(report)]
    worst = max(found, key=lambda finding: GRAVITY[finding.severity])
    if GRAVITY[worst.severity] <= GRAVITY["notice"] and report.roce_packets < FEW_PACKETS:
        worst = _too_few(report)
    others = [finding for finding in found if finding is not worst]
    evidence = (*worst.evidence, *(sentence for other in others for sentence in (other.text, *other.evidence)))
    return Verdict(worst.severity, worst.code, worst.text, (*evidence, *_asides(report)), tuple(_hidden(report)))


def exit_code(report: Report, verdict: Verdict) -> int:
    """Return 1 where nothing was readable, 3 for warn, bad or a damaged file, else 0."""
    if verdict.code == "unreadable":
        return 1
    return 3 if verdict.severity in ("warn", "bad") or report.capture.truncated else 0


# --- where there is nothing to judge ---


def _nothing(report: Report) -> Finding | None:
    capture = report.capture
    if capture.format is None:
        return Finding("unknown", "unreadable", _UNREADABLE, capture.problems)
    if report.roce_packets or report.pfc.frames or report.pfc.global_pause:
        return None
    if set(capture.link_types) & _NATIVE_IB:
        text = say(N_("This is native InfiniBand, not RoCE: there is no Ethernet here. Use the fabric's tools."))
        return Finding("unknown", "native-infiniband", text)
    text = (
        say(N_("There is no RoCE among the {n} packets of this capture."), n=report.packets)
        if report.packets
        else say(N_("No RoCE packet was captured."))
    )
    return Finding("unknown", "no-roce", text, (_OFFLOADED, _HOW_TO_CAPTURE))


_UNREADABLE: Final = say(N_("Nothing in this file could be read."))
_OFFLOADED: Final = say(
    N_(
        "That does not prove that there was none: RDMA network cards handle RoCE in hardware, and the kernel "
        "and tcpdump on the interface never see it."
    )
)
_HOW_TO_CAPTURE: Final = say(
    N_(
        "On mlx5 capture on the RDMA device (tcpdump -i mlx5_0, libpcap 1.9 or newer), on other cards at a mirror "
        "port of the switch. Counters in /sys/class/infiniband/*/ports/*/ show whether RoCE is flowing."
    )
)


def _clean(report: Report) -> Finding:
    n = report.psn_totals.packets
    dropped = report.capture.dropped_by_kernel or 0
    if dropped > UNSEEN_RATIO * report.roce_packets:
        text = say(
            N_(
                "No trouble seen in {n} RoCE packets, but the capturing host dropped {dropped} unseen: "
                "too many to say that all is well."
            ),
            n=n,
            dropped=dropped,
        )
        return Finding("unknown", "capture-incomplete", text)
    return Finding(
        "ok", "healthy", say(N_("No trouble seen in {n} RoCE packets: nothing lost, nothing sent again."), n=n)
    )


def _too_few(report: Report) -> Finding:
    text = say(N_("Only {n} RoCE packets: too few to say that all is well."), n=report.roce_packets)
    return Finding("unknown", "too-few-packets", text)


# --- what is said beside the findings ---


def _asides(report: Report) -> Iterator[Sentence]:
    yield from some(
        sum(flow.duplicates for flow in report.flows),
        N_("{n} packets came twice within microseconds: copies by a mirror port or the path, not sent again."),
    )
    lone = sum(flow.repeats for flow in report.flows if flow.transport == "RC" and not flow.rewinds) - sum(
        flow.duplicates for flow in report.flows if flow.transport == "RC" and not flow.rewinds
    )
    yield from some(
        max(0, lone), N_("{n} single packets were sent again, as a timer does. That alone is no proof of loss.")
    )
    never = sum(flow.missing for flow in report.flows if flow.transport == "RC")
    yield from some(
        never, N_("{n} packets are missing that nobody asked for again: lost by the capture, not the network.")
    )
    if report.capture.truncated:
        yield say(N_("The file is damaged or cut; this is about what came before."))


def _hidden(report: Report) -> Iterator[Sentence]:
    capture = report.capture
    if not report.pfc.frames:
        yield say(
            N_(
                "Pause frames: network cards take them off the wire before any capture, so none here proves nothing. "
                "See the counters of ethtool -S."
            )
        )
    elif report.pfc.link_gbps is None:
        yield say(N_("How long the link was paused: that needs its speed (--link-speed)."))
    if report.icrc.unchecked:
        yield say(N_("Corruption of {n} packets that were not captured whole."), n=report.icrc.unchecked)
    if capture.dropped_by_kernel is None:
        yield say(N_("Whether the capture itself lost packets: the file does not say."))
    elif capture.dropped_by_kernel:
        yield say(N_("{n} packets that the capturing host dropped: gaps may be theirs."), n=capture.dropped_by_kernel)
    if report.psn_totals.packets and not any(flow.ack_rtt_us.n or flow.read_rtt_us.n for flow in report.flows):
        yield say(N_("Round trips: no response could be matched with its request."))
    if capture.cut_before_bth:
        yield say(N_("What {n} RoCE packets are: they were cut before the RDMA header."), n=capture.cut_before_bth)
