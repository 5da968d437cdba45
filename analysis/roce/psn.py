"""Packet sequence numbers: arithmetic modulo 2^24 (IBTA Vol 1 §9.7.2)."""

from typing import Final

MODULUS: Final = 1 << 24
HALF: Final = 1 << 23
MTUS: Final = (256, 512, 1024, 2048, 4096)
"""Path MTUs that InfiniBand allows, in payload bytes."""


def distance(psn: int, expected: int) -> int:
    """Return the signed way from `expected` to `psn`, in -2^23 .. 2^23 - 1 (rxe_verbs.h psn_compare)."""
    return (psn - expected + HALF) % MODULUS - HALF


def advance(psn: int, count: int) -> int:
    """Return the PSN `count` packets after `psn`."""
    return (psn + count) % MODULUS


def read_span(dma_bytes: int, pmtu: int) -> int:
    """Return how many PSNs an RDMA READ of `dma_bytes` takes: one for each response packet, at least one."""
    return max(1, -(-dma_bytes // pmtu))
