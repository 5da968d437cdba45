"""Waits for the kernel to say that something about routes, rules, links or addresses has changed.

The kernel filters for us: a routing daemon may add 100,000 routes, and none but a default route changes a way out.
"""

import asyncio
import ctypes
import errno
import socket
import struct
from types import TracebackType
from typing import Final, Self

from collectors.rtnetlink import HALF_BITS, RTM_DELROUTE, RTM_NEWROUTE

_GROUPS: Final = (1, 5, 7, 8, 9, 11, 19, 32)
"""RTNLGRP_LINK, IPV4_IFADDR, IPV4_ROUTE, IPV4_RULE, IPV6_IFADDR, IPV6_ROUTE, IPV6_RULE, NEXTHOP."""
_SO_ATTACH_FILTER: Final = 26
_BUFFER_BYTES: Final = 1 << 16
_TYPE_AT: Final = 4
_PREFIX_BITS_AT: Final = 17
"""nlmsghdr.nlmsg_type, and rtmsg.rtm_dst_len behind the 16 bytes of the header."""
_FILTER: Final = b"".join(
    struct.pack("=HBBI", *instruction)
    for instruction in (
        (0x28, 0, 0, _TYPE_AT),  # load half-word; it is read as big-endian, hence htons
        (0x15, 1, 0, socket.htons(RTM_NEWROUTE)),
        (0x15, 0, 2, socket.htons(RTM_DELROUTE)),
        (0x30, 0, 0, _PREFIX_BITS_AT),
        (0x25, 1, 0, HALF_BITS),  # more than that is a prefix
        (0x06, 0, 0, 0xFFFFFFFF),  # take it
        (0x06, 0, 0, 0),  # leave it: a route with a prefix
    )
)


class Changes:
    """A subscription, open inside `with`. What happens between two waits is not missed."""

    def __init__(self) -> None:
        kind = socket.SOCK_RAW | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC
        self._socket = socket.socket(socket.AF_NETLINK, kind, socket.NETLINK_ROUTE)
        program = ctypes.create_string_buffer(_FILTER, len(_FILTER))
        argument = struct.pack("HP", len(_FILTER) // 8, ctypes.addressof(program))
        self._socket.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, argument)
        self._socket.bind((0, sum(1 << (group - 1) for group in _GROUPS)))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._socket.close()

    async def wait(self, timeout_s: float) -> bool:
        """Return True when something changed, False after `timeout_s` without a change."""
        loop = asyncio.get_running_loop()
        changed = asyncio.Event()
        loop.add_reader(self._socket, changed.set)
        try:
            async with asyncio.timeout(timeout_s):
                await changed.wait()
        except TimeoutError:
            return False
        finally:
            loop.remove_reader(self._socket)
        return True

    def drain(self) -> None:
        """Forget the changes so far: what is read after this call includes them."""
        while True:
            try:
                self._socket.recv(_BUFFER_BYTES)
            except BlockingIOError:
                return
            except OSError as failure:
                if failure.errno != errno.ENOBUFS:  # more changes than fit were lost, which is a change as well
                    raise
