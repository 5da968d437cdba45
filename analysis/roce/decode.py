"""From frames to columns of RoCE packets, and counts of everything else."""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from analysis.roce import cm, icrc, opcodes
from analysis.roce.found import Found, located_in, plain
from analysis.roce.frames import Bytes, Flags, Frames, Ints, Small, field, gather
from analysis.roce.locate import ARP, BTH, ICMP, ICRC, OTHER, PAUSE, PFC, ROCE, RUNT, TCP, Located, locate
from analysis.roce.packets import Batch, Packets, Pauses
from analysis.roce.pairs import Pairs
from analysis.roce.traits import ACK_REQ, AETH, EXTENSION, RETH, TRAITS, Traits, rows_of, table

_UNKNOWN: Final = -1
_QP1: Final = 1
_UD_SEND: Final = 0x64
_ACK_REQ_SHIFT: Final = 32 - ACK_REQ.bit_length()
"""From the highest bit of its word in the BTH to the trait."""
_LEAD: Final = table([opcodes.lead_bytes(op) for op in range(256)])
_PFC_BYTES: Final = 20
_PAUSE_BYTES: Final = 4
"""From the opcode of a MAC control frame to the end of what it says."""
_NOT_ROCE: Final = {"tcp": TCP, "icmp": ICMP, "arp": ARP, "other": OTHER}
_NOTHING_ELSE: Final[dict[str, Any]] = {"not_roce": dict.fromkeys(_NOT_ROCE, 0)}


def decode(frames: Frames, pairs: Pairs) -> Batch:
    """Decode a stretch of at least one frame; new host pairs are added to `pairs`."""
    end = frames.start + frames.captured
    found, others = plain(frames, end, pairs), _NOTHING_ELSE
    if found is None:
        located = locate(frames.buffer, frames.start, end, frames.link)
        readable = (located.kind == ROCE) & (located.bth + BTH <= end)
        found = located_in(frames, located, np.flatnonzero(readable), end, pairs)
        others = _others(frames, located, end, readable)
    packets = _packets(frames, found)
    t = frames.t_ns
    return Batch(
        packets=packets,
        frames=len(frames),
        wire_bytes=int(frames.length.sum()),
        cut=int(np.count_nonzero(frames.captured < frames.length)),
        t_min_ns=int(t.min()),
        t_max_ns=int(t.max()),
        backward=int(np.count_nonzero(t[1:] < t[:-1])) + _went_back(frames),
        connects=_connects(frames.buffer, packets, found),
        **others,
    )


def _others(frames: Frames, located: Located, end: Ints, readable: Flags) -> dict[str, Any]:
    """Return what there is besides packets that can be read."""
    kinds = np.bincount(located.kind, minlength=8).tolist()
    tagged = located.pcp[located.pcp >= 0]
    return {
        "blind": kinds[ROCE] - int(np.count_nonzero(readable)),
        "fragments": int(np.count_nonzero(located.fragment & readable)),
        "runts": kinds[RUNT],
        "not_roce": {name: kinds[kind] for name, kind in _NOT_ROCE.items()},
        "pcp": tuple(np.bincount(tagged, minlength=8).tolist()),
        "pauses": _pauses(frames, located, end) if kinds[PFC] or kinds[PAUSE] else None,
    }


def _went_back(frames: Frames) -> int:
    return int(frames.t_before_ns is not None and frames.t_ns[0] < frames.t_before_ns)


def _packets(frames: Frames, found: Found) -> Packets:
    opcode = found.opcode
    traits = TRAITS.take(opcode)
    traits |= (found.word >> _ACK_REQ_SHIFT & ACK_REQ).view(np.int32)
    syndrome, dma_bytes = _extensions(frames.buffer, found, traits)
    payload = found.stop - found.bth
    payload -= (found.flags >> 4 & 3) + (traits >> EXTENSION) + (BTH + ICRC)
    return Packets(
        number=np.arange(frames.first_number, frames.first_number + len(frames))[found.rows],
        t_ns=frames.t_ns[found.rows],
        length=frames.length[found.rows].astype(np.uint32),
        pair=found.pair.astype(np.int32),
        opcode=opcode,
        qpn=found.qpn,
        psn=(found.word & 0xFFFFFF).view(np.int32),
        traits=traits,
        payload=np.maximum(payload, 0).astype(np.int32),
        dma_bytes=dma_bytes,
        syndrome=syndrome,
        tos=found.tos,
        icrc=_icrc(frames.buffer, found),
    )


def _extensions(buffer: Bytes, found: Found, traits: Traits) -> tuple[Small, Ints]:
    """Return AETH syndrome and RETH DMA length where the packet has them and they were captured."""
    n = len(traits)
    syndrome, dma_bytes = np.full(n, _UNKNOWN, np.int16), np.full(n, _UNKNOWN, np.int64)
    rows, at = _placed(rows_of(traits, AETH), found, 4)
    syndrome[rows] = buffer[at]
    rows, at = _placed(rows_of(traits, RETH), found, 16)
    dma_bytes[rows] = field(gather(buffer, at + 12, 4), 0, ">u4")
    return syndrome, dma_bytes


def _placed(rows: Ints, found: Found, size: int) -> tuple[Ints, Ints]:
    """Return those rows that hold `size` bytes of a header after those of the transport, and where it begins."""
    at = found.bth[rows] + BTH + _LEAD[found.opcode[rows]]
    there = at <= np.minimum(found.end[rows], found.stop[rows]) - size
    return (rows, at) if there.all() else (rows[there], at[there])


def _icrc(buffer: Bytes, found: Found) -> NDArray[np.uint8]:
    state = np.full(len(found.bth), icrc.UNCHECKED, np.uint8)
    rows = np.flatnonzero(found.checked)
    if len(rows):
        right = icrc.check(buffer, found.l3[rows], found.bth[rows], found.stop[rows], found.version[rows])
        state[rows] = np.where(right, icrc.GOOD, icrc.BAD)
    return state


def _connects(buffer: Bytes, packets: Packets, found: Found) -> tuple[cm.Connect, ...]:
    rows = np.flatnonzero((packets.opcode == _UD_SEND) & (packets.qpn == _QP1) & (packets.icrc != icrc.BAD))
    connects = []
    for row in rows.tolist():
        message = buffer[found.bth[row] : found.end[row]].tobytes()
        connect = cm.parse(message, int(packets.pair[row]), int(packets.number[row]))
        if connect is not None:
            connects.append(connect)
    return tuple(connects)


def _pauses(frames: Frames, located: Located, end: Ints) -> Pauses:
    """Return the frames that hold all that their kind has to say."""
    priorities = located.kind == PFC
    whole = located.l3 + np.where(priorities, _PFC_BYTES, _PAUSE_BYTES) <= end
    rows = np.flatnonzero((priorities | (located.kind == PAUSE)) & whole)
    at = located.l3[rows]
    asker = field(gather(frames.buffer, at - 8, 8), 0, ">u8") >> 16
    words = gather(frames.buffer, at + 2, 18).view(">u2").astype(np.int64)
    classes = np.where(priorities[rows], words[:, 0] & 0xFF, -1)
    return Pauses(frames.t_ns[rows], asker, classes, words[:, 1:])
