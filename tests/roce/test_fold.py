"""The fold gives the same report for a capture at once, in chunks cut anywhere, or second by second."""

from itertools import pairwise
from pathlib import Path

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from analysis.roce.decode import decode
from analysis.roce.fold import Fold
from analysis.roce.packets import Batch, Pauses
from analysis.roce.pairs import Pairs
from analysis.roce.pfc import PauseTime
from analysis.roce.report import Told, report
from analysis.roce.schema import Report
from analysis.roce.seconds import FlowSecond, seconds
from analysis.roce.verdict import exit_code, judge
from collectors.pcapfile.merge import merged
from collectors.pcapfile.source import open_source
from collectors.pcapfile.summary import fold_all, readers, summarise, told
from tests.roce.captures import pcap, reader, roce
from tests.roce.reference import Flow

FIXTURES = Path(__file__).parents[1] / "fixtures" / "captures"
TELLING = [
    "read_loss1",
    "syn_odd_encap",
    "rdmacm_write",
    "wan25_jitter_livelock",
    "syn_all_opcodes",
    "ipv6_loss1",
    "syn_pfc",
]


def fold_bytes(data: bytes, chunk: int = 4 << 20) -> Report:
    fold = Fold()
    read = reader(data, chunk)
    infos = fold_all([read], fold)
    return report(fold, told(*infos))


def of(name: str) -> Report:
    fold = Fold()
    with open_source(str(FIXTURES / f"{name}.pcap")) as source:
        info = summarise(source, fold)
    return report(fold, told(info))


@pytest.mark.parametrize("name", TELLING)
def test_chunks_of_any_size_give_the_same_report(name: str) -> None:
    data = (FIXTURES / f"{name}.pcap").read_bytes()[:120_000]
    at_once = fold_bytes(data)
    assert at_once.roce_packets
    for chunk in (2011, 4096, 9973, 30_011):
        assert fold_bytes(data, chunk) == at_once


@st.composite
def conversations(draw: st.DrawFn) -> list[bytes]:
    """Requests, READs, responses and ACKs of two QPs, with loss, repeats and corruption."""
    out: list[bytes] = []
    heads = {0x11: draw(st.sampled_from([0, 0xFFFFF0])), 0x12: 100}
    a, b = b"\x0a\0\0\x01", b"\x0a\0\0\x02"
    for _ in range(draw(st.integers(5, 60))):
        qpn = draw(st.sampled_from([0x11, 0x12]))
        step = draw(st.sampled_from([0, 0, 0, 0, 1, -1, -3]))
        psn = (heads[qpn] + step) & 0xFFFFFF
        kind = draw(st.sampled_from(["send", "send", "send", "ack", "nak", "read", "first", "response"]))
        if kind == "send":
            frame = roce(0x04, qpn, psn, bytes(8), ack_req=draw(st.booleans()), source=a, destination=b)
        elif kind == "first":
            frame = roce(0x06, qpn, psn, bytes(16 + 256), source=a, destination=b)
        elif kind == "read":
            size = draw(st.sampled_from([8, 700, 3000]))
            frame = roce(0x0C, qpn, psn, bytes(12) + size.to_bytes(4, "big"), source=a, destination=b)
        elif kind == "response":
            frame = roce(0x10, qpn + 0x10, psn, bytes(4) + bytes(64), source=b, destination=a)
        else:
            back = (psn - 1) & 0xFFFFFF
            frame = roce(
                0x11, qpn + 0x10, back, bytes((0x60 if kind == "nak" else 0x1F, 0, 0, 0)), source=b, destination=a
            )
        if kind in ("send", "first", "read"):
            heads[qpn] = (psn + 1) & 0xFFFFFF
        out.append(frame if draw(st.integers(0, 30)) else frame[:-1] + bytes((frame[-1] ^ 1,)))
    return out


@settings(max_examples=25, deadline=None)
@given(conversations(), st.lists(st.integers(1, 59), max_size=5))
def test_batches_cut_between_any_packets_give_the_same_report(frames: list[bytes], cuts: list[int]) -> None:
    at_once = fold_bytes(pcap(frames))
    fold = Fold()
    whole = [decode(one, fold.pairs) for one in reader(pcap(frames))]
    edges = sorted({0, len(frames), *(cut for cut in cuts if cut < len(frames))})
    for batch in whole:
        fold.add(msgspec.structs.replace(batch, packets=batch.packets.where(slice(0))))
        for begin, end in pairwise(edges):
            fold.add(Batch(batch.packets.where(slice(begin, end))))
    fold.finish()
    assert msgspec.structs.replace(report(fold, Told()), capture=at_once.capture) == at_once


@settings(max_examples=25, deadline=None)
@given(conversations())
def test_flows_equal_the_definitions(frames: list[bytes]) -> None:
    got = {(flow.dest_qpn, flow.kind): flow for flow in fold_bytes(pcap(frames)).flows}
    batch = next(decode(one, Pairs()) for one in reader(pcap(frames)))
    expected: dict[tuple[str, str], Flow] = {}
    packets = batch.packets
    full = packets.opcode == 0x06
    pmtu = 256 if (full & (packets.icrc == 0)).any() else 1024
    for row in range(len(packets)):
        opcode = int(packets.opcode[row])
        if packets.icrc[row] or opcode == 0x11:
            continue
        size = int(packets.dma_bytes[row])
        span = max(1, -(-size // pmtu)) if opcode == 0x0C else 1
        key = f"0x{int(packets.qpn[row]):06x}", "resp" if opcode == 0x10 else "req"
        expected.setdefault(key, Flow()).add(int(packets.psn[row]), span)
    assert set(got) == set(expected)
    for key, flow in expected.items():
        for name in (
            "packets",
            "gap_events",
            "gap_psns",
            "behind",
            "repeats",
            "rewinds",
            "missing",
            "wrapped",
            "last_psn",
        ):
            assert getattr(got[key], name) == getattr(flow, name), (key, name)


@pytest.mark.parametrize("name", ["read_loss1", "wan25_send_lat"])
def test_seconds_add_up_to_the_whole(name: str) -> None:
    fold = Fold()
    with open_source(str(FIXTURES / f"{name}.pcap")) as source:
        rows = [row for _, second in seconds(fold, merged(readers([source]), fold.pairs)) for row in second]
    counters = fold.flows.counters
    for column in FlowSecond.__struct_fields__[1:-2]:
        totals = np.zeros(fold.flows.count, np.int64)
        for row in rows:
            totals[row.flow] += getattr(row, column)
        assert totals.tolist() == getattr(counters, column)[: fold.flows.count].tolist()
    assert any(row.rtt_p50_us for row in rows)
    assert report(fold, Told()).flows == of(name).flows


def test_captures_of_two_places_are_merged_by_time() -> None:
    requests = pcap([roce(0x04, 0x11, i, ack_req=True) for i in range(40)])
    acks = [
        roce(0x11, 0x22, i, b"\x1f\0\0\0", source=b"\x0a\0\0\x02", destination=b"\x0a\0\0\x01") for i in range(40)
    ]
    fold = Fold()
    both = [reader(requests), reader(pcap(acks, t=1_700_000_001))]
    fold_all(both, fold)
    told_report = report(fold, told(*(one.finish() for one in both)))
    (flow,) = (flow for flow in told_report.flows if flow.kind == "req")
    assert told_report.packets == 80
    assert flow.ack_rtt_us.n == 40
    assert flow.ack_rtt_us.min == flow.ack_rtt_us.max == 1_000_000.0


def test_more_flows_than_fit_are_counted_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("analysis.roce.flows.LIMIT", 300)
    told_report = fold_bytes(pcap([roce(0x04, qpn, body=bytes(4)) for qpn in range(1000)] * 2))
    assert len(told_report.flows) == 299
    assert all(flow.packets == 2 for flow in told_report.flows)
    assert told_report.flows_beyond_limit is not None
    assert told_report.flows_beyond_limit.packets == 2000 - 2 * 299
    assert sum(told_report.transports.values()) == 2000


# --- pauses ---


def pauses(*frames: tuple[int, int, int, int]) -> Pauses:
    """(time, asker, classes, quanta of each of them) of each frame."""
    t_ns, asker, classes, quanta = (np.array(column, np.int64) for column in zip(*frames, strict=True))
    return Pauses(t_ns, asker, classes, np.where(classes[:, None] >> np.arange(8) & 1, quanta[:, None], 0))


def test_a_pause_is_replaced_by_the_next_one_and_ended_by_zero() -> None:
    """512 bit times at 100 Gb/s are 5.12 ns."""
    time = PauseTime(100.0)
    time.add(pauses((0, 1, 8, 1000), (1000, 1, 8, 1000), (3000, 1, 8, 0), (10_000, 1, 8, 100)))
    assert time.paused_s(3, 10_400) == pytest.approx(3.4e-6)
    assert time.paused_s(3, 99_000) == pytest.approx(3.512e-6)
    assert (time.xoff[3], time.xon[3]) == (3, 1)
    assert PauseTime(None).paused_s(3, 1) is None


def test_two_devices_that_pause_at_once_silence_two_links_and_neither_for_longer_than_the_capture() -> None:
    time = PauseTime(100.0)
    time.add(pauses(*((t_ns, asker, 8, 65535) for t_ns in range(0, 1000, 10) for asker in (1, 2))))
    assert time.paused_s(3, 1000) == pytest.approx(1e-6)


frame_of_pause = st.tuples(
    st.integers(0, 400),
    st.integers(1, 3),
    st.sampled_from([-1, 0, 1, 8, 9, 255]),
    st.sampled_from([0, 0, 7, 50, 65535]),
)


@settings(max_examples=100, deadline=None)
@given(st.lists(frame_of_pause, min_size=1, max_size=40), st.lists(st.integers(0, 40), max_size=4))
def test_pauses_in_batches_of_any_size_equal_going_frame_by_frame(
    drawn: list[tuple[int, int, int, int]], cuts: list[int]
) -> None:
    t_ns, frames = 0, []
    for way, *rest in drawn:
        t_ns += way
        frames.append((t_ns, *rest))
    edges = sorted({0, len(frames), *(cut for cut in cuts if cut < len(frames))})
    time = PauseTime(512.0)
    for begin, end in pairwise(edges):
        time.add(pauses(*frames[begin:end]))
    for priority in range(8):
        silent: dict[int, set[int]] = {asker: set() for asker in (1, 2, 3)}
        for asker in silent:
            mine = [
                (t, quanta)
                for t, who, classes, quanta in frames
                if who == asker and classes > 0 < classes >> priority & 1
            ]
            for (t, quanta), (after, _) in pairwise([*mine, (t_ns, 0)]):
                silent[asker].update(range(t, min(t + quanta, after)))
        told = [(classes, quanta) for _, _, classes, quanta in frames if classes > 0 < classes >> priority & 1]
        assert (time.xoff[priority], time.xon[priority]) == (
            sum(q > 0 for _, q in told),
            sum(q == 0 for _, q in told),
        )
        assert time.quanta[priority] == sum(quanta for _, quanta in told)
        longest = max(len(nanoseconds) for nanoseconds in silent.values())
        assert time.paused_s(priority, t_ns) == pytest.approx(longest / 1e9)
    assert time.link_pauses == sum(classes < 0 for _, _, classes, _ in frames)
    assert time.frames == len(frames) - time.link_pauses


# --- verdicts ---


@pytest.mark.parametrize(
    ("name", "code", "leaves"),
    [
        ("bad_empty", "unreadable", 1),
        ("bad_not_a_pcap", "unreadable", 1),
        ("bad_header_only", "no-roce", 0),
        ("idle_no_roce", "no-roce", 0),
        ("bad_truncated", "not-ect", 3),
        ("bad_huge_caplen", "too-few-packets", 3),
        ("syn_aeth_all", "protocol-error", 3),
        ("syn_odd_encap", "icrc-bad", 3),
        ("read_loss1", "loss", 3),
        ("ipv6_loss1", "loss", 3),
        ("syn_psn_wrap_gobackn", "loss", 3),
        ("syn_pfc", "pfc-before-ecn", 3),
        ("ecn_netem", "congestion-marked", 3),
        ("wan25_send_lat", "not-ect", 0),
        ("syn_rocev1", "healthy", 0),
        ("syn_all_opcodes", "too-few-packets", 0),
    ],
)
def test_the_verdict_names_the_worst(name: str, code: str, leaves: int) -> None:
    told_report = of(name)
    verdict = judge(told_report)
    assert verdict.code == code
    assert exit_code(told_report, verdict) == leaves


def test_a_clean_capture_that_dropped_much_is_not_called_healthy() -> None:
    clean = of("syn_rocev1")
    few, many = clean.roce_packets // 200, clean.roce_packets
    codes = [
        judge(replace(clean, capture=replace(clean.capture, dropped_by_kernel=n))).code for n in (None, 0, few, many)
    ]
    assert codes == ["healthy", "healthy", "healthy", "capture-incomplete"]


def test_each_loss_is_a_rewind_with_its_nak() -> None:
    (flow,) = of("syn_psn_wrap_gobackn").flows
    assert (flow.rewinds, flow.rewound_by.nak, flow.wrapped) == (6, 6, True)


def test_lost_read_responses_show_as_requests_issued_anew() -> None:
    request, response = of("read_loss1").flows
    assert request.rewound_by.read == request.rewinds > 0
    assert response.gap_psns == response.filled_late


def test_time_outs_alone_do_not_say_what_was_lost() -> None:
    data = pcap([])
    for i in range(40):
        turn = [roce(0x04, 0x11, 3 * i + k, bytes(8), ack_req=True) for k in range(3)]
        data += pcap(turn, t=1_700_000_000 + 2 * i)[24:]
        if i % 2:
            data += pcap(turn, t=1_700_000_001 + 2 * i)[24:]
    told_report = fold_bytes(data)
    verdict = judge(told_report)
    assert verdict.code == "loss"
    assert told_report.flows[0].rewound_by.timeout == told_report.flows[0].rewinds == 20
    assert "were not answered in time" in str(verdict.text)
    assert "or the peer was silent" in str(verdict.evidence)
    assert "lost or overtaken" not in str(verdict)


def test_a_receiver_without_buffers_is_not_called_loss() -> None:
    a, b = b"\x0a\0\0\x01", b"\x0a\0\0\x02"
    frames = []
    for i in range(60):
        frames += [roce(0x04, 0x11, psn, source=a, destination=b) for psn in (2 * i, 2 * i + 1)]
        frames += [roce(0x11, 0x22, 2 * i, bytes((0x2C, 0, 0, 0)), source=b, destination=a)]
        frames += [roce(0x11, 0x22, 2 * i, bytes((0x60, 0, 0, 0)), source=b, destination=a)]
        frames += [roce(0x04, 0x11, psn, source=a, destination=b) for psn in (2 * i, 2 * i + 1)]
    told_report = fold_bytes(pcap(frames))
    assert judge(told_report).code == "receiver-not-ready"
    assert told_report.flows[0].rewound_by.rnr == told_report.flows[0].rewinds == 60


def test_quiet_repeats_of_a_mirror_are_not_called_loss() -> None:
    frames = [roce(0x04, 0x11, psn) for psn in range(200) for _ in range(2)]
    told_report = fold_bytes(pcap(frames))
    assert told_report.flows[0].duplicates == told_report.flows[0].repeats == 200
    assert told_report.flows[0].rewinds == 0
    assert judge(told_report).code == "not-ect"


def test_native_infiniband_is_told() -> None:
    assert judge(fold_bytes(pcap([bytes(40)], link=247))).code == "native-infiniband"


def test_connection_management_pairs_the_qps() -> None:
    told_report = of("rdmacm_write")
    assert told_report.cm.connections == 2
    pairs = {flow.dest_qpn: flow.paired_qpn for flow in told_report.flows if flow.transport == "RC"}
    assert pairs["0x0000d5"] == "0x000071"
    assert pairs["0x0000d6"] == "0x000072"


def test_an_unfinished_batch_of_nothing_changes_nothing() -> None:
    fold = Fold()
    fold.finish()
    assert isinstance(report(fold, Told()), Report)
    assert Batch.__struct_fields__[0] == "packets"
