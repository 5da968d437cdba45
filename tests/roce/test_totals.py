"""Counts over all packets are those of going packet by packet, whatever most of them are."""

from collections import Counter
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.roce import icrc
from analysis.roce.packets import Packets
from analysis.roce.totals import Tally

WRITE_MIDDLE, ACK, XRC_ACK = 0x07, 0x11, 0xB1
CE = 3

packet = st.tuples(
    st.sampled_from([WRITE_MIDDLE, WRITE_MIDDLE, ACK, XRC_ACK, 0x00, 0xFF]),
    st.one_of(st.sampled_from([0, 62, 1086]), st.integers(0, (1 << 32) - 1)),
    st.sampled_from([-1, 0, 106, 106, 106 | CE, 255]),
    st.sampled_from([icrc.GOOD, icrc.BAD, icrc.UNCHECKED]),
    st.sampled_from([-1, 0, 31, 0x60, 255]),
)


def columns(rows: list[tuple[int, int, int, int, int]]) -> Packets:
    opcode, length, tos, state, syndrome = (list(column) for column in zip(*rows, strict=True)) if rows else [[]] * 5
    zeros: Any = np.zeros(len(rows), np.int32)
    return Packets(
        number=zeros.astype(np.int64),
        t_ns=zeros.astype(np.int64),
        length=np.array(length, np.uint32),
        pair=zeros,
        opcode=np.array(opcode, np.uint8),
        qpn=np.arange(len(rows), dtype=np.int32),
        psn=zeros,
        traits=zeros,
        payload=zeros,
        dma_bytes=zeros.astype(np.int64),
        syndrome=np.array(syndrome, np.int16),
        tos=np.array(tos, np.int16),
        icrc=np.array(state, np.uint8),
    )


@settings(max_examples=200, deadline=None)
@given(st.lists(packet, max_size=150))
def test_a_tally_counts_every_packet(rows: list[tuple[int, int, int, int, int]]) -> None:
    told = Tally.of(columns(rows))
    opcodes: Counter[int] = Counter()
    for opcode, length, *_ in rows:
        opcodes[opcode] += length
    syndromes = [Counter(s for op, *_, s in rows if s >= 0 and (op == XRC_ACK) == xrc) for xrc in (False, True)]
    assert {op: n for op, n in enumerate(told.opcode_packets.tolist()) if n} == Counter(op for op, *_ in rows)
    assert told.opcode_bytes.tolist() == [opcodes[op] for op in range(256)]
    assert told.tos.tolist() == [sum(tos == one for _, _, tos, *_ in rows) for one in range(256)]
    ce = [op for op, _, tos, *_ in rows if tos >= 0 and tos & 3 == CE]
    assert told.ce_by_opcode.tolist() == [ce.count(op) for op in range(256)]
    assert told.icrc.tolist() == [sum(state == one for *_, state, _ in rows) for one in range(3)]
    assert told.syndromes.tolist() == [[counted[one] for one in range(256)] for counted in syndromes]
    assert told.bad_qps == [qpn for qpn, row in enumerate(rows) if row[3] == icrc.BAD]
