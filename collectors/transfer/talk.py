"""Lines over a non-blocking TCP socket: bounded in length, and each waited for only so long."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from typing import Final, TypeVar

import msgspec

from analysis.text import N_, Sentence, say
from collectors.transfer.wire import LINE_LIMIT, Message, Refusal, decode, encode

ANSWER_S: Final = 10.0
"""How long the other end may take to answer."""

M = TypeVar("M", bound=Message)


class Gone(Exception):
    """The test cannot go on; the sentence says why."""

    def __init__(self, problem: Sentence) -> None:
        super().__init__(str(problem))
        self.problem = problem


class Talk:
    """One end of a conversation. Close it when it is over."""

    def __init__(self, sock: socket.socket) -> None:
        sock.setblocking(False)
        self.sock = sock
        self._rest = b""

    async def say(self, message: Message) -> None:
        """Send a message."""
        try:
            async with asyncio.timeout(ANSWER_S):
                await asyncio.get_running_loop().sock_sendall(self.sock, encode(message))
        except (OSError, TimeoutError) as problem:
            raise Gone(lost(problem)) from problem

    async def hear(self, kind: type[M], within_s: float = ANSWER_S) -> M:
        """Return the next message, which must be of a kind. Raises `Gone`; a refusal is its reason."""
        try:
            async with asyncio.timeout(within_s):
                line = await self._line()
        except (OSError, TimeoutError) as problem:
            raise Gone(lost(problem)) from problem
        try:
            message = decode(line)
        except (msgspec.DecodeError, ValueError) as problem:
            raise Gone(say(N_("The other end does not speak longpipe's bandwidth test."))) from problem
        if isinstance(message, Refusal):
            plain = all(isinstance(value, str) for value in message.why.args.values())
            raise Gone(message.why if plain else say(N_("The other end refuses.")))
        if not isinstance(message, kind):
            raise Gone(say(N_("The other end said something out of turn; its version may differ.")))
        return message

    async def _line(self) -> bytes:
        loop = asyncio.get_running_loop()
        while b"\n" not in self._rest:
            if len(self._rest) > LINE_LIMIT:
                raise Gone(say(N_("The other end does not speak longpipe's bandwidth test.")))
            chunk = await loop.sock_recv(self.sock, 4096)
            if not chunk:
                raise ConnectionResetError
            self._rest += chunk
        line, _, self._rest = self._rest.partition(b"\n")
        return line

    def close(self) -> None:
        """Let go of the socket."""
        self.sock.close()


def lost(problem: OSError | TimeoutError) -> Sentence:
    """Return why a connection came to its end."""
    if isinstance(problem, TimeoutError) and not problem.errno:
        return say(N_("The other end does not answer any more."))
    if problem.strerror:
        return say(N_("The connection to the other end was lost: {reason}."), reason=problem.strerror)
    return say(N_("The other end closed the connection."))


@contextlib.asynccontextmanager
async def while_there(talk: Talk, within_s: float) -> AsyncIterator[None]:
    """Do something for as long as the caller is there and says nothing; else end it with `Gone`."""
    task = asyncio.current_task()
    hearing = asyncio.create_task(talk.hear(Message, within_s))
    gone: list[Gone] = []

    def heard(done: "asyncio.Task[Message]") -> None:
        if not done.cancelled():
            problem = done.exception()
            gone.append(problem if isinstance(problem, Gone) else Gone(say(N_("The caller ended the test."))))
            if task is not None:
                task.cancel()

    hearing.add_done_callback(heard)
    try:
        yield
    except asyncio.CancelledError:
        if not gone or task is None:
            raise
        task.uncancel()
        raise gone[0] from None
    finally:
        hearing.remove_done_callback(heard)
        hearing.cancel()
        await asyncio.gather(hearing, return_exceptions=True)
