"""What error correction is said to buy is what its blocks would have restored."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.samples import DatagramCounts, FecRun
from analysis.transfer.fec import Code, codes, conclusion, predict, predictions, residual_ratio

patterns = st.lists(st.booleans(), min_size=1, max_size=60)
blocks = st.integers(1, 12).flatmap(lambda needed: st.integers(needed + 1, 16).map(lambda block: Code(needed, block)))


@settings(max_examples=60)
@given(patterns, blocks)
def test_a_prediction_is_what_every_place_of_a_block_in_the_pattern_gives(lost: list[bool], code: Code) -> None:
    left = data = 0
    for start in range(len(lost) - code.block + 1):
        block = lost[start : start + code.block]
        data += code.needed
        left += sum(block[: code.needed]) if block.count(False) < code.needed else 0
    told = predict(np.array(lost), code, 1000.0)
    if not data:
        assert told is None
    else:
        assert told is not None
        assert told.n == data
        assert told.residual_ratio == pytest.approx(left / data)
        assert told.wait_us == (code.block - 1) * 1000


def test_the_chosen_code_is_compared_with_weaker_and_stronger_ones() -> None:
    found = codes(Code(20, 23))
    assert Code(20, 23) in found
    assert found[0].added_ratio < 0.15 < found[-1].added_ratio
    assert list(found) == sorted(found, key=lambda code: code.added_ratio)


def fec_run(plain_lost: int, left: int, bursts: tuple[tuple[int, int], ...] = ()) -> FecRun:
    plain = DatagramCounts(1000, 1000 - plain_lost, bursts=bursts)
    coded = DatagramCounts(1200, 1200 - plain_lost, bursts=bursts)
    return FecRun(
        t=1, ended_ns=1, target="t", address="a", port=1, direction="up", needed=10, block=12, paced_bps=5_000_000,
        payload_bytes=1200, plain_us=2_000_000, plain=plain, coded=coded, sources=1000,
        arrived=1000 - plain_lost, restored=plain_lost - left, wait_max_us=40_000 if plain_lost else None,
        pattern=(500, plain_lost, 500 - plain_lost),
    )  # fmt: skip


def test_what_it_buys_and_costs_is_one_sentence() -> None:
    run = fec_run(12, 1, ((1, 12),))
    assert residual_ratio(run) == 0.001
    assert str(conclusion(run)) == "20% more bytes turn 1.2% loss into 0.10% (n 1000), at up to 40.0 ms more delay."


def test_bursts_longer_than_what_is_added_are_told() -> None:
    assert "Up to 9 datagrams in a row are lost: blocks with 2 added cannot" in str(
        conclusion(fec_run(9, 9, ((9, 1),)))
    )


def test_without_loss_it_buys_nothing() -> None:
    text = str(conclusion(fec_run(0, 0)))
    assert text.startswith("No loss in 2200 datagrams")
    assert "buy nothing" in text


def test_a_burst_defeats_every_code_that_is_shorter() -> None:
    told = {one.code: one.residual_ratio for one in predictions(fec_run(8, 8, ((8, 1),)))}
    assert told[Code(10, 11)] > 0
    assert told[Code(10, 16)] > 0
    assert told[Code(10, 20)] == 0
