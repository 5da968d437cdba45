"""Which TCP ports of this network namespace are listened on, and for whom (inet_diag, sock_diag(7))."""

import socket
from collections.abc import Mapping
from ipaddress import IPv4Address, IPv6Address, ip_address
from struct import Struct
from typing import Final, TypeAlias

from collectors.netlink import dump

_NETLINK_SOCK_DIAG: Final = 4
_SOCK_DIAG_BY_FAMILY: Final = 20
_REQUEST: Final = Struct("=BBBxI48x")
_MESSAGE: Final = Struct("!4xH2x16s")
"""struct inet_diag_msg: source port and source address."""
_LISTEN: Final = 1 << 10

Address: TypeAlias = IPv4Address | IPv6Address


async def listeners() -> Mapping[int, frozenset[Address]]:
    """Return the addresses that every port is listened on. Raises OSError where the kernel does not tell."""
    found: dict[int, set[Address]] = {}
    for family in (socket.AF_INET, socket.AF_INET6):
        request = _REQUEST.pack(family, socket.IPPROTO_TCP, 0, _LISTEN)
        async for buffer, messages in dump(_NETLINK_SOCK_DIAG, _SOCK_DIAG_BY_FAMILY, request):
            for kind, start, _end in messages:
                if kind == _SOCK_DIAG_BY_FAMILY:
                    port, raw = _MESSAGE.unpack_from(buffer, start)
                    address = ip_address(raw[:4] if family == socket.AF_INET else raw)
                    found.setdefault(port, set()).add(getattr(address, "ipv4_mapped", None) or address)
    return {port: frozenset(addresses) for port, addresses in found.items()}
