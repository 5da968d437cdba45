"""`longpipe bandwidth serve`: waits for tests, and says what happens."""

import argparse
import asyncio
import sys
from typing import Final

from analysis.units import bits_per_s, duration, size
from collectors.transfer.bounds import Limits
from collectors.transfer.server import Server, Told
from collectors.transfer.wire import MOST_SECONDS, PORT
from tui import __version__
from tui.cli import CommandError, Exit, complain
from tui.text import _, tell
from tui.until import sigint
from tui.widgets.clean import clean

_DEFAULT: Final = Limits()


def serve(args: argparse.Namespace) -> int:
    """Serve until interrupted, or one test."""
    limits = Limits(
        tests=args.tests or _DEFAULT.tests,
        most_seconds=min(MOST_SECONDS, args.time_limit or _DEFAULT.most_seconds),
        most_bytes=args.max_bytes or _DEFAULT.most_bytes,
    )
    return asyncio.run(_serve(args, limits))


async def _serve(args: argparse.Namespace, limits: Limits) -> int:
    port = args.port or PORT
    server = Server(limits, f"longpipe {__version__}", _say)
    try:
        try:
            addresses = server.listen(args.bind, port)
        except OSError as problem:
            raise CommandError(
                _("Port {port} cannot be listened on: {reason}. Give another.", port=port, reason=problem.strerror)
            ) from problem
        with sigint() as stop:
            _announce(addresses, server.port, limits)
            serving = asyncio.create_task(server.run(once=args.once))
            stopping = asyncio.create_task(stop.wait())
            await asyncio.wait((serving, stopping), return_when=asyncio.FIRST_COMPLETED)
            for task in (serving, stopping):
                task.cancel()
            await asyncio.gather(serving, stopping, return_exceptions=True)
        if not serving.cancelled():
            serving.result()
        return Exit.OK
    finally:
        server.close()


def _announce(addresses: list[str], port: int, limits: Limits) -> None:
    text = _(
        "Waiting for tests on {addresses}, TCP and UDP port {port}: up to {tests} at a time, {size} and {time} each.",
        addresses=", ".join(addresses),
        port=port,
        tests=limits.tests,
        size=size(limits.most_bytes),
        time=duration(limits.most_seconds * 1e9),
    )
    print(text)
    print(_("At the other end: {command}", command=f"longpipe bandwidth HOST --port {port}"), flush=True)


def _say(told: Told) -> None:
    """Say what a caller does, on stderr."""
    peer, ask = clean(told.peer), told.ask
    if told.problem is not None:
        complain(f"{peer}: {clean(tell(told.problem))}")
    elif ask is not None:
        ways = {(True, False): _("receiving"), (False, True): _("sending"), (True, True): _("both directions")}
        pace = f", {bits_per_s(ask.pace_bps)}" if ask.pace_bps else ""
        line = f"{peer}: {ask.protocol.upper()} {ways[ask.up, ask.down]}, {duration(ask.seconds * 1e9)}{pace}"
        print(line, file=sys.stderr, flush=True)
