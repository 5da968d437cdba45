"""Netlink by hand, for what is asked at once at the start or is large: one socket, one request, buffers in turn.

pyroute2 decodes one route in about 0.1 ms and stops the event loop for a whole dump; a box may hold 100,000.
Here a buffer of 32 KiB is looked at in less than a millisecond and the loop gets its turn after each.
"""

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from struct import Struct
from typing import Final

HEADER: Final = Struct("=IHHII")
"""struct nlmsghdr: length, type, flags, sequence, port id."""
_ATTRIBUTE: Final = Struct("=HH")
_ERROR: Final = Struct("=i")
_U32: Final = Struct("=I")
_NLMSG_ERROR: Final = 2
_NLMSG_DONE: Final = 3
_NLM_F_DUMP_REQUEST: Final = 0x301
_NLM_F_REQUEST_ACK: Final = 0x5
_PATIENCE_S: Final = 2.0
_SOL_NETLINK: Final = 270
_NETLINK_GET_STRICT_CHK: Final = 12
_ATTRIBUTE_TYPE: Final = 0x3FFF
_BUFFER_BYTES: Final = 1 << 16

Message = tuple[int, int, int]
"""Type, and where the payload starts and ends in the buffer."""


def messages(buffer: memoryview) -> Iterator[Message]:
    """Yield the messages of a received buffer; a torn or senseless length ends it."""
    at, end = 0, len(buffer)
    while at + HEADER.size <= end:
        length, kind, *_ = HEADER.unpack_from(buffer, at)
        if not HEADER.size <= length <= end - at:
            return
        yield kind, at + HEADER.size, at + length
        at += (length + 3) & ~3


def attributes(buffer: memoryview, at: int, end: int) -> Iterator[tuple[int, memoryview]]:
    """Yield (type, payload) of the attributes between two offsets (struct nlattr), nested flag removed."""
    while at + _ATTRIBUTE.size <= end:
        length, kind = _ATTRIBUTE.unpack_from(buffer, at)
        if not _ATTRIBUTE.size <= length <= end - at:
            return
        yield kind & _ATTRIBUTE_TYPE, buffer[at + _ATTRIBUTE.size : at + length]
        at += (length + 3) & ~3


def number(payload: memoryview) -> int:
    """Return a 32-bit attribute."""
    return int(_U32.unpack_from(payload)[0])


def text(payload: memoryview) -> str:
    """Return a string attribute without its final NUL."""
    return bytes(payload).rstrip(b"\0").decode(errors="replace")


async def dump(protocol: int, kind: int, body: bytes) -> AsyncIterator[tuple[memoryview, list[Message]]]:
    """Yield the kernel's answer to one dump request: buffers, each valid until the next is asked for, and what is in.

    The loop gets a turn between buffers. Raises OSError with the kernel's errno.
    """
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_NONBLOCK, protocol) as sock:
        with suppress(OSError):  # before Linux 4.20 the kernel sends more than was asked for, which is skipped later
            sock.setsockopt(_SOL_NETLINK, _NETLINK_GET_STRICT_CHK, 1)
        sock.send(HEADER.pack(HEADER.size + len(body), kind, _NLM_F_DUMP_REQUEST, 1, 0) + body)
        store = memoryview(bytearray(_BUFFER_BYTES))
        while True:
            buffer = store[: sock.recv_into(store)]
            found = list(messages(buffer))
            if not found or found[-1][0] in (_NLMSG_DONE, _NLMSG_ERROR):
                _check(buffer, found[-1:])
                yield buffer, found[:-1]
                return
            yield buffer, found
            await asyncio.sleep(0)


def ask(protocol: int, kind: int, body: bytes) -> list[memoryview]:
    """Return the payloads of the answer to one request that is no dump; blocking. Raises the kernel's OSError."""
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, protocol) as sock:
        sock.settimeout(_PATIENCE_S)
        sock.send(HEADER.pack(HEADER.size + len(body), kind, _NLM_F_REQUEST_ACK, 1, 0) + body)
        answers: list[memoryview] = []
        while True:
            buffer = memoryview(sock.recv(_BUFFER_BYTES))
            for told, start, end in messages(buffer):
                if told == _NLMSG_ERROR:
                    _check(buffer, [(told, start, end)])
                    return answers
                answers.append(buffer[start:end])


def packed(kind: int, payload: bytes) -> bytes:
    """Return one attribute (struct nlattr), padded."""
    return _ATTRIBUTE.pack(_ATTRIBUTE.size + len(payload), kind) + payload + bytes(-len(payload) % 4)


def _check(buffer: memoryview, last: list[Message]) -> None:
    """Raise what a dump failed with; both ends of a dump carry a negated errno or nothing."""
    for _, start, end in last:
        (code,) = _ERROR.unpack_from(buffer, start) if end - start >= _ERROR.size else (0,)
        if code < 0:
            raise OSError(-code, os.strerror(-code))
