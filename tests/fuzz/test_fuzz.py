"""A short run of the fuzzers with every suite; longer ones by hand."""

import random

import pytest

from tests.fuzz import fuzz_keys
from tests.fuzz.fuzz_pcap import corpus, mutated, one


def test_broken_captures_break_nothing() -> None:
    seeds, dice = [data[:6000] for data in corpus()], random.Random(20)
    for _ in range(30):
        one(mutated(dice, seeds), dice.choice((64, 1000)), dice)


@pytest.mark.parametrize("seed", [0, 3])
async def test_no_keys_end_the_program_but_those_that_should(seed: int) -> None:
    with fuzz_keys.elsewhere():
        await fuzz_keys.one(random.Random(seed), [])
