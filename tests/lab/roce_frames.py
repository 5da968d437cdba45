"""RoCE frames as bytes, and conversations of them. Written against the specification, not the code under test."""

import ipaddress
import struct
import zlib
from dataclasses import dataclass
from typing import Any

import numpy as np
from hypothesis import strategies as st

from analysis.roce.frames import GUARD, Frames

WRITE_ONLY, WRITE_FIRST, ACK, CNP, READ_REQUEST = 0x0A, 0x06, 0x11, 0x81, 0x0C
A, B = "10.0.0.1", "10.0.0.2"
NAK, RNR = 0x60, 0x21
HOST_A, HOST_B = b"\x02\0\0\0\0\1", b"\x02\0\0\0\0\2"


def bth(opcode: int, qpn: int, psn: int, ack_req: bool = False) -> bytes:
    return struct.pack("!BBHII", opcode, 0x40, 0xFFFF, qpn, ack_req << 31 | psn & 0xFFFFFF)


def packet(
    opcode: int,
    qpn: int,
    psn: int,
    *,
    ack_req: bool = False,
    more: bytes = b"",
    src: str = A,
    dst: str = B,
    tos: int = 106,
) -> bytes:
    """An Ethernet frame with a right ICRC; `more` is all between BTH and ICRC."""
    source, destination = ipaddress.ip_address(src).packed, ipaddress.ip_address(dst).packed
    body = bth(opcode, qpn, psn, ack_req) + more
    length = len(body) + 4 + 8
    udp = struct.pack("!HHHH", 0xC001, 4791, length, 0)
    if len(source) == 4:
        ip = struct.pack("!BBHHHBBH4s4s", 0x45, tos, 20 + length, 0, 0x4000, 64, 17, 0, source, destination)
        masked = bytes([0x45, 0xFF]) + ip[2:8] + b"\xff\x11\xff\xff" + ip[12:]
        kind = 0x0800
    else:
        ip = struct.pack("!IHBB", 6 << 28 | tos << 20, length, 17, 64) + source + destination
        masked = b"\x6f\xff\xff\xff" + ip[4:7] + b"\xff" + ip[8:]
        kind = 0x86DD
    covered = b"\xff" * 8 + masked + udp[:6] + b"\xff\xff" + body[:4] + b"\xff" + body[5:]
    icrc = struct.pack("<I", zlib.crc32(covered))
    return HOST_B + HOST_A + struct.pack("!H", kind) + ip + udp + body + icrc


def write(qpn: int, psn: int, size: int = 64, *, ack_req: bool = False, **way: Any) -> bytes:
    more = struct.pack("!QII", 0, 0, size) + bytes(size)
    return packet(WRITE_ONLY, qpn, psn, ack_req=ack_req, more=more, **way)


def answer(qpn: int, psn: int, syndrome: int = 0x1F, **way: Any) -> bytes:
    return packet(ACK, qpn, psn, more=struct.pack("!I", syndrome << 24), **({"src": B, "dst": A} | way))


def cnp(qpn: int) -> bytes:
    return packet(CNP, qpn, 0, more=bytes(16), src=B, dst=A, tos=194)


def tagged(frame: bytes, *tags: int, kind: int = 0x8100) -> bytes:
    return frame[:12] + b"".join(struct.pack("!HH", kind, tag) for tag in tags) + frame[12:]


def rocev1(qpn: int, psn: int) -> bytes:
    body = bth(WRITE_ONLY, qpn, psn) + struct.pack("!QII", 0, 0, 8) + bytes(8) + bytes(4)
    grh = struct.pack("!IHBB", 6 << 28, len(body), 0x1B, 64) + bytes(15) + b"\1" + bytes(15) + b"\2"
    return HOST_B + HOST_A + b"\x89\x15" + grh + body


def pfc(priority: int, quanta: int) -> bytes:
    times = [quanta if i == priority else 0 for i in range(8)]
    frame = b"\x01\x80\xc2\0\0\1" + HOST_A + struct.pack("!HHH8H", 0x8808, 0x0101, 1 << priority, *times)
    return frame.ljust(60, b"\0")


@dataclass(frozen=True)
class Conversation:
    """Requests to one QP with these PSNs in this order, answered or not."""

    qpn: int = 0x11
    psns: tuple[int, ...] = ()
    acked: bool = False
    naks: frozenset[int] = frozenset()
    """Positions after which a NAK of that PSN comes back."""
    ce: frozenset[int] = frozenset()
    t_offset_ns: int = 0

    def frames(self) -> list[tuple[int, bytes]]:
        rows = []
        for i, psn in enumerate(self.psns):
            t = i * 50_000_000 + self.t_offset_ns
            rows.append((t, write(self.qpn, psn, ack_req=self.acked, tos=107 if i in self.ce else 106)))
            if i in self.naks:
                rows.append((t + 20_000, answer(self.qpn + 0x100, psn, NAK if i % 2 else RNR)))
            elif self.acked:
                rows.append((t + 10_000 + i, answer(self.qpn + 0x100, psn)))
            if i in self.ce and i % 3 == 0:
                rows.append((t + 30_000, cnp(self.qpn + 0x100)))
        return rows


@st.composite
def conversations(draw: st.DrawFn) -> tuple[Conversation, ...]:
    """Draw up to four conversations with losses, rewinds, repeats, NAKs and congestion marks."""
    few = st.frozensets(st.integers(0, 40), max_size=4)
    talks = []
    for i in range(draw(st.integers(1, 4))):
        psn, psns = draw(st.sampled_from([0, 77, 0xFFFFF8])), list[int]()
        for step in draw(st.lists(st.sampled_from([1] * 12 + [2, 4, -1, -3, 0]), min_size=1, max_size=40)):
            psns.append(psn)
            psn = psn + step & 0xFFFFFF
        talks.append(Conversation(0x11 + i, tuple(psns), draw(st.booleans()), draw(few), draw(few), i * 1000))
    return tuple(talks)


def frames_of(talks: tuple[Conversation, ...], snap: int = 128) -> Frames:
    """Return conversations as columns, in time order."""
    rows = sorted(row for talk in talks for row in talk.frames())
    times, data = zip(*rows, strict=True)
    captured = [frame[:snap] for frame in data]
    starts = np.cumsum([0, *map(len, captured)])[:-1]
    buffer = np.frombuffer(b"".join(captured) + bytes(GUARD), np.uint8)
    lengths = (np.array([len(frame) for frame in some], np.int64) for some in (captured, data))
    return Frames(buffer, starts.astype(np.int64), *lengths, np.array(times, np.int64), 1)
