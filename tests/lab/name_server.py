"""A DNS server that says what a test wants, over UDP and TCP, on loopback."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import TypeAlias

import dns.flags
import dns.message
import dns.rcode
import dns.rrset
from dns.message import Message

Script: TypeAlias = Callable[[Message], list[bytes]]
"""From a question, the datagrams (or messages) that come back, one after the other."""


def answer(question: Message, *addresses: str, rcode: str = "NOERROR", truncated: bool = False) -> bytes:
    """Return an answer in wire format with those of the addresses that are of the wanted kind."""
    reply = dns.message.make_response(question)
    reply.set_rcode(dns.rcode.from_text(rcode))
    asked = question.question[0]
    record = "AAAA" if int(asked.rdtype) == 28 else "A"
    wanted = [address for address in addresses if (":" in address) == (record == "AAAA")]
    if truncated:
        reply.flags |= dns.flags.TC
    elif wanted:
        reply.answer = [dns.rrset.from_text(asked.name, 60, "IN", record, *wanted)]
    return reply.to_wire()


def always(*addresses: str, rcode: str = "NOERROR") -> Script:
    """Return a script that gives the same answer to everybody."""
    return lambda question: [answer(question, *addresses, rcode=rcode)]


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, script: Script) -> None:
        self.script = script

    def connection_made(self, transport: asyncio.DatagramTransport) -> None:
        self.transport = transport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        for reply in self.script(dns.message.from_wire(data)):
            self.transport.sendto(reply, addr)


@asynccontextmanager
async def name_server(
    udp: Script, tcp: Script | None = None, address: str = "127.0.0.1", port: int = 0
) -> AsyncIterator[tuple[str, int]]:
    """Serve until the end of the block; yields address and port."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        length = int.from_bytes(await reader.readexactly(2), "big")
        question = dns.message.from_wire(await reader.readexactly(length))
        for reply in (tcp or udp)(question):
            writer.write(len(reply).to_bytes(2, "big") + reply)
        writer.close()

    server = await asyncio.start_server(serve, address, port)
    port = server.sockets[0].getsockname()[1]
    transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
        lambda: _Datagrams(udp), local_addr=(address, port)
    )
    try:
        yield address, port
    finally:
        transport.close()
        server.close()
