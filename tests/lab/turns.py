"""How often the event loop comes round to others while something is under way."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Turns:
    """Counts, while `others` is entered."""

    def __init__(self) -> None:
        self.taken = 0

    async def take(self) -> None:
        """Take a turn whenever there is one, for ever."""
        while True:
            self.taken += 1
            await asyncio.sleep(0)


@asynccontextmanager
async def others() -> AsyncIterator[Turns]:
    """Let somebody else take turns meanwhile."""
    turns = Turns()
    waiting = asyncio.create_task(turns.take())
    try:
        yield turns
    finally:
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
