"""`longpipe roce -i INTERFACE`: the same report from the wire, for as long as asked."""

import argparse
import asyncio
import signal
import sys
from pathlib import Path
from typing import Final

from analysis.roce.merge import merge
from analysis.roce.tick_report import report_of
from analysis.samples import Health, RoceTick
from analysis.text import Sentence
from collectors.base import Unavailable
from collectors.capture.options import SAVE_BYTES, Options
from collectors.capture.start import Capture
from collectors.clock import Clock
from tui.cli import CommandError, Exit, complain
from tui.commands.roce import show
from tui.text import _, tell
from tui.tune.saved import for_root

_FLOWS: Final = 4096
_MOST_TICKS: Final = 600


def run(args: argparse.Namespace) -> int:
    """Capture, then report; the exit code is that of a file."""
    if args.csv:
        raise CommandError(_("--csv is for files; live there are --json and --save."), Exit.USAGE)
    options = Options(
        args.interface,
        flows=_FLOWS,
        save=str(Path(args.save).absolute()) if args.save else None,
        save_bytes=args.save_size or SAVE_BYTES,
    )
    try:
        ticks, problem = asyncio.run(_capture(options, args.duration))
    except Unavailable as reason:
        raise CommandError(tell(reason.problem), Exit.PRIVILEGE) from reason
    if options.save is not None:
        _tidy(Path(f"{options.save}.1"))
    if not ticks:
        raise CommandError(tell(problem) if problem else _("Nothing was captured."))
    if problem is not None:
        complain(tell(problem))
    return show(report_of(merge(ticks), args.link_speed), args.interface, args)


def _tidy(second: Path) -> None:
    """Take away the second file where the first one had room for everything."""
    if second.exists() and not second.stat().st_size:
        second.unlink()


async def _capture(options: Options, seconds: float | None) -> tuple[list[RoceTick], Sentence | None]:
    """Return what was captured until the time is up, a signal came or the interface went; and the last problem."""
    capture = await Capture.start(options, Clock(), as_root=for_root(*sys.argv[1:]))
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, capture.finish)
    ticks: list[RoceTick] = []
    problem: Sentence | None = None
    try:
        async for sample in capture.samples():
            if isinstance(sample, Health):
                problem = sample.problem
                if problem is None and seconds is not None:
                    loop.call_later(seconds, capture.finish)
                elif problem is not None and sample.state == "running":
                    complain(tell(problem))
            elif isinstance(sample, RoceTick):
                ticks = [merge(ticks), sample] if len(ticks) >= _MOST_TICKS else [*ticks, sample]
                _progress(ticks)
    finally:
        await capture.stop()
        _progress([])
    return ticks, problem


def _progress(ticks: list[RoceTick]) -> None:
    """Keep one line on a terminal that says that something happens; no ticks take it away."""
    if not sys.stderr.isatty():
        return
    line = ""
    if ticks:
        line = _(
            "{interface}: {packets} packets captured, {dropped} dropped by the kernel. Ctrl-C ends it.",
            interface=ticks[-1].interface,
            packets=sum(tick.captured for tick in ticks),
            dropped=sum(tick.dropped for tick in ticks),
        )
    print(f"\r\x1b[K{line}", end="", file=sys.stderr, flush=True)
