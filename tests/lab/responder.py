"""The far side of a TUN device: any number of targets, each with its own delay, loss, tricks and fake hops.

`Responder` in the bed starts it as a process of its own: its timing must not depend on the test's interpreter.
"""

import ctypes
import fcntl
import heapq
import ipaddress
import os
import random
import select
import struct
import sys
import time
from collections.abc import Callable, Iterable

import msgspec

from tests.lab import wire
from tests.lab.chance import Dealer

Answers = Callable[[wire.Packet], Iterable[tuple[float, bytes]]]
"""From a packet to (ms after, packet) of everything it brings back."""

TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454CA, 0x0001, 0x1000
PR_SET_TIMERSLACK = 29


class Behaviour(msgspec.Struct, frozen=True, omit_defaults=True):
    """How one target answers. Times are round trips."""

    delay_ms: float = 0.0
    jitter_ms: float = 0.0
    loss: float = 0.0
    lose: tuple[int, ...] = ()
    """Which of its probes are lost, counted from 0."""
    copies: int = 1
    other_ms: float = 0.0
    """Every second reply takes this much longer: more than the interval, and replies overtake each other."""
    reply_from: str | None = None
    silent: bool = False
    unreachable: tuple[int, int] | None = None
    """ICMP (type, code) in place of a reply."""
    unreachable_from: str | None = None
    hops: tuple[str, ...] = ()
    """Routers on the way: each answers a TTL that ends there, after its share of the delay."""
    tcp: str = "silent"
    """"open", "closed" or "silent"."""


class Plan(msgspec.Struct, frozen=True):
    device: str
    targets: dict[str, Behaviour] = {}
    others: Behaviour | None = None
    """How an address that is not named answers; None: not at all."""
    seed: int = 7
    realtime: bool = False
    spin_us: int = 0
    """Wait actively for the last of each delay: exact to some 50 us, at the price of a processor."""


class Lab:
    """Decides what is sent back, and when. Nothing here does I/O."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.counts: dict[str, int] = {}
        self.random = random.Random(plan.seed)
        self.dealer = Dealer(plan.seed)

    def answers(self, packet: wire.Packet) -> list[tuple[float, bytes]]:
        """Return (after ms, packet) for each thing that is sent back."""
        target = packet.target
        how = self.plan.targets.get(target, self.plan.others)
        if how is None:
            return []
        count = self.counts[target] = self.counts.get(target, -1) + 1
        if packet.ttl <= len(how.hops):
            router = ipaddress.ip_address(how.hops[packet.ttl - 1]).packed
            exceeded = 11 if packet.version == 4 else 3
            after_ms = how.delay_ms * packet.ttl / (len(how.hops) + 1)
            return [(after_ms, wire.icmp_error(packet, router, exceeded, 0, 64 - packet.ttl))]
        if count in how.lose or self.dealer.is_lost(how.loss, target):
            return []
        after_ms = how.delay_ms + self.random.uniform(-how.jitter_ms, how.jitter_ms) + how.other_ms * (count % 2)
        return [(after_ms, answer) for answer in self._answer(packet, how)] * how.copies

    def _answer(self, packet: wire.Packet, how: Behaviour) -> list[bytes]:
        ttl = 64 - len(how.hops)
        if how.unreachable is not None:
            source = ipaddress.ip_address(how.unreachable_from or packet.target).packed
            return [wire.icmp_error(packet, source, *how.unreachable, ttl)]
        if packet.protocol == wire.TCP:
            flags = {"open": wire.SYN | wire.ACK, "closed": wire.RST | wire.ACK}.get(how.tcp)
            is_syn = packet.payload[13] & (wire.SYN | wire.ACK | wire.RST) == wire.SYN
            return [wire.tcp_answer(packet, flags)] if flags and is_syn else []
        if how.silent:
            return []
        if packet.protocol == wire.UDP:
            refusal = (3, 3) if packet.version == 4 else (1, 4)
            return [wire.icmp_error(packet, packet.destination, *refusal, ttl)]
        if packet.is_echo_request:
            source = ipaddress.ip_address(how.reply_from or packet.target).packed
            return [wire.echo_reply(packet, source, ttl)]
        return []


def serve(plan: Plan) -> None:
    """Answer until killed."""
    answer_on(plan.device, Lab(plan).answers, plan.spin_us, realtime=plan.realtime)


def answer_on(device: str, answers: Answers, spin_us: float, *, realtime: bool) -> None:
    """Put on a TUN device what `answers` says, each when it is due; until killed, or the device is taken away."""
    ctypes.CDLL(None).prctl(PR_SET_TIMERSLACK, 1, 0, 0, 0)
    if realtime:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(10))
    tun = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(tun, TUNSETIFF, struct.pack("16sH", device.encode(), IFF_TUN | IFF_NO_PI))
    print("ready", flush=True)
    now = time.monotonic_ns
    waiting: list[tuple[int, int, bytes]] = []
    count = 0
    while True:
        while waiting and waiting[0][0] <= now():
            try:
                os.write(tun, heapq.heappop(waiting)[2])
            except OSError:
                return  # the device was taken away
        pause = (waiting[0][0] - now()) / 1e9 - spin_us / 1e6 if waiting else 1.0
        if not select.select([tun], [], [], max(0.0, pause))[0]:
            continue
        for data in packets(tun):
            for after_ms, answer in answers(wire.Packet(data)):
                count += 1
                heapq.heappush(waiting, (now() + int(after_ms * 1e6), count, answer))


def packets(tun: int) -> list[bytes]:
    """Return what is waiting, at most 64 packets of it."""
    found: list[bytes] = []
    for _ in range(64):
        try:
            found.append(os.read(tun, 65535))
        except BlockingIOError:
            break
    return found


if __name__ == "__main__":
    serve(msgspec.json.decode(sys.argv[1], type=Plan))
