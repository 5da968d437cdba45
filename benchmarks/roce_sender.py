"""Sends RoCE packets out of an interface at a steady rate: `python -m benchmarks.roce_sender INTERFACE PPS SECONDS`.

64 QPs write in turn, PSNs rise, every 32nd packet is an ACK of the QP before. Prints "ready", then what it sent.
"""

import ctypes
import socket
import struct
import sys
import time
import zlib
from typing import Final

import numpy as np

QPS: Final = 64
EVERY: Final = 32
SIZE: Final = 256
BATCH: Final = 64
_BYPASS: Final = 20
_PSN: Final = 14 + 20 + 8 + 9


class IoVec(ctypes.Structure):
    _fields_ = [("base", ctypes.c_void_p), ("length", ctypes.c_size_t)]


class Message(ctypes.Structure):
    """struct mmsghdr"""

    _fields_ = [
        ("name", ctypes.c_void_p),
        ("name_length", ctypes.c_uint),
        ("vectors", ctypes.c_void_p),
        ("count", ctypes.c_size_t),
        ("control", ctypes.c_void_p),
        ("control_length", ctypes.c_size_t),
        ("flags", ctypes.c_int),
        ("padding", ctypes.c_uint),
        ("sent", ctypes.c_uint),
        ("padding2", ctypes.c_uint),
    ]


def packet(qp: int, size: int, *, wants_ack: bool) -> bytes:
    """A WRITE Only to `qp`, its PSN left open."""
    bth = struct.pack("!BBHII", 0x0A, 0x40, 0xFFFF, 0x100 + qp, wants_ack << 31)
    reth = struct.pack("!QII", 0, 0, size - 74)
    return frame(b"\x0a\0\0\1", b"\x0a\0\0\2", (bth + reth).ljust(size - 42, b"\0"))


def answer(qp: int) -> bytes:
    """An ACK from `qp`, its PSN left open."""
    bth = struct.pack("!BBHII", 0x11, 0x40, 0xFFFF, 0x200 + qp, 0)
    return frame(b"\x0a\0\0\2", b"\x0a\0\0\1", bth + struct.pack("!I", 0x1F << 24) + bytes(4))


def frame(source: bytes, destination: bytes, payload: bytes) -> bytes:
    udp = struct.pack("!HHHH", 0xC000, 4791, 8 + len(payload), 0) + payload
    ip = struct.pack("!BBHHHBBH4s4s", 0x45, 106, 20 + len(udp), 0, 0, 64, 17, 0, source, destination)
    return b"\x02\0\0\0\0\2\x02\0\0\0\0\1\x08\0" + ip + udp


def acked(row: int) -> bool:
    """Say whether the next ACK of this packet's QP comes before the QP's next packet."""
    qp = row % QPS
    return row < qp * EVERY + EVERY - 1 <= row + QPS


class Lot:
    """A cycle of packets in one buffer, sent in batches with rising PSNs."""

    def __init__(self, interface: str) -> None:
        frames = [
            answer(i // EVERY) if i % EVERY == EVERY - 1 else packet(i % QPS, SIZE, wants_ack=acked(i))
            for i in range(QPS * EVERY)
        ]
        self.buffer = np.zeros((len(frames), SIZE), np.uint8)
        for row, one in enumerate(frames):
            self.buffer[row, : len(one)] = np.frombuffer(one, np.uint8)
        self.vectors = (IoVec * len(frames))()
        self.messages = (Message * len(frames))()
        base = self.buffer.ctypes.data
        for row, one in enumerate(frames):
            self.vectors[row] = IoVec(base + row * SIZE, len(one))
            self.messages[row].vectors = ctypes.addressof(self.vectors) + row * ctypes.sizeof(IoVec)
            self.messages[row].count = 1
        rows = np.arange(len(frames))
        self.data = rows % EVERY != EVERY - 1
        self.qp = np.where(self.data, rows % QPS, rows // EVERY)
        self.psn = np.arange(QPS) * 100_003
        self.seed = {row: seed(frames[row]) for row in np.flatnonzero(~self.data).tolist()}
        self.at = 0
        self.send = ctypes.CDLL(None, use_errno=True).sendmmsg
        self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        self.socket.setsockopt(263, _BYPASS, 1)
        self.socket.setsockopt(socket.SOL_SOCKET, 32, 16 << 20)
        self.socket.bind((interface, 0))

    def go(self, count: int) -> int:
        """Send up to `count` packets, at most one batch."""
        count = min(count, BATCH, len(self.buffer) - self.at)
        self._number(slice(self.at, self.at + count))
        first = ctypes.addressof(self.messages) + self.at * ctypes.sizeof(Message)
        sent = int(self.send(self.socket.fileno(), ctypes.c_void_p(first), count, 0))
        if sent < count:
            raise OSError(ctypes.get_errno(), f"sent {sent} of {count}")
        self.at = (self.at + count) % len(self.buffer)
        return count

    def _number(self, rows: slice) -> None:
        """Give each packet the next PSN of its QP; an ACK names the newest of its own."""
        qp, data = self.qp[rows], self.data[rows]
        before = self.psn[qp]
        self.psn[qp[data]] += 1
        psn = np.where(data, before, 0)
        for row in np.flatnonzero(~data).tolist():
            psn[row] = before[row] + np.count_nonzero(qp[:row][data[:row]] == qp[row]) - 1
        words = (psn & 0xFFFFFF).astype(">u4").view(np.uint8).reshape(-1, 4)
        self.buffer[rows, _PSN : _PSN + 3] = words[:, 1:]
        for row in (np.flatnonzero(~data) + rows.start).tolist():
            icrc = zlib.crc32(self.buffer[row, _PSN - 1 : _PSN + 7].tobytes(), self.seed[row])
            self.buffer[row, _PSN + 7 : _PSN + 11] = np.frombuffer(struct.pack("<I", icrc), np.uint8)


def seed(ack: bytes) -> int:
    """The invariant CRC up to the PSN: what routers may change counts as ones."""
    ip, udp, bth = bytearray(ack[14:34]), bytearray(ack[34:42]), bytearray(ack[42 : _PSN - 1])
    ip[1] = ip[8] = ip[10] = ip[11] = udp[6] = udp[7] = bth[4] = 0xFF
    return zlib.crc32(b"\xff" * 8 + ip + udp + bth)


def main(interface: str, pps: float, seconds: float) -> None:
    lot = Lot(interface)
    print("ready", flush=True)
    begun, sent = time.perf_counter(), 0
    while (now := time.perf_counter() - begun) < seconds:
        due = int(now * pps) - sent
        if due > 0:
            sent += lot.go(due)
    print(sent, flush=True)


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]), float(sys.argv[3]))
