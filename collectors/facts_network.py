"""Facts from addresses, routes and sockets: what netlink tells of a live box and commands of a recorded one."""

import socket
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from ipaddress import IPv4Interface, ip_interface
from struct import Struct
from typing import Final

import msgspec

from analysis.samples import Fact
from analysis.text import N_, say
from collectors.netlink import dump
from collectors.reading import Facts, known, unknown, why
from collectors.root import Root
from collectors.rtnetlink import read_addresses, read_defaults, read_links

_NETLINK_SOCK_DIAG: Final = 4
_SOCK_DIAG_BY_FAMILY: Final = 20
_REQUEST: Final = Struct("=BBBxI48x")
_ENDS: Final = Struct("!4xHH16s16s")
"""struct inet_diag_msg: ports and addresses."""
_TIME_WAIT, _LISTEN = 6, 10
TIME_WAIT, LISTENING, DEFAULTS = "tcp.time_wait_to_one", "ports.listening", "route.default_interfaces"


class Network(msgspec.Struct, frozen=True):
    """What was found: (interface, "10.0.0.7/24") of each own address, and the facts that sockets and routes give."""

    addresses: tuple[tuple[str, str], ...] | None
    facts: Mapping[str, Fact]


async def read_network(root: Root) -> Network:
    """Ask the running kernel. IPv4 and IPv6; the loopback interface's own addresses are among them."""
    links = await read_links()
    own = [(own.index, f"{own.address}/{own.prefix_bits}") for own in await read_addresses()]
    addresses = tuple((links[index].name, text) for index, text in own if index in links)
    defaults = [d for family in (socket.AF_INET, socket.AF_INET6) for d in await read_defaults(family)]
    ways = [links[d.index].name for d in defaults if d.usable and d.index in links]
    sockets = {TIME_WAIT: await _time_wait(), LISTENING: await _listening(root)}
    return Network(addresses, {DEFAULTS: default_interfaces(ways, "ip route show table all"), **sockets})


def network_facts(network: Network, names: Sequence[str]) -> Facts:
    """Return the facts, and the IPv4 subnets of each interface: what ARP is about. Link-local ones do not count."""
    return dict(network.facts) | {f"link.{name}.subnets": _subnets(network.addresses, name) for name in names}


def default_interfaces(names: Iterable[str], source: str) -> Fact:
    """Return the interfaces that default routes leave by, each once."""
    return known(" ".join(dict.fromkeys(name for name in names if name != "lo")), source)


def _subnets(addresses: tuple[tuple[str, str], ...] | None, name: str) -> Fact:
    source = f"ip addr show dev {name}"
    if addresses is None:
        return unknown(say(N_("The addresses of the interfaces are not part of this recording.")), source)
    own = (ip_interface(text) for interface, text in addresses if interface == name)
    subnets = [
        str(address.network)
        for address in own
        if isinstance(address, IPv4Interface) and address.network.prefixlen < 32 and not address.is_link_local
    ]
    return known(" ".join(dict.fromkeys(subnets)), source)


def most_to_one(ends: Iterable[tuple[object, object]], source: str) -> Fact:
    """Return how many sockets the busiest destination has, from (address, port) of each."""
    return known(max(Counter(ends).values(), default=0), source)


def listening(tcp: Iterable[int], root: Root, source: str) -> Fact:
    """Return the ports that TCP listens on and UDP is bound to, in order."""
    udp = (port for name in ("udp", "udp6") for port, _, state in sockets_in(root, name) if state == 7)
    return known(" ".join(map(str, sorted({*tcp, *udp}))), source)


def sockets_in(root: Root, table: str) -> list[tuple[int, tuple[str, int], int]]:
    """Return own port, destination and state of each socket in /proc/net/<table>; none without such a file."""
    try:
        rows = [line.split()[1:4] for line in root.read_text(f"proc/net/{table}").splitlines()[1:]]
        return [(_port(row[0]), (row[1].partition(":")[0], _port(row[1])), int(row[2], 16)) for row in rows]
    except (OSError, ValueError, IndexError):
        return []


def _port(end: str) -> int:
    return int(end.partition(":")[2], 16)


async def _time_wait() -> Fact:
    source = "ss -tan state time-wait"
    try:
        return most_to_one([(address, port) for _, port, address in await _sockets(_TIME_WAIT)], source)
    except OSError as failure:
        return unknown(why(failure), source)


async def _listening(root: Root) -> Fact:
    source = "ss -tuln"
    try:
        return listening([port for port, _, _ in await _sockets(_LISTEN)], root, source)
    except OSError as failure:
        return unknown(why(failure), source)


async def _sockets(state: int) -> list[tuple[int, int, bytes]]:
    """Return own port, remote port and remote address of the TCP sockets in a state, by inet_diag."""
    found: list[tuple[int, int, bytes]] = []
    for family in (socket.AF_INET, socket.AF_INET6):
        request = _REQUEST.pack(family, socket.IPPROTO_TCP, 0, 1 << state)
        async for buffer, answers in dump(_NETLINK_SOCK_DIAG, _SOCK_DIAG_BY_FAMILY, request):
            for kind, start, _ in answers:
                if kind == _SOCK_DIAG_BY_FAMILY:
                    own, port, _, address = _ENDS.unpack_from(buffer, start)
                    found.append((own, port, address))
    return found
