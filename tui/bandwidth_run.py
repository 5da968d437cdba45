"""Runs one bandwidth test for `longpipe bandwidth HOST`: asks, shows how far it is, prints and keeps the results."""

import argparse
import asyncio
import shlex
import shutil
import sys
import time
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from analysis.samples import Route, Routes
from analysis.settings import RouteSettings
from analysis.transfer.document import document
from analysis.transfer.results import Run
from analysis.units import bits_per_s, duration, size
from collectors import results
from collectors.clock import Clock
from collectors.probe.stream import Binding
from collectors.routes import read_tables
from collectors.session.header import CollectorNote, new_header
from collectors.session.writer import SessionWriter
from collectors.transfer.measure import IDLE_S, Stage, Wish, measure
from collectors.transfer.talk import Gone
from collectors.transfer.way import bound_to
from collectors.ways import ways_out
from tui import __version__
from tui.bandwidth_rows import result_rows
from tui.cli import CommandError, Exit, complain
from tui.commands.bandwidth import FEC_BPS, FLOWS, IPERF3_PORT, NEEDED, PORT
from tui.config.load import load
from tui.lookup import looked_up
from tui.text import _, tell
from tui.until import sigint
from tui.widgets.clean import clean
from tui.widgets.runs import row_text

TOOL: Final = f"longpipe {__version__}"
ASKING_S: Final = 0.5
"""How often the progress line is written."""
_CLEAR: Final = "\r\x1b[K"
_YES: Final = ("y", "yes", "j", "是")
_CODE: Final = (NEEDED, NEEDED + 2)


class Outcome(NamedTuple):
    """What came of a test: results, and why it ended before its end."""

    results: list[Run]
    routes: tuple[Route, ...]
    """The ways out of this box, for whoever reads the recording."""
    problem: str | None
    interrupted: bool


def test(args: argparse.Namespace) -> int:
    """Test and print; the exit code is 0 done, 1 not done or not whole, 130 interrupted."""
    configuration = load([], file=args.config)
    for notice in configuration.notices:
        complain(notice)
    clock = Clock()
    outcome = asyncio.run(_test(args, configuration.settings.routes, clock))
    if outcome.results:
        _keep(args, outcome, clock)
        _print(outcome.results, json=args.json)
    if outcome.interrupted:
        complain(
            _("interrupted: this is what was measured until then")
            if outcome.results
            else _("interrupted: nothing was measured yet")
        )
        return Exit.INTERRUPTED
    if outcome.problem is not None:
        complain(outcome.problem)
        return Exit.ERROR
    return Exit.OK


async def _test(args: argparse.Namespace, routes: tuple[RouteSettings, ...], clock: Clock) -> Outcome:
    address = await looked_up(args.host, args.family)
    done: list[Run] = []
    problem: str | None = None
    known = ways_out(await read_tables(), routes)
    try:
        wish = await _wish(args, address, routes)
        _consent(args, wish)
        progress = _Progress(shown=sys.stderr.isatty())
        with sigint() as stop:
            working = asyncio.create_task(measure(wish, clock, TOOL, progress.begin, done.append))
            showing = asyncio.create_task(progress.show())
            stopping = asyncio.create_task(stop.wait())
            await asyncio.wait((working, stopping), return_when=asyncio.FIRST_COMPLETED)
            for task in (working, showing, stopping):
                task.cancel()
            ended = await asyncio.gather(working, showing, stopping, return_exceptions=True)
        progress.clear()
        if isinstance(ended[0], Exception):
            raise ended[0]
        return Outcome(done, known, None, stop.is_set())
    except Gone as gone:
        problem = clean(tell(gone.problem))
    return Outcome(done, known, problem, interrupted=False)


async def _wish(args: argparse.Namespace, address: str, routes: tuple[RouteSettings, ...]) -> Wish:
    needed, block = (args.redundancy or _CODE) if args.fec else (None, None)
    udp_bps = args.udp or (FEC_BPS if args.fec else None)
    binding = await bound_to(args.route, routes) if args.route else Binding(args.interface, args.source)
    wish = Wish(
        target=args.host,
        address=address,
        port=args.port or (IPERF3_PORT if args.iperf3 else PORT),
        directions=("up", "down") if args.direction == "both" else (args.direction,),
        seconds=args.seconds,
        most_bytes=args.cap,
        flows=1 if udp_bps else args.flows or FLOWS,
        together=args.together,
        binding=binding,
        pace_bps=udp_bps,
        payload_bytes=args.size,
        needed=needed,
        block=block,
        iperf3=args.iperf3,
        routes=routes,
    )
    if block and min(wish.each_bytes, (udp_bps or 0) / 8 * wish.seconds) < block * wish.payload_bytes:
        raise CommandError(_("that is less than one block of error correction: give more time or --cap"), Exit.USAGE)
    return wish


def most_bytes(wish: Wish) -> int:
    """Return what a test moves at most: its cap, or what its pace gives in its time where that is less."""
    if not wish.pace_bps:
        return wish.most_bytes
    return min(wish.most_bytes, int(wish.pace_bps / 8 * wish.seconds * wish.parts))


def _consent(args: argparse.Namespace, wish: Wish) -> None:
    """Tell how much is moved for how long, and go on only where the person says so. Raises CommandError."""
    text = _(
        "This moves up to {size} between here and {host} in up to {time}, {pace}. "
        "Who shares the line will notice, and it may cost money.",
        size=size(most_bytes(wish)),
        host=clean(args.host),
        time=duration((wish.parts * wish.seconds + IDLE_S) * 1e9),
        pace=_("at {rate}", rate=bits_per_s(wish.pace_bps)) if wish.pace_bps else _("as fast as the line goes"),
    )
    if args.yes:
        return
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        command = shlex.join([*_words(), "--yes"])
        raise CommandError(
            text + "\n" + _("Nobody can be asked here. To agree: {command}", command=command), Exit.USAGE
        )
    print(text, file=sys.stderr)
    print(_("Go on? [y/N] "), end="", file=sys.stderr, flush=True)
    if sys.stdin.readline().strip().casefold() not in _YES:
        raise CommandError(_("Nothing was moved."))


def _words() -> list[str]:
    """Return the command line, the program by its name alone."""
    return ["longpipe", *(clean(word) for word in sys.argv[1:])]


class _Progress:
    """The line that says what is being done."""

    def __init__(self, *, shown: bool) -> None:
        self._shown = shown
        self._stage: Stage | None = None
        self._since = 0.0

    def begin(self, stage: Stage) -> None:
        """Take the next stage."""
        self._stage, self._since = stage, time.monotonic()

    async def show(self) -> None:
        """Write the line until cancelled."""
        while self._shown:
            if self._stage is not None:
                print(_CLEAR + self._line(self._stage), end="", file=sys.stderr, flush=True)
            await asyncio.sleep(ASKING_S)

    def clear(self) -> None:
        """Take the line away."""
        if self._shown:
            print(_CLEAR, end="", file=sys.stderr, flush=True)

    def _line(self, stage: Stage) -> str:
        words = {
            "time": f"{min(stage.seconds, time.monotonic() - self._since):.0f}",
            "of": f"{stage.seconds:.0f}",
            "moved": size(stage.moving()),
        }
        match stage.what:
            case "idle":
                return _("measuring round trips of the idle line")
            case "up":
                return _("up: {time} of {of} s, {moved}", **words)
            case "down":
                return _("down: {time} of {of} s, {moved}", **words)
            case "both":
                return _("up and down: {time} of {of} s, {moved}", **words)


def _print(found: list[Run], *, json: bool) -> None:
    if json:
        print(msgspec.json.format(msgspec.json.encode(document(found, tell))).decode())
        return
    width = max(60, min(shutil.get_terminal_size((100, 24)).columns, 160))
    first = found[0]
    print(f"{clean(first.target)} ({clean(first.address)})  {_('route')} {clean(first.route) or '–'}")
    print("\n".join(row_text(row).rstrip() for row in result_rows(found, width)))


def _keep(args: argparse.Namespace, outcome: Outcome, clock: Clock) -> None:
    """Hand the results to the dashboards of this box, and write them where the person wants them."""
    try:
        results.keep(outcome.results)
    except OSError as problem:
        complain(_("The dashboard will not know of this test: {reason}", reason=problem))
    if not args.record:
        return
    header = new_header(clock, TOOL, {}, (CollectorNote("bandwidth"),))
    try:
        writer = SessionWriter(Path(args.record), header)
        for sample in (Routes(outcome.results[0].t, outcome.routes), *outcome.results):
            writer.write(sample)
        writer.close()
    except OSError as problem:
        complain(_("{file} cannot be written: {reason}", file=args.record, reason=problem.strerror))
