"""What is sent for one series, and how each packet is bound to its way out."""

import errno
import socket
from typing import Final, Literal, TypeAlias

import msgspec

from analysis.samples import Series
from collectors.probe.linux import Control, packet_control

SocketAddress: TypeAlias = tuple[str, int] | tuple[str, int, int, int]
Family: TypeAlias = Literal[4, 6]
FAMILIES: Final = {4: socket.AF_INET, 6: socket.AF_INET6}


class Binding(msgspec.Struct, frozen=True, omit_defaults=True):
    """How a packet is made to take one way out; empty leaves it to the kernel."""

    interface: str | None = None
    source: str | None = None
    mark: int = 0


def errno_name(problem: OSError) -> str:
    """Return the symbol of a failure ("ENETUNREACH")."""
    return errno.errorcode.get(problem.errno or 0, "EINVAL")


def interface_index(name: str) -> int:
    """Return the index of an interface; raise ENODEV where it is gone."""
    try:
        return socket.if_nametoindex(name)
    except OSError as gone:
        raise OSError(errno.ENODEV, "No such device", name) from gone


class Stream:
    """One series as it is being probed."""

    def __init__(self, series: Series, binding: Binding) -> None:
        self.series = series
        self.binding = binding
        self.family: Family = 6 if ":" in series.address else 4
        plain, _, self._zone = series.address.partition("%")
        kind = FAMILIES[self.family]
        self.address = socket.inet_ntop(kind, socket.inet_pton(kind, plain))
        """As the kernel prints it, without zone: what replies are compared with."""
        self._control: Control | None = None
        self._destination: SocketAddress | None = None

    def control(self) -> Control:
        """Return the control messages of each packet; raise OSError where the interface is gone."""
        if self._control is None:
            name, source = self.binding.interface, self.binding.source
            self._control = packet_control(
                self.family,
                interface_index(name) if name else 0,
                socket.inet_pton(FAMILIES[self.family], source) if source else None,
                self.binding.mark,
                self.series.dscp << 2,
            )
        return self._control

    def destination(self) -> SocketAddress:
        """Return the socket address; raise OSError where the zone's interface is gone."""
        if self._destination is None:
            port = 0 if self.series.protocol == "icmp" else self.series.port or 0
            if self.family == 4:
                self._destination = (self.address, port)
            else:
                self._destination = (self.address, port, 0, interface_index(self._zone) if self._zone else 0)
        return self._destination

    def refresh(self) -> None:
        """Look the interface up again before the next packet: one that came back has a new index."""
        self._control = self._destination = None
