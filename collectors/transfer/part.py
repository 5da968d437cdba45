"""One part of a test as the server holds it: its token, its data connections, and where its datagrams come from."""

import contextlib
import secrets
import socket
from typing import Any, Final

from collectors.probe.linux import packet_control
from collectors.transfer.talk import Talk
from collectors.transfer.wire import KNOCK, Ask, Flow

KNOCKS: Final = 8
"""UDP addresses that a caller may try from; a NAT may change them."""


class Part:
    """One part of a test that is being done."""

    def __init__(self, talk: Talk, ask: Ask) -> None:
        self.talk = talk
        self.ask = ask
        self.token = secrets.token_bytes(8)
        self.peer = address_of(talk.sock.getpeername())
        self.flows: dict[tuple[bool, int], socket.socket] = {}
        self.knocks: dict[str, Any] = {}

    @property
    def is_whole(self) -> bool:
        """Whether every data connection is there."""
        return len(self.flows) == self.ask.flows * (self.ask.up + self.ask.down)

    def join(self, flow: Flow, sock: socket.socket) -> bool:
        """Take a data connection; return whether it was wanted."""
        key = flow.up, flow.index
        asked = self.ask.up if flow.up else self.ask.down
        if key in self.flows or not asked or flow.index >= self.ask.flows or self.ask.protocol != "tcp":
            return False
        self.flows[key] = sock
        return True

    def socks(self, *, up: bool) -> list[socket.socket]:
        """Return the data connections of one direction, by index."""
        return [sock for (is_up, _), sock in sorted(self.flows.items(), key=lambda item: item[0]) if is_up == up]

    def close(self) -> None:
        """Close the data connections."""
        for sock in self.flows.values():
            sock.close()

    def knocked(self, lobby: socket.socket, address: Any) -> None:  # noqa: ANN401 - a socket address
        """Answer a datagram that has the token, if it is from the caller's address, with as many bytes as it had.

        The answer leaves from the address that the caller called.
        """
        if self.ask.protocol != "udp" or address_of(address) != self.peer:
            return
        number = next((number for number, known in self.knocks.items() if known == address), None)
        if number is None:
            if len(self.knocks) >= KNOCKS:
                return
            number = secrets.token_hex(8)
            self.knocks[number] = address
        family = 6 if lobby.family == socket.AF_INET6 else 4
        own = socket.inet_pton(lobby.family, address_of(self.talk.sock.getsockname()).partition("%")[0])
        answer = KNOCK.pack(self.token, bytes.fromhex(number))
        with contextlib.suppress(OSError):  # it knocks again
            lobby.sendmsg([answer], packet_control(family, 0, own, 0, 0), 0, address)


def address_of(address: Any) -> str:  # noqa: ANN401 - a socket address of either family
    """Return the address alone, with its zone."""
    return str(address[0])
