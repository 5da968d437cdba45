"""The verdict that a window limits a flow: a plateau of packets in flight on a long round trip."""

import struct

import pytest

from analysis.roce.fold import Fold
from analysis.roce.report import report
from analysis.roce.schema import Report
from analysis.roce.verdict import judge
from collectors.pcapfile.summary import fold_all, told
from tests.roce.captures import pcap, reader, roce

A, B = b"\x0a\0\0\x01", b"\x0a\0\0\x02"


def report_at(frames: list[tuple[int, bytes]]) -> Report:
    """Fold frames that were captured at given microseconds."""
    data = pcap(())
    for t_us, frame in frames:
        data += struct.pack("<IIII", *divmod(t_us, 1_000_000), len(frame), len(frame)) + frame
    fold, read = Fold(), reader(data)
    infos = fold_all([read], fold)
    return report(fold, told(*infos))


def window_limited(window: int, rtt_us: int, marked: int | None = None) -> Report:
    """Rounds of a full window that is acknowledged in one go, a long round trip after its last packet."""
    rounds, gap_us = 40, 1
    out = []
    for turn in range(rounds):
        begin_us = turn * (rtt_us + window * gap_us)
        for i in range(window):
            tos = 107 if marked == turn * window + i else 106
            frame = roce(0x04, 0x11, turn * window + i, bytes(64), ack_req=i == window - 1, tos=tos)
            out.append((begin_us + i * gap_us, frame))
        ack = roce(0x11, 0x22, (turn + 1) * window - 1, bytes((0x1F, 0, 0, 1)), source=B, destination=A, tos=106)
        out.append((begin_us + window * gap_us + rtt_us - gap_us, ack))
    return report_at(out)


def test_a_full_window_on_a_long_round_trip_is_the_limit() -> None:
    told_report = window_limited(128, 20_000)
    flow = told_report.flows[0]
    # 16 answers tell which QPs belong together, and the next one is what in flight is counted from
    assert (flow.in_flight.n, flow.in_flight.mean, flow.in_flight.max) == (40 - 17, 128.0, 128)
    assert flow.ack_rtt_us.p50 == 20_000.0
    verdict = judge(told_report)
    assert (verdict.severity, verdict.code) == ("notice", "window-limited")
    assert verdict.text.args == {"dst": "10.0.0.2", "qpn": "0x000011", "window": "128", "rtt": "20.0"}
    assert verdict.evidence[0].args == {"n": "128"}, "the fixed window of Soft-RoCE"


@pytest.mark.parametrize(
    ("window", "rtt_us", "marked", "code"),
    [
        (64, 20_000, None, "window-limited"),
        (128, 400, None, "healthy"),
        (4, 20_000, None, "healthy"),
        (128, 20_000, 700, "congestion-marked"),
    ],
)
def test_a_window_is_blamed_only_where_it_is_large_full_and_unmarked(
    window: int, rtt_us: int, marked: int | None, code: str
) -> None:
    assert judge(window_limited(window, rtt_us, marked)).code == code
