"""Round trips of a report: whose they are, how they are spread, and what they tell of where the capture was taken."""

import random
import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.roce import kept
from analysis.roce.flow_report import quantiles
from analysis.roce.report import Told, report
from analysis.roce.schema import Flow
from tests.roce.captures import HERE, THERE, folded, roce

SEND_ONLY, ACKNOWLEDGE = 0x04, 0x11
AETH = struct.pack(">I", 0)
NOISE = bytes(60)
"""A frame that takes a microsecond and is nothing."""


def asked(qpn: int, psn: int, source: bytes = HERE, destination: bytes = THERE) -> bytes:
    return roce(SEND_ONLY, qpn, psn, b"1234", ack_req=True, source=source, destination=destination)


def answered(qpn: int, psn: int, source: bytes = THERE, destination: bytes = HERE) -> bytes:
    return roce(ACKNOWLEDGE, qpn, psn, AETH, source=source, destination=destination)


def flows(frames: list[bytes], chunk: int = 4 << 20) -> dict[str, Flow]:
    return {flow.dest_qpn: flow for flow in report(folded(frames, chunk), Told()).flows}


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.integers(0, 1 << 40), max_size=60),
    st.dictionaries(st.integers(0, 1 << 40), st.integers(1, 50), max_size=8),
)
def test_quantiles_are_values_that_occurred_at_their_ranks(fresh: list[int], aged: dict[int, int]) -> None:
    values = sorted([*fresh, *(value for value, n in aged.items() for _ in range(n))])
    told, n = quantiles(np.array(fresh, np.int64), aged), len(values)
    assert told.n == n
    ranks = {"min": 0, "p50": n // 2, "p99": min(int(0.99 * n), n - 1), "max": n - 1}
    for name, rank in ranks.items():
        assert getattr(told, name) == (round(values[rank] / 1000, 3) if n else None)


def test_the_tap_is_at_the_side_that_answers_at_once() -> None:
    frames = []
    for psn in range(40):
        frames += [asked(0x20, psn), *[NOISE] * 9, answered(0x10, psn)]
        frames += [asked(0x11, psn, THERE, HERE), answered(0x21, psn, HERE, THERE)]
    told = flows(frames)
    assert told["0x000020"].ack_rtt_us.p50 == 10
    assert told["0x000011"].ack_rtt_us.p50 == 1
    assert (told["0x000020"].tap, told["0x000011"].tap) == ("requester", "responder")


def test_where_one_side_only_asks_nobody_knows_where_the_tap_is() -> None:
    told = flows([frame for psn in range(40) for frame in (asked(0x20, psn), answered(0x10, psn))])
    assert told["0x000020"].ack_rtt_us.n == 40
    assert told["0x000020"].tap is None


def test_each_of_many_qps_is_told_from_the_others_by_its_psns() -> None:
    chance = random.Random(4)
    first = {qpn: chance.randrange(1 << 24) for qpn in range(200)}
    turns = [(qpn, psn) for psn in range(20) for qpn in chance.sample(range(200), 200)]
    frames = [asked(0x1000 + qpn, (first[qpn] + psn) % (1 << 24)) for qpn, psn in turns[:200]]
    for before, now in zip(turns, turns[200:], strict=False):
        for (qpn, psn), frame in ((before, answered), (now, asked)):
            frames.append(frame((0x2000 if frame is answered else 0x1000) + qpn, (first[qpn] + psn) % (1 << 24)))
    told = flows(frames)
    assert all(told[f"0x{0x1000 + qpn:06x}"].paired_qpn == f"0x{0x2000 + qpn:06x}" for qpn in first)
    assert {told[f"0x{0x1000 + qpn:06x}"].ack_rtt_us.n for qpn in first} == {19}


def test_round_trips_too_many_to_keep_are_counted_near_their_values(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept, "MOST_SAMPLES", 300)
    frames = []
    for psn in range(2000):
        frames += [asked(0x20, psn), *[NOISE] * (psn % 50), answered(0x10, psn)]
    told = flows(frames)["0x000020"].ack_rtt_us
    assert told.n == 2000
    assert told.min == pytest.approx(1, rel=kept.AGED_STEP)
    assert told.p50 == pytest.approx(26, rel=2 * kept.AGED_STEP)


def test_answers_to_requests_that_nobody_saw_leave_those_that_follow_their_round_trips() -> None:
    frames = [answered(0x10, psn) for psn in range(100)]
    frames += [frame for psn in range(100, 140) for frame in (asked(0x20, psn), answered(0x10, psn))]
    for told in (flows(frames), flows(frames, 2011)):
        assert told["0x000020"].paired_qpn == "0x000010"
        assert told["0x000020"].ack_rtt_us.n == 40
