"""When to look: at once, then at whole multiples of an interval on the monotonic clock."""

import asyncio
from collections.abc import AsyncIterator


async def ticks(interval_s: float, delay_s: float = 0.0) -> AsyncIterator[None]:
    """Yield after `delay_s` and then at every multiple of the interval; ticks that were missed are not made up for.

    Collectors with the same interval wake the processor together, and no pause drifts.
    """
    loop = asyncio.get_running_loop()
    await asyncio.sleep(delay_s)
    while True:
        yield
        now = loop.time()
        await asyncio.sleep((now // interval_s + 1) * interval_s - now)
