"""What is folded by the second where it is captured comes to the same as the whole capture folded at once."""

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.roce.decode import decode
from analysis.roce.fold import Fold
from analysis.roce.frames import Frames
from analysis.roce.live import RoceWatch
from analysis.roce.merge import merge
from analysis.roce.report import Told, report
from analysis.roce.schema import Flow, Report
from analysis.roce.tick import TickMaker
from analysis.roce.tick_report import report_of
from analysis.roce.verdict import judge
from analysis.samples import AnySample, RoceTick
from collectors.pcapfile.reader import Reader
from collectors.pcapfile.source import open_source
from tests.lab.roce_frames import Conversation, conversations, frames_of

SECOND = 10**9
MANY = 1000
SAME = (
    "packets", "roce_packets", "wire_bytes", "opcodes", "transports", "psn_totals", "aeth", "aeth_xrc", "ecn",
    "ce_by_opcode", "dscp", "vlan_pcp", "icrc", "acks_outside_window",
)  # fmt: skip
SAME_OF_FLOW = (
    "packets", "wire_bytes", "payload_bytes", "goodput_bytes", "messages", "first_psn", "last_psn", "wrapped",
    "repeats", "behind", "gap_events", "gap_psns", "missing", "filled_late", "rewinds", "rewound_by", "duplicates",
    "pmtu", "in_flight", "naks", "rnr_naks", "fatal_naks", "ce", "cnps",
)  # fmt: skip
FIXTURES = Path(__file__).parents[1] / "fixtures" / "captures"


def who(flow: Flow) -> tuple[str, ...]:
    return flow.src, flow.dst, flow.dest_qpn, flow.kind, flow.transport


def check_same(live: Report, whole: Report) -> None:
    for name in SAME:
        assert getattr(live, name) == getattr(whole, name), name
    assert live.cnp.packets == whole.cnp.packets
    assert (live.pfc.frames, live.pfc.global_pause) == (whole.pfc.frames, whole.pfc.global_pause)
    flows = {who(flow): flow for flow in whole.flows}
    assert {who(flow) for flow in live.flows} == set(flows)
    for flow in live.flows:
        for name in SAME_OF_FLOW:
            assert getattr(flow, name) == getattr(flows[who(flow)], name), (who(flow), name)
        # Which QPs belong together may become clear after a flow's last packet.
        assert flow.paired_qpn in (None, flows[who(flow)].paired_qpn)
        assert flow.message_bytes.histogram == flows[who(flow)].message_bytes.histogram
        assert flow.message_bytes.max == flows[who(flow)].message_bytes.max


def by_pieces(pieces: Sequence[Frames], ticks_at: set[int], most: int = MANY) -> list[RoceTick]:
    """Fold pieces with a tick after some of them, each tick written and read as a session file would."""
    maker, ticks = TickMaker(most), []
    for number, frames in enumerate(pieces):
        maker.add(decode(frames, maker.fold.pairs))
        if number in ticks_at:
            ticks.append(maker.tick(number * SECOND, "eth0", SECOND, 0))
    maker.fold.finish()
    ticks.append(maker.tick(len(pieces) * SECOND, "eth0", SECOND, 0))
    coder = msgspec.json.Decoder(AnySample)
    return [coder.decode(msgspec.json.encode(tick)) for tick in ticks]


def cut(frames: Frames, edges: Sequence[int]) -> list[Frames]:
    """Cut frames into pieces at some of their numbers."""
    bounds = [0, *sorted({edge % len(frames) for edge in edges} - {0}), len(frames)]
    columns: dict[str, Any] = {name: getattr(frames, name) for name in ("start", "captured", "length", "t_ns")}
    return [
        Frames(frames.buffer, **{n: c[a:b] for n, c in columns.items()}, link=frames.link, first_number=a + 1)
        for a, b in pairwise(bounds)
    ]


def whole_report(frames: Frames) -> Report:
    fold = Fold()
    fold.add(decode(frames, fold.pairs))
    fold.finish()
    return report(fold, Told("pcap", (1,)))


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_ticks_add_up_to_the_report_of_the_whole(data: st.DataObject) -> None:
    frames = frames_of(data.draw(conversations()))
    edges = data.draw(st.lists(st.integers(0, 500), max_size=6))
    ticks_at = data.draw(st.sets(st.integers(0, 6)))
    ticks = by_pieces(cut(frames, edges), ticks_at)
    check_same(report_of(merge(ticks)), whole_report(frames))
    assert judge(report_of(merge(ticks))).code == judge(whole_report(frames)).code


@settings(max_examples=20, deadline=None)
@given(st.data())
def test_merged_ticks_merge_again_and_lose_no_count(data: st.DataObject) -> None:
    frames = frames_of(data.draw(conversations()))
    ticks = by_pieces(cut(frames, [5, 11, 23, 40]), {0, 1, 2, 3})
    middle = data.draw(st.integers(1, len(ticks)))
    halves = [merge(part) for part in (ticks[:middle], ticks[middle:]) if part]
    check_same(report_of(merge(halves)), report_of(merge(ticks)))


@settings(max_examples=20, deadline=None)
@given(st.data(), st.integers(0, 3))
def test_flows_beyond_the_bound_are_counted_together(data: st.DataObject, most: int) -> None:
    frames = frames_of(data.draw(conversations()))
    ticks = by_pieces(cut(frames, [7, 19]), {0, 1}, most)
    assert all(len(tick.flows) <= most for tick in ticks)
    bounded, whole = report_of(merge(ticks)), whole_report(frames)
    for name in SAME:
        assert getattr(bounded, name) == getattr(whole, name), name


def test_a_flow_in_trouble_is_told_before_busier_ones() -> None:
    calm = Conversation(qpn=0x11, psns=tuple(range(100)))
    ill = Conversation(qpn=0x22, psns=(1, 2, 3, 2, 3, 4), t_offset_ns=77)
    (tick,) = by_pieces([frames_of((calm, ill))], set(), most=1)
    assert [flow.dest_qpn for flow in tick.flows] == [0x22]
    assert tick.rest is not None
    assert (tick.rest.flows, tick.rest.packets) == (1, 100)


def test_a_watch_tells_flows_of_its_window_and_one_flow_by_the_second() -> None:
    watch = RoceWatch()
    pieces = cut(frames_of((Conversation(qpn=0x11, psns=tuple(range(30))),)), [10, 20])
    ticks = by_pieces(pieces, {0, 1, 2})
    for tick in ticks:
        assert watch.fold(tick)
    last = ticks[-1].t
    window = watch.window("eth0", last, last - ticks[0].t)
    assert window is not None
    assert [flow.packets for flow in window.flows] == [20]
    key = ("10.0.0.1", "10.0.0.2", 0x11, "req", "RC")
    points = watch.series("eth0", key, -1, last)
    assert [point.wire_bps > 0 for point in points] == [True, True, True, False]
    assert watch.window("eth1", last) is None


def test_a_tick_of_ten_flows_is_small() -> None:
    talks = tuple(Conversation(qpn=0x1000 + i, psns=tuple(range(10**6, 10**6 + 50)), acked=True) for i in range(10))
    (tick,) = by_pieces([frames_of(talks)], set())
    assert len(tick.flows) == 10
    assert len(msgspec.json.encode(tick)) < 1800


@pytest.mark.parametrize("capture", sorted(FIXTURES.glob("*.pcap")), ids=lambda path: path.stem)
def test_real_captures_come_to_the_same_by_the_second(capture: Path) -> None:
    with open_source(str(capture)) as source:
        reader, fold, maker, ticks = Reader(source, 1 << 16), Fold(), TickMaker(MANY), []
        for frames in reader:
            fold.add(decode(frames, fold.pairs))
            maker.add(decode(frames, maker.fold.pairs))
            ticks.append(maker.tick(len(ticks), "eth0", SECOND, 0))
    if not ticks:
        return
    fold.finish()
    maker.fold.finish()
    ticks.append(maker.tick(len(ticks), "eth0", SECOND, 0))
    live, whole = report_of(merge(ticks)), report(fold, Told("pcap", (1,)))
    check_same(live, whole)
    assert np.all([flow.packets > 0 for flow in live.flows])
