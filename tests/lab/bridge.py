"""A cable with delay, jitter and loss: an AF_PACKET bridge between two veths, for TCP (netem may be absent).

usage: python -m tests.lab.bridge '{"left": "va", "right": "vb", "delay_ms": 20}'
"""

import ctypes
import fcntl
import heapq
import os
import random
import select
import socket
import struct
import sys
import time

import msgspec

PR_SET_TIMERSLACK = 29
SOL_PACKET, PACKET_IGNORE_OUTGOING = 263, 23
SO_RCVBUFFORCE = 33
ETH_P_ALL = 3
SIOCETHTOOL = 0x8946
OFFLOADS = {"tso": 0x1F, "gso": 0x24, "gro": 0x2C, "sg": 0x19, "tx checksum": 0x17}


class Cable(msgspec.Struct, frozen=True):
    """One-way delay, jitter and loss of both directions alike."""

    left: str
    right: str
    delay_ms: float = 0.0
    jitter_ms: float = 0.0
    loss: float = 0.0
    seed: int = 7
    realtime: bool = False


def offloads_off(interface: str) -> None:
    """Turn offloads off: frames with partial checksums do not survive being copied. Use it on the outer ends."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        for command in OFFLOADS.values():
            value = ctypes.create_string_buffer(struct.pack("II", command, 0))
            fcntl.ioctl(sock, SIOCETHTOOL, struct.pack("16sP", interface.encode(), ctypes.addressof(value)))


def _port(interface: str) -> socket.socket:
    sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    sock.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 32 << 20)
    sock.setsockopt(SOL_PACKET, PACKET_IGNORE_OUTGOING, 1)
    sock.bind((interface, ETH_P_ALL))
    sock.setblocking(False)
    return sock


def serve(cable: Cable) -> None:
    """Forward until killed."""
    ctypes.CDLL(None).prctl(PR_SET_TIMERSLACK, 1, 0, 0, 0)
    if cable.realtime:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(10))
    left, right = _port(cable.left), _port(cable.right)
    other = {left: right, right: left}
    print("ready", flush=True)
    chance, now = random.Random(cable.seed), time.monotonic_ns
    waiting: list[tuple[int, int, socket.socket, bytes]] = []
    count = 0
    while True:
        while waiting and waiting[0][0] <= now():
            _due, _count, out, frame = heapq.heappop(waiting)
            try:
                out.send(frame)
            except OSError:
                continue  # a link that is down or a frame too long: lost, as on a cable
        pause = (waiting[0][0] - now()) / 1e9 if waiting else 1.0
        for sock in select.select([left, right], [], [], max(0.0, pause))[0]:
            for frame in frames(sock):
                if chance.random() >= cable.loss:
                    count += 1
                    hold_ms = cable.delay_ms + chance.uniform(-cable.jitter_ms, cable.jitter_ms)
                    heapq.heappush(waiting, (now() + int(hold_ms * 1e6), count, other[sock], frame))


def frames(sock: socket.socket) -> list[bytes]:
    """Return what is waiting, at most 64 frames of it."""
    found: list[bytes] = []
    for _ in range(64):
        try:
            found.append(sock.recv(65535))
        except OSError:
            break
    return found


if __name__ == "__main__":
    serve(msgspec.json.decode(sys.argv[1], type=Cable))
