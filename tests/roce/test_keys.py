"""Small numbers for wide keys: exact for every key, and bounded."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.roce.keys import KeyTable

MANY, LIMIT = 0, 50


def limited() -> KeyTable:
    """Return a table that tells `LIMIT` keys apart."""
    told: list[tuple[int, ...]] = []

    def new(key: tuple[int, ...]) -> int:
        if len(told) == LIMIT:
            return MANY
        told.append(key)
        return len(told)

    return KeyTable(2, new, MANY)


words = st.one_of(st.integers(0, 9), st.integers(0, (1 << 64) - 1))
keys = st.lists(st.tuples(words, words), max_size=200)


def looked_up(table: KeyTable, some: list[tuple[int, int]]) -> list[int]:
    return table.lookup([np.array([key[i] for key in some], np.uint64) for i in range(2)]).tolist()


@settings(max_examples=100, deadline=None)
@given(keys, keys)
def test_each_key_has_a_number_of_its_own_and_those_beyond_the_limit_share_one(
    first: list[tuple[int, int]], then: list[tuple[int, int]]
) -> None:
    table, seen = limited(), {}
    for some in (first, then):
        ids = looked_up(table, some)
        for key, one in zip(some, ids, strict=True):
            assert seen.setdefault(key, one) == one
    told = [one for one in seen.values() if one != MANY]
    assert len(told) == len(set(told)) == min(len(seen), LIMIT)


def test_keys_beyond_the_limit_take_no_memory() -> None:
    table = limited()
    for begin in range(0, 1000, 100):
        looked_up(table, [(begin + i, i) for i in range(100)])
    assert len(table) == LIMIT
