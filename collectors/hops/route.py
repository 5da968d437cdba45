"""One traced path as it is being probed: its flows' packets, its course, and how it leaves this box."""

import errno
import itertools
import secrets
import socket
from typing import Final, Literal

import msgspec

from analysis.samples import HopAnswer, HopKind, HopPath, Protocol
from collectors.hops.course import MAX_TTL, Course
from collectors.hops.incoming import Quote
from collectors.hops.outgoing import FlowKey, Template, protocol_number
from collectors.hops.sockets import Reservation, reserve, source_of
from collectors.probe.linux import Control, packet_control
from collectors.probe.stream import FAMILIES, Binding, Family, interface_index

LOOK_AGAIN_NS: Final = 10_000_000_000
"""How long a source address is believed in: routes change under a running trace."""
ROCE_PORTS: Final = 0xC000
"""The first source port that RoCEv2 spreads its queue pairs over (IBTA Annex A17, 17.9.2)."""
_LAST_PORT: Final = 0xFFFF
_TRIES: Final = 50


class TracedPath:
    """A `HopPath` and what sending its probes takes. Raises OSError at the start where that is not possible."""

    def __init__(self, path: HopPath, binding: Binding, max_ttl: int = MAX_TTL) -> None:
        self.family: Family = 6 if ":" in path.address else 4
        kind = FAMILIES[self.family]
        plain, _, self._zone = path.address.partition("%")
        self.destination = socket.inet_pton(kind, plain)
        self.address = socket.inet_ntop(kind, self.destination)
        self.binding = binding
        self.reservation = _reserved(path, self.family)
        first = self.reservation.first_port if self.reservation else secrets.randbelow(0xFFFF) + 1
        self.echo_id = first
        if self.reservation is not None:
            path = msgspec.structs.replace(path, source_port=first)
        # What hosts answer UDP with is limited to one a second or so: asking every flow would look like loss.
        self.course = Course(path.flows, max_ttl, watch_target=path.protocol == "tcp")
        self._templates: dict[tuple[int, int, bool], Template] = {}
        self._keys: dict[tuple[int, bool], FlowKey] = {}
        self.rtt_ns: int | None = None
        """Of the last answer of the target."""
        self._looked_ns: int | None = None
        self._control: Control = []
        self._zone_index = 0
        self._source = b""
        self.path = path

    def look(self, now_ns: int) -> None:
        """Find out again how packets leave, where that is due; raise OSError where they cannot."""
        if self._looked_ns is not None and now_ns - self._looked_ns < LOOK_AGAIN_NS:
            return
        zone = interface_index(self._zone) if self._zone else 0
        source = source_of(self.family, self.address, zone, self.binding)
        name = self.binding.interface
        self._control = packet_control(
            self.family, interface_index(name) if name else 0, None, self.binding.mark, tos=0
        )
        self._zone_index = zone
        self._looked_ns = now_ns
        packed = socket.inet_pton(FAMILIES[self.family], source)
        if packed != self._source:
            self._source = packed
            self._templates.clear()
            self._keys.clear()
            self.path = msgspec.structs.replace(self.path, source=source)

    def forget_way(self) -> None:
        """Have the way looked up again before the next packet."""
        self._looked_ns = None

    @property
    def way(self) -> tuple[str, int, Control]:
        """Return the destination address, its zone's interface and the control messages of each packet."""
        return self.address, self._zone_index, self._control

    def template(self, flow: int, size: int = 0, *, echo: bool = False) -> Template:
        """Return the packets of a flow at a size (0: the usual one); `echo`: echo requests whatever the protocol."""
        template = self._templates.get((flow, size, echo))
        if template is None:
            key = self.flow_key(flow, echo=echo)
            usual = (20 if self.family == 4 else 40) + 8 + self.path.payload_bytes
            template = self._templates[flow, size, echo] = Template(
                key, size or (0 if key.protocol == "tcp" else usual)
            )
        return template

    def flow_key(self, flow: int, *, echo: bool = False) -> FlowKey:
        """Return what routers see of a flow."""
        key = self._keys.get((flow, echo))
        if key is None:
            path = self.path
            protocol: Protocol = "icmp" if echo else path.protocol
            ports = (self.echo_id, 0) if protocol == "icmp" else (self.echo_id + flow, path.port or 0)
            key = FlowKey(self.family, protocol, self._source, self.destination, *ports, path.dscp << 2)
            self._keys[flow, echo] = key
        return key

    def is_ours(self, quote: Quote, flow: int) -> bool:
        """Tell whether a quotation can be of a probe of this flow, whatever a NAT made of it."""
        key = self.flow_key(flow)
        if quote.protocol not in (protocol_number(key), protocol_number(self.flow_key(flow, echo=True))):
            return False
        same_end = quote.destination == self.destination
        same_ports = quote.source_port == key.source_port and quote.port in (key.port, 0)
        return same_end or same_ports

    def is_rewritten(self, quote: Quote, flow: int) -> bool:
        """Tell whether a quotation differs from what was sent in what routers must not change."""
        key = self.flow_key(flow)
        sent = (key.source, key.destination, key.source_port, key.port)
        if (quote.source, quote.destination, quote.source_port, quote.port) != sent:
            return True
        return quote.checksum is not None and quote.checksum != self.template(flow).checksum()

    def kind_of(self, sender: str, icmp_type: int) -> Literal[HopKind.EXCEEDED, HopKind.REFUSED, HopKind.UNREACHABLE]:
        """Return what an ICMP error says: on the way, refused by the target itself, or no way on."""
        if icmp_type == (11 if self.family == 4 else 3):
            return HopKind.EXCEEDED
        return HopKind.REFUSED if sender == self.address else HopKind.UNREACHABLE

    def learn(self, ttl: int, flow: int, answer: HopAnswer, rtt_ns: int) -> None:
        """Take an answer into account for where the next probes go."""
        if answer.kind in (HopKind.TARGET, HopKind.REFUSED):
            self.rtt_ns = rtt_ns
        self.course.answered(ttl, flow, final=answer.kind != HopKind.EXCEEDED)

    def close(self) -> None:
        """Give the source ports back."""
        if self.reservation is not None:
            self.reservation.close()


def _reserved(path: HopPath, family: Family) -> Reservation | None:
    """Return the source ports of a path, None for ICMP: those it names where they are free, else others."""
    if path.protocol == "icmp":
        return None
    drawn = (ROCE_PORTS + secrets.randbelow(_LAST_PORT - ROCE_PORTS - path.flows + 2) for _ in range(_TRIES))
    for first in itertools.chain([] if path.source_port is None else [path.source_port], drawn):
        try:
            return reserve(family, path.protocol, first, path.flows)
        except OSError as problem:
            if problem.errno != errno.EADDRINUSE:
                raise
    raise OSError(errno.EADDRINUSE, "no source ports are free")
