"""The invariant CRC of RoCE packets (IBTA Vol 1 §7.8.1, RoCEv2 Annex A17.3.3; drivers/infiniband/sw/rxe/rxe_icrc.c).

CRC-32 over eight bytes of ones, the network headers with what routers may change set to ones, and all that follows.
"""

import zlib
from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from analysis.roce.frames import Bytes, Flags, Ints, distinct, field, gather

GOOD, BAD, UNCHECKED = 0, 1, 2

_SEED: Final = zlib.crc32(b"\xff" * 8)
_SHORT: Final = 112
"""Up to this length packets of one size are summed together by table, above it zlib is faster."""
_MANY: Final = 24
_BTH: Final = 12
_IP4_MASK: Final = (slice(1, 2), slice(8, 9), slice(10, 12))
_IP6_MASK: Final = (slice(1, 4), slice(7, 8))
"""Bytes of an IP header that routers may change."""


def check(buffer: Bytes, l3: Ints, bth: Ints, stop: Ints, version: Ints) -> Flags:
    """Return whether each ICRC is right, shape (n,). Packets must be captured whole and hold BTH and ICRC."""
    right = np.zeros(len(l3), np.bool_)
    shape = (stop - l3) << 16 | (bth - l3) << 8 | version
    for one in distinct(shape).tolist():
        rows = np.flatnonzero(shape == one)
        size, head = (one >> 16) - 4, one >> 8 & 0xFF
        # The CRC is kept little-endian, unlike everything else in the packet.
        told = field(gather(buffer, stop[rows] - 4, 4), 0, "<u4")
        if size <= _SHORT and len(rows) >= _MANY:
            summed = _by_table(_masked(buffer, l3[rows], size, head, one & 0xFF))
        else:
            summed = _by_zlib(buffer, l3[rows], size, _masked(buffer, l3[rows], head + _BTH, head, one & 0xFF))
        right[rows] = summed == told
    return right


def _masked(buffer: Bytes, l3: Ints, width: int, bth: int, version: int) -> Bytes:
    """Return the first `width` bytes of each packet with the variant fields set to ones."""
    rows = gather(buffer, l3, width)
    for variant in _IP4_MASK if version == 4 else _IP6_MASK:
        rows[:, variant] = 0xFF
    if version != 4:
        rows[:, 0] |= 0x0F
    if version != 1:
        rows[:, bth - 2 : bth] = 0xFF
    rows[:, bth + 4] = 0xFF
    return rows


def _by_zlib(buffer: Bytes, l3: Ints, size: int, heads: Bytes) -> Ints:
    data, width = buffer.data, heads.shape[1]
    crc, joined = zlib.crc32, heads.tobytes()
    sums = [
        crc(data[at + width : at + size], crc(joined[i : i + width], _SEED))
        for i, at in zip(range(0, len(joined), width), l3.tolist(), strict=True)
    ]
    return np.array(sums, np.int64)


def _by_table(rows: Bytes) -> Ints:
    """CRC is linear: the sum of what each byte adds at its distance from the end, one table per distance."""
    size = rows.shape[1]
    state, zero = _SEED ^ 0xFFFFFFFF, _tables()[0].tolist()
    for _ in range(size):
        state = state >> 8 ^ zero[state & 0xFF]
    columns = np.ascontiguousarray(rows.T)
    same = (columns == columns[:, :1]).all(axis=1)
    total = np.zeros(len(rows), np.uint32)
    for table, column, alike in zip(_tables()[size - 1 :: -1], columns, same.tolist(), strict=True):
        if alike:
            state ^= int(table[column[0]])
        else:
            total ^= table.take(column)
    return (~(total ^ np.uint32(state))).astype(np.int64)


@cache
def _tables() -> list[NDArray[np.uint32]]:
    """What a byte adds to the CRC with 0, 1, 2 … zero bytes behind it."""
    table = np.arange(256, dtype=np.uint32)
    for _ in range(8):
        table = np.where(table & 1, table >> np.uint32(1) ^ np.uint32(0xEDB88320), table >> np.uint32(1))
    tables = [table]
    for _ in range(_SHORT):
        last = tables[-1]
        tables.append(last >> np.uint32(8) ^ table[last & np.uint32(0xFF)])
    return tables
