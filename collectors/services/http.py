"""One GET over a connection: h11 reads the answer, no more of it is read than needed, and the first byte is timed."""

import asyncio
from typing import Final, NamedTuple

import h11

from analysis.text import N_, say
from collectors.services.line import Failed, Line

BODY_LIMIT: Final = 256 << 10
"""A health page is shorter; of a longer one only the beginning is read. Chunks count with their wrapping."""
HEAD_LIMIT: Final = 32 << 10
_INTERIM_LIMIT: Final = 8
_NO_ANSWER: Final = say(N_("the connection ended without an answer"))


class Answer(NamedTuple):
    """What came back. `cut`: the body is longer than is read. `location`: where a redirect points."""

    status: int
    first_byte_us: int
    cut: bool
    location: str | None = None


async def get(line: Line, authority: str, target: str, agent: str) -> Answer:
    """Ask for `target` and read the answer to its end, within limits. Raises Failed."""
    loop = asyncio.get_running_loop()
    connection = h11.Connection(h11.CLIENT, max_incomplete_event_size=HEAD_LIMIT)
    headers = [("Host", authority), ("User-Agent", agent), ("Accept", "*/*"), ("Connection", "close")]
    request = connection.send(h11.Request(method="GET", target=target, headers=headers))
    began = loop.time()
    await line.send((request or b"") + (connection.send(h11.EndOfMessage()) or b""))
    reader = _Reader(line, connection)
    try:
        response = await reader.response()
        cut = await reader.body()
    except h11.RemoteProtocolError as problem:
        raise Failed("protocol", say(N_("what came back is not HTTP: {reason}"), reason=problem)) from None
    onward = next((value.decode("ascii", "replace") for name, value in response.headers if name == b"location"), None)
    is_redirect = 300 <= response.status_code < 400
    first_byte_us = int((reader.first_byte_s - began) * 1e6)
    return Answer(response.status_code, first_byte_us, cut, onward if is_redirect else None)


class _Reader:
    """Feeds an HTTP parser."""

    def __init__(self, line: Line, connection: h11.Connection) -> None:
        self._line = line
        self._connection = connection
        self._received = 0
        self.first_byte_s = 0.0

    async def response(self) -> h11.Response:
        """Return status and header fields."""
        for _ in range(_INTERIM_LIMIT):
            event = await self._next()
            if isinstance(event, h11.Response):
                return event
            if not isinstance(event, h11.InformationalResponse):
                break
        raise Failed("protocol", _NO_ANSWER)

    async def body(self) -> bool:
        """Read the body; return whether it was too long to be read whole."""
        most = self._received + BODY_LIMIT
        while isinstance(await self._next(), h11.Data):
            if self._received > most:
                return True
        return False

    async def _next(self) -> object:
        while (event := self._connection.next_event()) is h11.NEED_DATA:
            data = await self._line.receive()
            self.first_byte_s = self.first_byte_s or asyncio.get_running_loop().time()
            if not data and not self._received:
                raise Failed("closed", _NO_ANSWER)
            self._received += len(data)
            self._connection.receive_data(data)
        return event
