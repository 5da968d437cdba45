"""A scripted network behind a TUN device: routers in a row, each with its delay, loss, limits and tricks.

Unlike `responder` it looks at flows, sizes and traffic classes. usage: python -m tests.lab.network '{"device": …}'
"""

import ipaddress
import random
import struct
import sys
import zlib
from collections import Counter

import msgspec

from tests.lab import wire
from tests.lab.chance import Dealer
from tests.lab.responder import answer_on


class Router(msgspec.Struct, frozen=True, omit_defaults=True):
    """One hop. `loss` falls on everything that arrives there, whether it ends there or goes on."""

    address: str
    delay_ms: float = 0.0
    """Round trip to here."""
    loss: float = 0.0
    members: tuple[str, ...] = ()
    """Other routers that share this place with `address`."""
    spread: str = "flow"
    """"flow" or "packet": how `members` are chosen."""
    lossy: tuple[str, float] | None = None
    """(member, loss) of one member alone."""
    limit: float = 1.0
    """The share of what ends here that it answers, after a first few."""
    silent: bool = False
    mtu: int = 0
    """Of the link behind; 0: anything."""
    tells_mtu: bool = True
    says_mtu: int = 0
    """Another number than the true one."""
    tos: int | None = None
    """What the traffic class becomes when it goes on."""
    back_hops: int = 0
    """How many more hops the way back from here has than the way there."""
    labels: tuple[int, ...] = ()
    rewrites: bool = False
    """A NAT that does not translate back what is quoted from behind it."""
    quote: int = 548
    """Bytes quoted at most."""


class End(msgspec.Struct, frozen=True, omit_defaults=True):
    """The target: its routers, and the other ones it has for every second `flap_rounds` probes of TTL 1."""

    routers: tuple[Router, ...]
    delay_ms: float = 0.0
    loss: float = 0.0
    other: tuple[Router, ...] = ()
    flap_rounds: int = 0
    back_hops: int = 0
    tcp: str = "closed"
    udp: bool = True
    silent: bool = False
    limit: float = 1.0
    """The share of UDP that it refuses by an ICMP error, after a first few, as a host limits them."""


class Script(msgspec.Struct, frozen=True):
    device: str
    targets: dict[str, End]
    seed: int = 7
    realtime: bool = False
    spin_us: int = 0


class Net:
    """Decides what is sent back, and when, by what came before; never by the time. Nothing here does I/O."""

    def __init__(self, script: Script) -> None:
        self.script = script
        self.random = random.Random(script.seed)
        self.dealer = Dealer(script.seed)
        self.tokens: dict[tuple[str, str], float] = {}
        self.rounds: Counter[str] = Counter()

    def answers(self, packet: wire.Packet) -> list[tuple[float, bytes]]:
        end = self.script.targets.get(packet.target)
        if end is None:
            return []
        routers = self._routers(end, packet)
        for place, router in enumerate(routers, 1):
            member = self._member(router, packet)
            loss = router.lossy[1] if router.lossy and router.lossy[0] == member else router.loss
            if self.dealer.is_lost(loss, packet.target, member, packet.ttl):
                return []
            if packet.ttl == place:
                return self._exceeded(router, member, packet, place)
            if router.mtu and len(packet.data) > router.mtu:
                return self._too_big(router, member, packet, place)
            packet = _forwarded(router, packet)
        lost = self.dealer.is_lost(end.loss, packet.target, packet.ttl)
        return [] if lost else self._arrived(end, packet, len(routers) + 1)

    def _routers(self, end: End, packet: wire.Packet) -> tuple[Router, ...]:
        self.rounds[packet.target] += packet.ttl == 1
        flapped = end.flap_rounds and (self.rounds[packet.target] - 1) // end.flap_rounds % 2
        return end.other if flapped else end.routers

    def _member(self, router: Router, packet: wire.Packet) -> str:
        everyone = (router.address, *router.members)
        if router.spread == "packet":
            return self.random.choice(everyone)
        ports = packet.payload[:4] if packet.protocol in (wire.UDP, wire.TCP) else packet.payload[4:6]
        return everyone[zlib.crc32(ports + packet.destination + router.address.encode()) % len(everyone)]

    def _allowed(self, who: tuple[str, str], limit: float) -> bool:
        """A token bucket of three that fills by the packet, not by the second."""
        left = min(3.0, self.tokens.get(who, 3.0) + limit)
        self.tokens[who] = left - (left >= 1)
        return left >= 1

    def _exceeded(self, router: Router, member: str, packet: wire.Packet, place: int) -> list:
        if router.silent or not self._allowed((packet.target, member), router.limit):
            return []
        source = ipaddress.ip_address(member).packed
        kind = 11 if packet.version == 4 else 3
        ttl = 255 - (place - 1) - router.back_hops
        return [(router.delay_ms, error(packet, source, kind, 0, ttl, router.labels, router.quote))]

    def _too_big(self, router: Router, member: str, packet: wire.Packet, place: int) -> list:
        if not router.tells_mtu:
            return []
        source, mtu = ipaddress.ip_address(member).packed, router.says_mtu or router.mtu
        kind, code = (3, 4) if packet.version == 4 else (2, 0)
        return [(router.delay_ms, error(packet, source, kind, code, 256 - place, (), router.quote, mtu))]

    def _arrived(self, end: End, packet: wire.Packet, place: int) -> list:
        ttl = 64 - (place - 1) - end.back_hops
        if end.silent:
            return []
        if packet.protocol == wire.TCP:
            flags = {"open": wire.SYN | wire.ACK, "closed": wire.RST | wire.ACK}.get(end.tcp)
            return (
                [(end.delay_ms, wire.tcp_answer(packet, flags))] if flags and packet.payload[13] == wire.SYN else []
            )
        if packet.protocol == wire.UDP:
            kind, code = (3, 3) if packet.version == 4 else (1, 4)
            told = end.udp and self._allowed((packet.target, ""), end.limit)
            return [(end.delay_ms, error(packet, packet.destination, kind, code, ttl, (), 548))] if told else []
        return [(end.delay_ms, wire.echo_reply(packet, packet.destination, ttl))] if packet.is_echo_request else []


def _forwarded(router: Router, packet: wire.Packet) -> wire.Packet:
    data = bytearray(packet.data)
    if router.tos is not None:
        if packet.version == 4:
            data[1] = router.tos
        else:
            word = int.from_bytes(data[:4], "big") & 0xF00FFFFF | router.tos << 20
            data[:4] = word.to_bytes(4, "big")
    if router.rewrites:
        data[packet.header : packet.header + 2] = b"\x77\x77"
    out = wire.Packet(bytes(data))
    out.source = packet.source
    out.ttl = packet.ttl
    return out


def error(
    about: wire.Packet,
    source: bytes,
    kind: int,
    code: int,
    ttl: int,
    labels: tuple[int, ...],
    quote: int,
    mtu: int = 0,
) -> bytes:
    """An ICMP error that quotes `quote` bytes at most, its TTL run down, with MPLS labels (RFC 4950)."""
    data = bytearray(about.data)
    data[8 if about.version == 4 else 7] = 1
    said = bytes(data[:quote])
    rest = bytes(2) + struct.pack("!H", mtu) if about.version == 4 else struct.pack("!I", mtu)
    if labels:
        said = said[:128].ljust(128, b"\0")
        entries = b"".join(
            struct.pack("!I", label << 12 | (at == len(labels) - 1) << 8 | 1) for at, label in enumerate(labels)
        )
        body = struct.pack("!BBH", 0x20, 0, 0) + struct.pack("!HBB", 4 + len(entries), 1, 1) + entries
        said += body[:2] + struct.pack("!H", wire.ones_complement(body)) + body[4:]
        rest = bytes((0, 32, 0, 0)) if about.version == 4 else bytes((16, 0, 0, 0))
    return wire.icmp(source, about.source, kind, code, rest + said, ttl)


def serve(script: Script) -> None:
    """Answer until killed."""
    answer_on(script.device, Net(script).answers, script.spin_us, realtime=script.realtime)


if __name__ == "__main__":
    serve(msgspec.json.decode(sys.argv[1], type=Script))
