"""Which addresses packets reach by another route than a default one: on a connected network, this box, a tunnel."""

import errno
import socket
from struct import Struct
from typing import Final

from collectors.netlink import ask, packed
from collectors.rtnetlink import HALF_BITS, RTM_GETROUTE

_ROUTE: Final = Struct("=BBBBBBBBI")
_RTM_F_CLONED: Final = 0x200
_RTM_F_FIB_MATCH: Final = 0x2000
_RTA_DST: Final = 1
_NO_WAY: Final = frozenset(
    {errno.ENETUNREACH, errno.EHOSTUNREACH, errno.EACCES, errno.EINVAL, errno.EAFNOSUPPORT, errno.EOPNOTSUPP}
)


def is_nearby(address: str) -> bool:
    """Say whether the kernel sends plain packets to `address` by a route with a prefix.

    False as well where there is no way at all, and before Linux 4.13, whose kernels do not tell (RTM_F_FIB_MATCH).
    """
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    destination = socket.inet_pton(family, address.partition("%")[0])
    body = _ROUTE.pack(family, len(destination) * 8, 0, 0, 0, 0, 0, 0, _RTM_F_FIB_MATCH)
    try:
        answers = ask(socket.NETLINK_ROUTE, RTM_GETROUTE, body + packed(_RTA_DST, destination))
    except OSError as failure:
        if failure.errno not in _NO_WAY:
            raise
        return False
    return any(_has_prefix(answer) for answer in answers)


def _has_prefix(route: memoryview) -> bool:
    _, prefix_bits, _, _, _, _, _, _, flags = _ROUTE.unpack_from(route)
    return prefix_bits > HALF_BITS and not flags & _RTM_F_CLONED
