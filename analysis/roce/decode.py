"""From frames to columns of RoCE packets, and counts of everything else."""

from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from analysis.roce import cm, icrc, opcodes
from analysis.roce.frames import Bytes, Flags, Frames, Ints, Small, field, gather
from analysis.roce.locate import (
    ARP,
    ICMP,
    OTHER,
    PAUSE,
    PFC,
    PLAIN_ADDRESSES,
    PLAIN_BTH,
    ROCE,
    RUNT,
    TCP,
    Located,
    locate,
)
from analysis.roce.pairs import Pairs
from analysis.roce.traits import ACK_REQ, AETH, EXTENSION, RETH, TRAITS, Traits, rows_of, table

_BTH, _ICRC = 12, 4
_UNKNOWN: Final = -1
_QP1: Final = 1
_UD_SEND: Final = 0x64

_LEAD: Final = table([opcodes.lead_bytes(op) for op in range(256)])


class Packets(msgspec.Struct, frozen=True):
    """RoCE packets whose BTH was captured, in the order of the capture; parallel columns."""

    number: Ints
    """Frame number in the capture."""
    t_ns: Ints
    length: Ints
    """Bytes of the whole frame on the wire."""
    pair: Ints
    """Host pair, see `Pairs`."""
    opcode: NDArray[np.uint8]
    qpn: Ints
    """Destination QP."""
    psn: Ints
    traits: Traits
    """What the opcode is, and `traits.ACK_REQ` where the packet asks for a response."""
    payload: Ints
    """Bytes of message data by the packet's own headers."""
    dma_bytes: Ints
    """RETH DMA length; -1 without RETH or where it was cut off."""
    syndrome: Small
    """AETH syndrome; -1 without AETH or where it was cut off."""
    tos: Small
    """IP traffic class (DSCP and ECN); -1 in RoCEv1."""
    icrc: NDArray[np.uint8]
    """`icrc.GOOD`, `BAD` or `UNCHECKED`."""

    def __len__(self) -> int:
        return len(self.number)

    def where(self, wanted: Flags | Ints | slice) -> "Packets":
        """Return some of the packets: by mask, by index or by slice."""
        return Packets(*(getattr(self, name)[wanted] for name in self.__struct_fields__))


def joined(one: Packets, two: Packets) -> Packets:
    """Return two stretches of packets as one."""
    return Packets(*(np.concatenate([getattr(one, n), getattr(two, n)]) for n in Packets.__struct_fields__))


class Pause(msgspec.Struct, frozen=True):
    """One MAC control frame: PFC (802.1Qbb) or, with `classes` None, a pause of the whole link (802.3x)."""

    t_ns: int
    asker: str
    """MAC address of the device that wants its neighbour to stop."""
    classes: int | None
    """Bit per priority that the frame speaks of."""
    quanta: tuple[int, ...]
    """Pause time of each priority (or one, of the link) in 512 bit times; 0 resumes."""


class Batch(msgspec.Struct, frozen=True):
    """What a stretch of a capture held."""

    packets: Packets
    frames: int
    wire_bytes: int
    cut: int
    """Frames that the snap length cut."""
    t_min_ns: int
    t_max_ns: int
    backward: int
    """Times that went back, from the frame before the stretch on."""
    blind: int
    """RoCE packets cut before the end of the BTH: counted, but nothing more is known of them."""
    fragments: int
    """First fragments of split IP packets: their ICRC cannot be checked."""
    runts: int
    not_roce: dict[str, int]
    pcp: Ints
    """VLAN-tagged frames by priority, shape (8,)."""
    pauses: tuple[Pause, ...]
    connects: tuple[cm.Connect, ...]
    first_number: int


def only(packets: Packets) -> Batch:
    """Return a batch of packets whose frames are counted elsewhere."""
    return Batch(packets, 0, 0, 0, 0, 0, 0, 0, 0, 0, {}, np.zeros(8, np.int64), (), (), 0)


def decode(frames: Frames, pairs: Pairs) -> Batch:
    """Decode a stretch of at least one frame; new host pairs are added to `pairs`."""
    end = frames.start + frames.captured
    located = locate(frames.buffer, frames.start, end, frames.link)
    kinds = np.bincount(located.kind, minlength=8).tolist()
    readable = (located.kind == ROCE) & (located.bth + _BTH <= end)
    rows = np.flatnonzero(readable)
    packets, connects = _packets(frames, located, rows, end, pairs)
    t = frames.t_ns
    tagged = located.pcp[located.pcp >= 0]
    return Batch(
        packets=packets,
        frames=len(frames),
        wire_bytes=int(frames.length.sum()),
        cut=int(np.count_nonzero(frames.captured < frames.length)),
        t_min_ns=int(t.min()),
        t_max_ns=int(t.max()),
        backward=int(np.count_nonzero(t[1:] < t[:-1])) + _went_back(frames),
        blind=kinds[ROCE] - len(rows),
        fragments=int(np.count_nonzero(located.fragment & readable)),
        runts=kinds[RUNT],
        not_roce={"tcp": kinds[TCP], "icmp": kinds[ICMP], "arp": kinds[ARP], "other": kinds[OTHER]},
        pcp=np.bincount(tagged, minlength=8),
        pauses=_pauses(frames, located, end) if kinds[PFC] or kinds[PAUSE] else (),
        connects=connects,
        first_number=frames.first_number,
    )


def _went_back(frames: Frames) -> int:
    return int(frames.t_before_ns is not None and frames.t_ns[0] < frames.t_before_ns)


def _packets(
    frames: Frames, located: Located, rows: Ints, end: Ints, pairs: Pairs
) -> tuple[Packets, tuple[cm.Connect, ...]]:
    buffer = frames.buffer
    every = len(rows) == len(frames)
    if not every:
        located, end = located.where(rows), end[rows]
    bth, stop, l3, version = located.bth, located.stop, located.l3, located.version
    head, at = (located.head, PLAIN_BTH) if located.head is not None else (gather(buffer, bth, _BTH), 0)
    opcode = head[:, at].copy()
    traits = TRAITS.take(opcode)
    traits |= np.where(head[:, at + 8] & 0x80, np.int32(ACK_REQ), np.int32(0))
    syndrome, dma_bytes = _extensions(buffer, opcode, traits, bth, np.minimum(end, stop))
    payload = stop - bth
    payload -= (head[:, at + 1] >> 4 & 3) + (traits >> EXTENSION) + (_BTH + _ICRC)
    whole = (stop <= end) & ~located.fragment & located.plain
    packets = Packets(
        number=rows + frames.first_number,
        t_ns=frames.t_ns if every else frames.t_ns[rows],
        length=frames.length if every else frames.length[rows],
        pair=_pair(buffer, l3, version, pairs) if at == 0 else pairs.ids_v4(field(head, PLAIN_ADDRESSES, ">u8")),
        opcode=opcode,
        qpn=field(head, at + 4, ">u4") & 0xFFFFFF,
        psn=field(head, at + 8, ">u4") & 0xFFFFFF,
        traits=traits,
        payload=np.maximum(payload, 0),
        dma_bytes=dma_bytes,
        syndrome=syndrome,
        tos=located.tos.astype(np.int16),
        icrc=_icrc(buffer, l3, bth, stop, version, whole),
    )
    return packets, _connects(buffer, packets, bth, end)


def _pair(buffer: Bytes, l3: Ints, version: Ints, pairs: Pairs) -> Ints:
    four = version == 4
    if four.all():
        return pairs.lookup_v4(buffer, l3 + 12)
    pair = np.empty(len(l3), np.int64)
    pair[four] = pairs.lookup_v4(buffer, l3[four] + 12)
    pair[~four] = pairs.lookup_v6(buffer, l3[~four] + 8)
    return pair


def _extensions(
    buffer: Bytes, opcode: NDArray[np.uint8], traits: Traits, bth: Ints, limit: Ints
) -> tuple[Small, Ints]:
    """Return AETH syndrome and RETH DMA length where the packet has them and they were captured."""
    syndrome, dma_bytes = np.full(len(bth), _UNKNOWN, np.int16), np.full(len(bth), _UNKNOWN, np.int64)
    rows, at = _placed(rows_of(traits, AETH), opcode, bth, limit, 4)
    syndrome[rows] = gather(buffer, at, 1).ravel()
    rows, at = _placed(rows_of(traits, RETH), opcode, bth, limit, 16)
    dma_bytes[rows] = field(gather(buffer, at + 12, 4), 0, ">u4")
    return syndrome, dma_bytes


def _placed(rows: Ints, opcode: NDArray[np.uint8], bth: Ints, limit: Ints, size: int) -> tuple[Ints, Ints]:
    """Return those rows that hold `size` bytes of a header after those of the transport, and where it begins."""
    at = bth[rows] + _BTH + _LEAD[opcode[rows]]
    there = at <= limit[rows] - size
    return (rows, at) if there.all() else (rows[there], at[there])


def _icrc(buffer: Bytes, l3: Ints, bth: Ints, stop: Ints, version: Ints, whole: Flags) -> NDArray[np.uint8]:
    state = np.full(len(bth), icrc.UNCHECKED, np.uint8)
    rows = np.flatnonzero(whole)
    if len(rows):
        right = icrc.check(buffer, l3[rows], bth[rows], stop[rows], version[rows])
        state[rows] = np.where(right, icrc.GOOD, icrc.BAD)
    return state


def _connects(buffer: Bytes, packets: Packets, bth: Ints, limit: Ints) -> tuple[cm.Connect, ...]:
    rows = np.flatnonzero((packets.opcode == _UD_SEND) & (packets.qpn == _QP1) & (packets.icrc != icrc.BAD))
    found = []
    for row in rows.tolist():
        connect = cm.parse(buffer[bth[row] : limit[row]].tobytes(), int(packets.pair[row]), int(packets.number[row]))
        if connect is not None:
            found.append(connect)
    return tuple(found)


def _pauses(frames: Frames, located: Located, end: Ints) -> tuple[Pause, ...]:
    found = []
    for row in np.flatnonzero((located.kind == PFC) | (located.kind == PAUSE)).tolist():
        at, limit = int(located.l3[row]), int(end[row])
        body = frames.buffer[at + 2 : min(limit, at + 20)].tobytes()
        priorities = located.kind[row] == PFC
        asker = frames.buffer[at - 8 : at - 2].tobytes().hex(":")
        if len(body) >= (18 if priorities else 2):
            words = [int.from_bytes(body[i : i + 2], "big") for i in range(0, 18 if priorities else 2, 2)]
            classes, quanta = (words[0] & 0xFF, words[1:]) if priorities else (None, words)
            found.append(Pause(int(frames.t_ns[row]), asker, classes, tuple(quanta)))
    return tuple(found)
