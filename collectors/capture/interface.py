"""What the kernel says of an interface in this network namespace (netdevice(7)); no privilege needed."""

import fcntl
import socket
import struct
from typing import Final

ARP_ETHERNET, ARP_LOOPBACK = 1, 772
_SIOCGIFFLAGS, _SIOCGIFHWADDR = 0x8913, 0x8927
_UP: Final = 1


def hardware_type(interface: str) -> int:
    """Return the kind of link (ARPHRD_*, include/uapi/linux/if_arp.h). Raises OSError where there is none."""
    return _ask(interface, _SIOCGIFHWADDR)


def is_up(interface: str) -> bool:
    """Say whether an interface is set up. Raises OSError where there is none."""
    return bool(_ask(interface, _SIOCGIFFLAGS) & _UP)


def index(interface: str) -> int | None:
    """Return an interface's index, None where there is none of that name."""
    try:
        return socket.if_nametoindex(interface)
    except OSError:
        return None


def _ask(interface: str, request: int) -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        answer = fcntl.ioctl(probe, request, struct.pack("=16s24x", interface.encode()[:15]))
    return int(struct.unpack_from("=H", answer, 16)[0])
