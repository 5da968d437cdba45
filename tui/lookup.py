"""A host's address, for commands that ask for it once."""

import asyncio
import socket
from typing import Literal

from tui.cli import CommandError
from tui.text import _
from tui.widgets.clean import clean


async def looked_up(host: str, family: Literal[4, 6] | None) -> str:
    """Return the first address of a host, with its zone. Raises CommandError."""
    kind = {None: socket.AF_UNSPEC, 4: socket.AF_INET, 6: socket.AF_INET6}[family]
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(host, None, family=kind, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as problem:
        reason = problem.strerror if isinstance(problem, OSError) else None
        raise CommandError(
            _("{host} cannot be looked up: {reason}", host=clean(host), reason=reason or problem)
        ) from problem
    return str(found[0][4][0])
