"""What a stretch of a capture decodes to: columns of RoCE packets, and counts of everything else."""

import msgspec
import numpy as np
from numpy.typing import NDArray

from analysis.roce.cm import Connect
from analysis.roce.frames import Flags, Ints, Narrow, Small
from analysis.roce.traits import Traits


class Packets(msgspec.Struct, frozen=True):
    """RoCE packets whose BTH was captured, in the order of the capture; parallel columns."""

    number: Ints
    """Frame number in the capture."""
    t_ns: Ints
    length: NDArray[np.uint32]
    """Bytes of the whole frame on the wire."""
    pair: Narrow
    """Host pair, see `Pairs`."""
    opcode: NDArray[np.uint8]
    qpn: Narrow
    """Destination QP."""
    psn: Narrow
    traits: Traits
    """What the opcode is, and `traits.ACK_REQ` where the packet asks for a response."""
    payload: Narrow
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


class Pauses(msgspec.Struct, frozen=True):
    """MAC control frames, in the order of the capture; parallel columns."""

    t_ns: Ints
    asker: Ints
    """MAC address of the device that wants its neighbour to stop."""
    classes: Ints
    """Bit per priority that a PFC frame (802.1Qbb) speaks of; -1 in a pause of the whole link (802.3x)."""
    quanta: Ints
    """Pause time of each priority in 512 bit times, shape (n, 8); 0 resumes. Means nothing in a pause of the link."""


class Batch(msgspec.Struct, frozen=True):
    """What a stretch of a capture held. Packets whose frames are counted elsewhere are a batch without the rest."""

    packets: Packets
    frames: int = 0
    wire_bytes: int = 0
    cut: int = 0
    """Frames that the snap length cut."""
    t_min_ns: int = 0
    t_max_ns: int = 0
    backward: int = 0
    """Times that went back, from the frame before the stretch on."""
    blind: int = 0
    """RoCE packets cut before the end of the BTH: counted, but nothing more is known of them."""
    fragments: int = 0
    """First fragments of split IP packets: their ICRC cannot be checked."""
    runts: int = 0
    not_roce: dict[str, int] = {}
    pcp: tuple[int, ...] = (0,) * 8
    """VLAN-tagged frames by priority."""
    pauses: Pauses | None = None
    connects: tuple[Connect, ...] = ()
