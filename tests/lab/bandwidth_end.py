"""The waiting end of a bandwidth test. usage: python -m tests.lab.bandwidth_end PORT [TESTS [BYTES [SECONDS]]]"""

import asyncio
import sys

from collectors.transfer.bounds import Limits
from collectors.transfer.server import Server


async def serve(port: int, tests: int = 4, most_bytes: int = 1 << 32, most_seconds: float = 10.0) -> None:
    server = Server(Limits(tests, most_seconds, most_bytes), "longpipe lab")
    server.listen(None, port)
    print("ready", flush=True)
    await server.run()


if __name__ == "__main__":
    words = sys.argv[1:]
    asyncio.run(serve(*map(int, words)))
