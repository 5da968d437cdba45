"""Observes this box for a while, without a screen and without leaving anything on disk."""

import platform
import shutil
import signal
import sys
import time
from collections.abc import Callable
from types import FrameType
from typing import Final

from analysis.model import Model
from analysis.settings import Settings
from analysis.units import duration
from collectors.clock import Clock
from collectors.hub import Hub, Inbox
from tui.live import TOOL, live_collectors
from tui.report.seen import Seen, seen
from tui.text import _

STEP_S: Final = 0.25
SECOND_NS: Final = 10**9
_PATIENCE_S: Final = 60.0


def observed(settings: Settings, for_s: float, *, status: bool) -> tuple[Seen, bool]:
    """Return what was seen in `for_s` seconds, and whether all of them passed: Ctrl+C ends the test early.

    `status`: say on stderr how far it is.
    """
    clock, model = Clock(), Model(settings)
    start_ns = clock.now_ns()
    whole = fold_live(model, settings, clock, for_s, status=status)
    return seen(model, platform.node(), TOOL, start_ns, clock.now_ns()), whole


def fold_live(
    model: Model,
    settings: Settings,
    clock: Clock,
    for_s: float,
    *,
    status: bool,
    enough: Callable[[], bool] = lambda: True,
) -> bool:
    """Fold what this box shows for `for_s` seconds into `model`; return whether all of them passed.

    Where that was not `enough`, as on a slow box, it goes on until it is, for a minute at most.
    """
    before = {number: signal.signal(number, _interrupt) for number in (signal.SIGTERM, signal.SIGHUP)}
    whole = True
    hub, inbox = Hub(live_collectors(settings, clock), clock), Inbox(clock)
    hub.subscribe(inbox.put)
    hub.start()
    try:
        ends = time.monotonic() + for_s
        while (left := ends - time.monotonic()) > 0 or (left > -_PATIENCE_S and not enough()):
            time.sleep(min(STEP_S, left) if left > 0 else STEP_S)
            _fold(model, inbox)
            if status:
                _draw(min(for_s, for_s - left), for_s)
    except KeyboardInterrupt:
        whole = False
    finally:
        hub.stop()
        for number, handler in before.items():
            signal.signal(number, handler)
        if status:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)
    _fold(model, inbox)
    return whole


def _fold(model: Model, inbox: Inbox) -> None:
    for sample in inbox.drain():
        model.fold(sample)


def _draw(elapsed_s: float, for_s: float) -> None:
    """Overwrite the status line."""
    line = _(
        "testing: {elapsed} of {time}", elapsed=duration(elapsed_s * SECOND_NS), time=duration(for_s * SECOND_NS)
    )
    width = shutil.get_terminal_size().columns - 1
    print(f"\r\x1b[K{line[:width]}", end="", file=sys.stderr, flush=True)


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    """End as Ctrl+C does, so that everything is closed."""
    raise KeyboardInterrupt
