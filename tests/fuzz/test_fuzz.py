"""A short run of the fuzzer with every suite; longer ones by hand."""

import random

from tests.fuzz.fuzz_pcap import corpus, mutated, one


def test_broken_captures_break_nothing() -> None:
    seeds, dice = [data[:6000] for data in corpus()], random.Random(20)
    for _ in range(30):
        one(mutated(dice, seeds), dice.choice((64, 1000)), dice)
