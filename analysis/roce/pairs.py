"""Host pairs: who talks to whom, as small numbers. A pair and its reverse differ in the lowest bit only."""

from ipaddress import IPv4Address, IPv6Address
from typing import Final

import numpy as np

from analysis.roce.frames import Bytes, Ints, field, gather
from analysis.roce.keys import KeyTable

LIMIT: Final = 1 << 18
"""Host pairs that are told apart; what goes beyond is pair `MANY`."""
MANY: Final = -1

_Address = IPv4Address | IPv6Address
Hosts = tuple[_Address, _Address]


class Pairs:
    """All (source, destination) pairs seen so far, bounded by `LIMIT`."""

    def __init__(self) -> None:
        self._hosts: list[Hosts] = []
        self._v4 = KeyTable(1, self._new_v4, MANY)
        self._v6 = KeyTable(4, self._new_v6, MANY)

    def names(self, pair: int) -> tuple[str, str]:
        """Return source and destination address as text; "*" for those beyond the limit."""
        if pair < 0:
            return "*", "*"
        one, two = self._hosts[pair >> 1]
        return (str(two), str(one)) if pair & 1 else (str(one), str(two))

    def since(self, count: int) -> list[Hosts]:
        """Return who the pairs after the first 2 * `count` are."""
        return self._hosts[count:]

    def know(self, count: int, hosts: list[Hosts]) -> None:
        """Take over what `since` returned elsewhere: names, not numbers for addresses yet to come."""
        self._hosts[count:] = hosts

    def lookup_v4(self, buffer: Bytes, addresses: Ints) -> Ints:
        """Return the pair of the IPv4 source and destination that stand at each offset."""
        return self.ids_v4(field(gather(buffer, addresses, 8), 0, ">u8"))

    def ids_v4(self, addresses: Ints) -> Ints:
        """Return the pair of each IPv4 source and destination, as one 64-bit number."""
        return self._v4.lookup([addresses.view(np.uint64)])

    def lookup_v6(self, buffer: Bytes, addresses: Ints) -> Ints:
        """Return the pair of the IPv6 addresses (or GIDs) that stand at each offset."""
        words = gather(buffer, addresses, 32).view(">u8")
        return self._v6.lookup([words[:, i].astype(np.uint64) for i in range(4)])

    def _new_v4(self, key: tuple[int, ...]) -> int:
        source, destination = key[0] >> 32, key[0] & 0xFFFFFFFF
        pair = self._add(IPv4Address(source), IPv4Address(destination))
        if pair >= 0 and source != destination:
            self._v4.put((destination << 32 | source,), pair ^ 1)
        return pair

    def _new_v6(self, key: tuple[int, ...]) -> int:
        a, b, c, d = key
        pair = self._add(IPv6Address(a << 64 | b), IPv6Address(c << 64 | d))
        if pair >= 0 and (a, b) != (c, d):
            self._v6.put((c, d, a, b), pair ^ 1)
        return pair

    def _add(self, source: _Address, destination: _Address) -> int:
        if len(self._hosts) * 2 >= LIMIT:
            return MANY
        self._hosts.append((source, destination))
        return 2 * len(self._hosts) - 2
