"""What can be found in a RoCE report, each finding with its limit and where that comes from."""

from collections.abc import Callable, Iterator
from typing import Final

import msgspec

from analysis.roce.schema import Flow, Report
from analysis.severity import Severity
from analysis.text import N_, Sentence, say

LOSS_BAD_RATIO: Final = 0.01
"""Share of packets sent again: go-back-N comes near to a standstill around 1 % of loss (ICCCN 2019, 8846946)."""
RNR_BAD_RATIO: Final = 0.01
CE_WARN_RATIO: Final = 0.05
PAUSE_BAD_RATIO: Final = 0.01
PAUSE_BAD_S: Final = 0.1
"""A priority paused this long is a storm: the shortest detection time of PFC watchdogs (SONiC pfcwdorch, mlx5)."""
PLATEAU_RATIO: Final = 0.8
PLATEAU_LEAST: Final = 8
LONG_RTT_US: Final = 1000.0
RXE_WINDOW: Final = 128
"""Unacknowledged PSNs of Soft-RoCE (drivers/infiniband/sw/rxe/rxe_param.h RXE_MAX_UNACKED_PSNS)."""


class Finding(msgspec.Struct, frozen=True):
    """One thing found; the first of the gravest ones becomes the verdict."""

    severity: Severity
    code: str
    text: Sentence
    evidence: tuple[Sentence, ...] = ()


def _protocol_error(report: Report) -> Iterator[Finding]:
    aeth = {name: report.aeth[name] + report.aeth_xrc.get(name, 0) for name in report.aeth}
    codes = {
        "nak_invalid_request": N_("{n} NAKs: invalid request. The responder could not make sense of a request."),
        "nak_remote_access_error": N_("{n} NAKs: remote access error. The memory key or the address was wrong."),
        "nak_remote_operational_error": N_("{n} NAKs: remote operational error. The responder failed internally."),
        "nak_invalid_rd_request": N_("{n} NAKs: invalid RD request."),
    }
    evidence = [say(text, n=aeth[code]) for code, text in codes.items() if aeth[code]]
    if report.acks_outside_window:
        evidence.append(say(N_("{n} ACKs of packets that were never sent."), n=report.acks_outside_window))
    if evidence:
        text = say(
            N_("An RDMA protocol error ended a connection. That is software or memory permissions, not the network.")
        )
        yield Finding("bad", "protocol-error", text, tuple(evidence))


def _icrc(report: Report) -> Iterator[Finding]:
    bad, checked = report.icrc.bad, report.icrc.bad + report.icrc.good
    if bad:
        text = say(
            N_("{n} of {checked} checked RoCE packets are corrupt: their invariant CRC is wrong."),
            n=bad,
            checked=checked,
        )
        why = say(
            N_(
                "Address translation or a device that rewrites packets breaks every packet; a bad cable, port or "
                "memory breaks a few. The receiver drops them without a word."
            )
        )
        yield Finding("bad", "icrc-bad", text, (why,))


def _loss(report: Report) -> Iterator[Finding]:
    naks, rnr = _count(report, "nak_psn_sequence_error"), _count(report, "rnr_nak")
    if naks and 2 * rnr >= naks:
        naks = 0  # packets behind a message that was not accepted arrive out of order and are refused as well
    reliable = [flow for flow in report.flows if flow.transport in ("RC", "XRC")]
    by_timeout = sum(flow.rewound_by.timeout for flow in reliable)
    by_read = sum(flow.rewound_by.read for flow in reliable if flow.kind == "req")
    late = sum(flow.filled_late for flow in reliable if flow.rewinds)
    silent = sum(flow.missing for flow in report.flows if flow.transport == "UC")
    if not (naks or by_timeout or by_read or (late and not rnr) or silent):
        return
    total, again = sum(flow.packets for flow in reliable), sum(flow.repeats for flow in reliable)
    rewinds = sum(flow.rewinds for flow in reliable if flow.kind == "req")
    ratio = again / total if total else 0.0
    only_timer = by_timeout and not (naks or by_read or late)
    text = say(
        _NO_ANSWER if only_timer else _LOST,
        rewinds=rewinds,
        again=again,
        total=total,
        percent=f"{100 * ratio:.1f}",
    )
    evidence = [
        *some(naks, N_("{n} NAKs say that packets were missing or out of order at the receiver.")),
        *some(
            by_timeout,
            N_("{n} rewinds came after a silence, by the retransmission timer: the slowest recovery."),
        ),
        *([_EITHER_WAY] if only_timer else ()),
        *some(
            by_read,
            N_("{n} READ requests were issued anew: responses were missing. There is no NAK for that."),
        ),
        *some(silent, _NEVER_CAME),
        *_where(reliable, naks),
    ]
    if not rewinds and silent:
        text, evidence = say(_NEVER_CAME, n=silent), []
    yield Finding("bad" if ratio > LOSS_BAD_RATIO or silent else "warn", "loss", text, tuple(evidence))


_LOST: Final = N_(
    "Packets were lost or overtaken: {rewinds} rewinds, {again} of {total} packets ({percent} %) sent again."
)
_NO_ANSWER: Final = N_(
    "Requests were not answered in time: {rewinds} rewinds, {again} of {total} packets ({percent} %) sent again."
)
_EITHER_WAY: Final = say(
    N_("No NAK says that anything was missing. So requests were lost, or their answers, or the peer was silent.")
)
_NEVER_CAME: Final = N_("{n} packets of unreliable connections (UC) never came. Nobody sends them again.")


def _where(flows: list[Flow], naks: int) -> Iterator[Sentence]:
    """Tell on which side of the capture point packets were lost."""
    gaps = sum(flow.gap_psns for flow in flows)
    late = sum(flow.filled_late for flow in flows)
    if gaps and late:
        yield say(
            N_("{n} packets came late or only when sent again: they were lost or overtaken before the capture."),
            n=gaps,
        )
    elif naks and not gaps:
        yield say(
            N_("No packet was missing where the capture was taken: the loss is behind it, nearer to the receiver.")
        )


def _receiver(report: Report) -> Iterator[Finding]:
    rnr = _count(report, "rnr_nak")
    if rnr:
        messages = sum(flow.messages for flow in report.flows if flow.kind == "req")
        text = say(
            N_("The receiver was not ready {n} times: it had no buffer posted. That is the host or the application."),
            n=rnr,
        )
        bad = rnr > RNR_BAD_RATIO * messages
        evidence = say(N_("{n} RNR NAKs for {messages} messages."), n=rnr, messages=messages)
        yield Finding("bad" if bad else "warn", "receiver-not-ready", text, (evidence,))


def _pauses(report: Report) -> Iterator[Finding]:
    for name, priority in report.pfc.by_priority.items():
        paused, seconds = priority.paused_s, report.duration_s
        if paused is not None and seconds and (paused / seconds > PAUSE_BAD_RATIO or paused >= PAUSE_BAD_S):
            text = say(
                N_("Priority {priority} was paused for {percent} % of the time at {gbps} Gb/s: a pause storm."),
                priority=name,
                percent=f"{100 * min(1.0, paused / seconds):.1f}",
                gbps=f"{report.pfc.link_gbps:g}",
            )
            yield Finding("bad", "pfc-storm", text)
    xoff = sum(priority.xoff for priority in report.pfc.by_priority.values())
    if xoff and not report.ecn.ce and not report.cnp.packets:
        text = say(
            N_("{n} PFC pauses and not one congestion mark: pausing acts before ECN does, so ECN is not working."),
            n=xoff,
        )
        yield Finding("warn", "pfc-before-ecn", text)
    if report.pfc.global_pause:
        text = say(
            N_("{n} pauses of the whole link (802.3x): on a RoCE port they stop every class and fight PFC."),
            n=report.pfc.global_pause,
        )
        yield Finding("warn", "pfc-before-ecn", text)


def _congestion(report: Report) -> Iterator[Finding]:
    ecn = report.ecn
    able = ecn.ce + ecn.ect0 + ecn.ect1
    if not ecn.ce and not report.cnp.packets:
        return
    ratio = ecn.ce / able if able else 0.0
    text = say(
        N_(
            "The network marked congestion: {ce} of {able} packets ({percent} %) CE, {cnp} CNPs. It is doing its job."
        ),
        ce=ecn.ce,
        able=able,
        percent=f"{100 * ratio:.1f}",
        cnp=report.cnp.packets,
    )
    evidence = []
    if ecn.ce and not report.cnp.packets:
        evidence.append(
            say(N_("No CNP went back to the senders here. Soft-RoCE never sends any; a network card should."))
        )
    if report.cnp.packets and not ecn.ce:
        evidence.append(
            say(N_("CNPs without marks: the capture stood before the marking switch, or a card answers loss so."))
        )
    yield Finding("warn" if ratio > CE_WARN_RATIO else "notice", "congestion-marked", text, tuple(evidence))


def _marking(report: Report) -> Iterator[Finding]:
    ecn, total = report.ecn, report.ecn.not_ect + report.ecn.ce + report.ecn.ect0 + report.ecn.ect1
    data = ecn.not_ect - report.cnp.packets
    if data > 0 and total:
        text = say(
            N_(
                "{n} of {total} RoCE packets are not ECN-capable: switches can only drop them, and DCQCN cannot work."
            ),
            n=ecn.not_ect,
            total=total,
        )
        yield Finding("notice", "not-ect", text)
    best_effort = report.dscp.get("0", 0)
    if best_effort:
        text = say(
            N_("{n} of {total} RoCE packets have DSCP 0: they ride in the best-effort class, not in a lossless one."),
            n=best_effort,
            total=total,
        )
        yield Finding("notice", "best-effort-class", text)


def _window(report: Report) -> Iterator[Finding]:
    for flow in report.flows:
        if limited_by_window(flow):
            text = say(
                N_("The flow to {dst} QP {qpn} is limited by its window: {window} packets per {rtt} ms round trip."),
                dst=flow.dst,
                qpn=flow.dest_qpn,
                window=flow.in_flight.max,
                rtt=f"{(flow.ack_rtt_us.p50 or 0) / 1000:.1f}",
            )
            evidence = []
            if abs((flow.in_flight.max or 0) - RXE_WINDOW) <= 1:
                evidence.append(say(N_("{n} packets is the fixed window of Soft-RoCE."), n=RXE_WINDOW))
            yield Finding("notice", "window-limited", text, tuple(evidence))
            return


def limited_by_window(flow: Flow) -> bool:
    """Tell whether what is in flight stays at its maximum on long round trips with no loss or mark."""
    flight, rtt = flow.in_flight, flow.ack_rtt_us.p50
    if flight.mean is None or flight.max is None or rtt is None or flow.repeats or flow.ce:
        return False
    return rtt >= LONG_RTT_US and flight.max >= PLATEAU_LEAST and flight.mean >= PLATEAU_RATIO * flight.max


CHECKS: Final[tuple[Callable[[Report], Iterator[Finding]], ...]] = (
    _protocol_error,
    _icrc,
    _loss,
    _receiver,
    _pauses,
    _congestion,
    _marking,
    _window,
)


def _count(report: Report, name: str) -> int:
    return report.aeth[name] + report.aeth_xrc.get(name, 0)


def some(n: int, text: str) -> Iterator[Sentence]:
    """Tell a count, where there is one."""
    if n:
        yield say(text, n=n)
