"""The sockets that hop probes leave by and their answers come back on. All of them raw: CAP_NET_RAW is needed."""

import ctypes
import errno
import socket
import struct
from collections.abc import Iterator
from typing import Final, Literal, NamedTuple

from collectors.capture.bpf import assemble
from collectors.probe import linux
from collectors.probe.icmp import let_through, make_room, report_errors, set_fragmentation
from collectors.probe.stamps import Stamping, enable
from collectors.probe.stream import FAMILIES, Binding, interface_index

READS: Final = 512
RECEIVE_BYTES: Final = 2 << 20
_TAKE_BYTES: Final = 2048
_SO_ATTACH_FILTER: Final = 26
_ORIGIN_LOCAL: Final = 1
_IPV6_RECVHOPLIMIT, _IPV6_HOPLIMIT = 51, 52
_ICMP_TYPES: Final = {4: (0, 3, 11), 6: (1, 2, 3, 129)}
_TCP_FILTER: Final = {
    4: "ldx 4*([0]&0xf)\nldh [x+12]\njset #0x6, take\nret #0\ntake:\nret #2048",
    6: "ldh [12]\njset #0x6, take\nret #0\ntake:\nret #2048",
}
"""SYN or RST: a raw TCP socket sees every segment of the box, and data must not even be copied."""


class Received(NamedTuple):
    """One packet that came in: for IPv4 with its IP header, for IPv6 without."""

    data: bytes
    sender: str
    hop_limit: int | None
    """IPv6 only; IPv4 has it in the header."""
    stamp_ns: int | None


class Sender:
    """Sends whole IP packets of one family, DF set, and gives back their transmit stamps."""

    def __init__(self, family: Literal[4, 6]) -> None:
        self.family = family
        self.sock = socket.socket(FAMILIES[family], socket.SOCK_RAW, socket.IPPROTO_RAW)
        self.sock.setblocking(False)
        make_room(self.sock, RECEIVE_BYTES)
        report_errors(self.sock, family)
        # Else the kernel refuses what is longer than the path MTU it has learnt, and nothing could be asked again.
        set_fragmentation(self.sock, family, dont_fragment=True)
        self.stamping: Stamping = enable(self.sock)
        self.local_mtu: int | None = None
        """What the interface of the last packet that was too long for it lets out."""

    def send(self, packet: bytes, address: str, zone: int, control: linux.Control, ident: int) -> None:
        """Send one packet; raise OSError where it cannot leave."""
        if self.stamping.keyed:
            control = [*control, linux.tx_key(ident)]
        destination = (address, 0) if self.family == 4 else (address, 0, 0, zone)
        self.sock.sendmsg((packet,), control, 0, destination)

    def stamps(self) -> Iterator[tuple[bytes, int, int]]:
        """Yield (returned frame, key, transmit stamp in ns); kernels without packet keys return the frame."""
        for _ in range(READS):
            try:
                data, control, _flags, _address = self.sock.recvmsg(_TAKE_BYTES, 256, socket.MSG_ERRQUEUE)
            except OSError:
                return
            error, stamp = linux.kernel_error(control), linux.stamp_ns(control)
            if error is None:
                continue
            if error.origin == linux.ORIGIN_TIMESTAMPING and stamp is not None:
                yield data, error.data, stamp
            elif error.origin == _ORIGIN_LOCAL and error.errno == errno.EMSGSIZE:
                self.local_mtu = _info(control)


class Receiver:
    """A raw socket that ICMP, or answers to SYNs, come in on."""

    def __init__(self, family: Literal[4, 6], protocol: Literal["icmp", "tcp"]) -> None:
        self.family = family
        self.protocol = protocol
        number = socket.IPPROTO_TCP
        if protocol == "icmp":
            number = socket.IPPROTO_ICMP if family == 4 else socket.IPPROTO_ICMPV6
        self.sock = socket.socket(FAMILIES[family], socket.SOCK_RAW, number)
        try:
            self._prepare()
        except OSError:
            self.sock.close()
            raise

    def _prepare(self) -> None:
        self.sock.setblocking(False)
        make_room(self.sock, RECEIVE_BYTES)
        enable(self.sock)
        if self.family == 6:
            self.sock.setsockopt(socket.IPPROTO_IPV6, _IPV6_RECVHOPLIMIT, 1)
        if self.protocol == "tcp":
            _attach(self.sock, assemble(_TCP_FILTER[self.family]))
        else:
            let_through(self.sock, self.family, _ICMP_TYPES[self.family])

    def read(self) -> Iterator[Received]:
        """Yield what is waiting, at most `READS` packets of it."""
        for _ in range(READS):
            try:
                data, control, _flags, sender = self.sock.recvmsg(_TAKE_BYTES, 256)
            except BlockingIOError:
                return
            yield Received(data, sender[0], _hop_limit(control), linux.stamp_ns(control))


class Reservation:
    """Source ports that are ours while a path is traced, so that no other program's packets look like probes."""

    def __init__(self, socks: list[socket.socket], first_port: int) -> None:
        self.socks = socks
        self.first_port = first_port

    def close(self) -> None:
        """Give the ports back."""
        for sock in self.socks:
            sock.close()


def reserve(family: int, kind: Literal["udp", "tcp"], first_port: int, count: int) -> Reservation:
    """Bind `count` ports from `first_port` on. Raises OSError (EADDRINUSE) where one of them is taken."""
    made: list[socket.socket] = []
    try:
        for port in range(first_port, first_port + count):
            sock = socket.socket(FAMILIES[family], socket.SOCK_DGRAM if kind == "udp" else socket.SOCK_STREAM)
            made.append(sock)
            sock.setblocking(False)
            if kind == "udp":
                enable(sock)
            sock.bind(("", port))
    except OSError:
        Reservation(made, first_port).close()
        raise
    return Reservation(made, first_port)


def source_of(family: int, address: str, zone: int, binding: Binding) -> str:
    """Return the source address that the kernel would send to `address` with; raise OSError where there is no way."""
    with socket.socket(FAMILIES[family], socket.SOCK_DGRAM) as sock:
        if binding.mark:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_MARK, binding.mark)
        if binding.interface:
            interface_index(binding.interface)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, binding.interface.encode() + b"\0")
        if binding.source:
            sock.bind((binding.source, 0))
        sock.connect((address, 9) if family == 4 else (address, 9, 0, zone))
        return str(sock.getsockname()[0]).partition("%")[0]


def _info(control: linux.Control) -> int | None:
    """Return `ee_info` of a struct sock_extended_err: of EMSGSIZE it is the MTU of the interface."""
    for level, kind, value in control:
        if (level, kind) in ((0, linux.IP_RECVERR), (41, linux.IPV6_RECVERR)) and len(value) >= 12:
            return int(struct.unpack_from("=I", value, 8)[0])
    return None


def _attach(sock: socket.socket, program: bytes) -> None:
    code = ctypes.create_string_buffer(program)
    sock.setsockopt(
        socket.SOL_SOCKET, _SO_ATTACH_FILTER, struct.pack("@HP", len(program) // 8, ctypes.addressof(code))
    )


def _hop_limit(control: linux.Control) -> int | None:
    for level, kind, value in control:
        if (level, kind) == (socket.IPPROTO_IPV6, _IPV6_HOPLIMIT) and len(value) >= 4:
            return int.from_bytes(value[:4], "little")
    return None
