"""A packet ring shared with the kernel (AF_PACKET, TPACKET_V3; Documentation/networking/packet_mmap.rst).

Blocks of packets are copied out whole and given back at once, so the kernel always has room; numpy takes them apart.
"""

import ctypes
import mmap
import socket
import struct
from typing import Final

import numpy as np

from analysis.roce.frames import GUARD, Bytes, Frames, Ints, field, gather
from analysis.roce.locate import ETHERNET
from analysis.text import N_, say
from collectors.base import Unavailable
from collectors.capture.bpf import roce_filter
from collectors.capture.interface import ARP_ETHERNET, ARP_LOOPBACK, hardware_type

_SOL_PACKET: Final = 263
_RX_RING, _STATISTICS, _VERSION, _IGNORE_OUTGOING = 5, 6, 10, 23
_TPACKET_V3: Final = 2
_SO_ATTACH_FILTER, _SO_LOCK_FILTER = 26, 44
_ETH_P_ALL: Final = 3

BLOCK: Final = 1 << 20
BLOCKS: Final = 32
"""32 MiB: half a second of 300,000 packets/s with 128 bytes each."""
RETIRE_MS: Final = 160
"""A block that is not full is handed over after this time: so seldom that a slow line costs little, and that the ring
of such a line outlasts 5 s in which its reader gets no turn."""
_BATCH: Final = 4
"""Full blocks that are taken at once at most. Of a slow line's blocks, which are nearly empty, many are taken: a lot
costs about as much as a packet, and so a box that is slow itself still keeps up."""
_FRAME: Final = 2048
_HEADER: Final = 48
_STATUS, _PACKETS = 8, 12
"""Of a block: who owns it; then its packets, the first one's offset, and the bytes in use."""
_USER: Final = 1
_VLAN_VALID, _TPID_VALID = 1 << 4, 1 << 6
_TAG: Final = 4
_DOT1Q: Final = 0x8100
_RUN: Final = 32
_U32: Final = struct.Struct("=I").unpack_from


class Ring:
    """Captures the RoCE headers of one interface, both directions. Needs CAP_NET_RAW to be made, then nothing."""

    def __init__(self, interface: str, snap: int, blocks: int = BLOCKS, block: int = BLOCK) -> None:
        """Begin to capture. Raises OSError (EPERM, ENODEV) or `Unavailable` where it is no Ethernet interface."""
        kind = hardware_type(interface)
        if kind not in (ARP_ETHERNET, ARP_LOOPBACK):
            raise Unavailable(
                say(N_("{interface} is no Ethernet interface; RoCE needs one."), interface=interface), permanent=True
            )
        self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        try:
            self._attach(roce_filter(snap))
            if kind == ARP_LOOPBACK:  # a packet passes twice there, out and in
                self._socket.setsockopt(_SOL_PACKET, _IGNORE_OUTGOING, 1)
            self._socket.setsockopt(_SOL_PACKET, _VERSION, _TPACKET_V3)
            request = struct.pack("=7I", block, blocks, _FRAME, block * blocks // _FRAME, RETIRE_MS, 0, 0)
            self._socket.setsockopt(_SOL_PACKET, _RX_RING, request)
            self._map = mmap.mmap(self._socket.fileno(), block * blocks)
            self._socket.bind((interface, _ETH_P_ALL))
        except OSError:
            self._socket.close()
            raise
        self._block, self._blocks, self._next = block, blocks, 0
        self._buffer = np.zeros(_BATCH * block + GUARD, np.uint8)
        self._view = self._buffer.data
        self.packets = 0
        """Frames read so far."""

    def _attach(self, program: bytes) -> None:
        code = ctypes.create_string_buffer(program)
        self._socket.setsockopt(
            socket.SOL_SOCKET, _SO_ATTACH_FILTER, struct.pack("@HP", len(program) // 8, ctypes.addressof(code))
        )
        self._socket.setsockopt(socket.SOL_SOCKET, _SO_LOCK_FILTER, 1)

    def fileno(self) -> int:
        """Return the descriptor to poll for readable blocks."""
        return self._socket.fileno()

    def close(self) -> None:
        """End the capture."""
        self._map.close()
        self._socket.close()

    def trouble(self) -> int:
        """Return and clear the socket's error: ENETDOWN when the interface went down or away, else 0."""
        return self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)

    def dropped(self) -> int:
        """Return the packets that the kernel had no room for since the last call."""
        counts = self._socket.getsockopt(_SOL_PACKET, _STATISTICS, 12)
        return int(struct.unpack_from("=III", counts)[1])

    def read(self) -> Frames | None:
        """Return the frames that are there, None where there are none. They are valid until the next call."""
        used, offsets = 0, []
        for _ in range(self._blocks):
            base = self._next * self._block
            if not _U32(self._map, base + _STATUS)[0] & _USER:
                break
            count, first, length = struct.unpack_from("=III", self._map, base + _PACKETS)
            if used + length > _BATCH * self._block:
                break
            if count:
                self._view[used : used + length] = self._map[base : base + length]
                offsets.append(self._offsets(used + first, count))
                used += length
            struct.pack_into("=I", self._map, base + _STATUS, 0)
            self._next = (self._next + 1) % self._blocks
        return self._frames(np.concatenate(offsets)) if offsets else None

    def _offsets(self, start: int, count: int) -> Ints:
        """Follow the chain of packets in a block: as a run while the steps are equal, else one by one."""
        found = np.empty(count, np.int64)
        at, have = start, 0
        while have < count:
            step = _U32(self._view, at)[0]
            run = self._run(at, step, count - have) if count - have > _RUN else 0
            if run > _RUN:
                found[have : have + run] = np.arange(run) * step + at
                at, have = at + step * run, have + run
                continue
            few = []
            for _ in range(min(_RUN, count - have)):
                few.append(at)
                at += _U32(self._view, at)[0]
            found[have : have + len(few)] = few
            have += len(few)
        return found

    def _run(self, at: int, step: int, most: int) -> int:
        """Return how many packets from `at` on follow each other in equal steps."""
        most = min(most, (len(self._buffer) - at - 4) // step)
        steps = np.ndarray((most,), np.uint32, self._buffer, at, (step,))
        other = np.flatnonzero(steps != step)
        return int(other[0]) if len(other) else most

    def _frames(self, at: Ints) -> Frames:
        head = gather(self._buffer, at, _HEADER)
        t_ns = field(head, 4, "=u4") * 1_000_000_000 + field(head, 8, "=u4")
        captured, length = field(head, 12, "=u4"), field(head, 16, "=u4")
        start = at + field(head, 24, "=u2")
        tagged = np.flatnonzero(field(head, 20, "=u4") & _VLAN_VALID)
        if len(tagged):
            _restore_tags(self._buffer, head[tagged], start[tagged])
            start[tagged] -= _TAG
            captured[tagged] += _TAG
            length[tagged] += _TAG
        first = self.packets + 1
        self.packets += len(at)
        return Frames(self._buffer, start, captured, length, t_ns, ETHERNET, first)


def _restore_tags(buffer: Bytes, head: Bytes, start: Ints) -> None:
    """Put back the VLAN tags that the kernel keeps beside the frame, into the padding before it."""
    known = field(head, 20, "=u4") & _TPID_VALID != 0
    kind = np.where(known, field(head, 36, "=u2"), _DOT1Q)
    addresses = gather(buffer, start, 12)
    tags = np.stack([kind, field(head, 32, "=u4") & 0xFFFF], axis=1).astype(">u2").view(np.uint8)
    buffer[(start - _TAG)[:, None] + np.arange(16)] = np.concatenate([addresses, tags], axis=1)
