"""Recording without a screen: what to record, when to stop, and the line that says how it goes."""

import shutil
import signal
import sys
import time
from importlib.resources import files
from pathlib import Path
from typing import Final

import msgspec

from analysis.samples import Mark, Outcome, Probes, Sample
from analysis.settings import Settings
from analysis.units import duration, size
from collectors.clock import Clock
from collectors.hub import Hub
from collectors.session.recorder import Recorder, RecorderState, state_directory
from collectors.session.retention import Limits
from tui.cli import Exit, complain
from tui.live import live_collectors, session_header
from tui.text import _, tell

OUTAGE_PROBES: Final = 3
AFTERMATH_S: Final = 30.0
_STOP: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_LOST: Final = (Outcome.LOST, Outcome.UNREACHABLE)
_NO_LIMITS: Final = Limits(keep_ns=None, keep_bytes=None, file_ns=None, file_bytes=None)


class Until(msgspec.Struct, frozen=True):
    """When to stop by itself; None: not for that reason."""

    duration_s: float | None = None
    bytes: int | None = None
    outage: bool = False


class Watch:
    """A sink that counts probes and notices a target that is lost several times running."""

    def __init__(self) -> None:
        self.probes = 0
        self.outage = False
        self._running: dict[int, int] = {}

    def put(self, sample: Sample) -> None:
        """Look at a sample."""
        if not isinstance(sample, Probes):
            return
        self.probes += len(sample.series)
        for series, outcome in zip(sample.series, sample.outcome, strict=True):
            if outcome in _LOST:
                self._running[series] = self._running.get(series, 0) + 1
                self.outage |= self._running[series] >= OUTAGE_PROBES
            elif outcome in (Outcome.ANSWERED, Outcome.LATE):
                self._running[series] = 0


def record(settings: Settings, output: str | None, directory: str | None, until: Until, *, status: bool) -> int:
    """Record and return the exit code: 0, or 1 where writing failed."""
    # Before any thread: none of them is interrupted. Children would inherit the mask, so it is put back at the end.
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, (*_STOP, signal.SIGUSR1))
    try:
        return _record(settings, output, directory, until, status=status)
    finally:
        while signal.sigpending() & {*_STOP, signal.SIGUSR1}:
            signal.sigtimedwait((*_STOP, signal.SIGUSR1), 0)
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)


def _record(settings: Settings, output: str | None, directory: str | None, until: Until, *, status: bool) -> int:
    clock = Clock()
    collectors = live_collectors(settings, clock)
    hub, watch = Hub(collectors, clock), Watch()
    header = session_header(settings, collectors, clock)
    if output:
        path = Path(output)
        recorder = Recorder(path.parent, header, clock, _NO_LIMITS, name_part=lambda _: path.name)
    else:
        recorder = Recorder(Path(directory) if directory else state_directory(), header, clock)
    hub.subscribe(recorder.put)
    hub.subscribe(watch.put)
    recorder.start()
    hub.start()
    try:
        _wait(hub, recorder, watch, until, status=status)
    finally:
        hub.stop()
        recorder.stop()
        if status:
            print(file=sys.stderr)
    return _tell_end(recorder.state())


def _wait(hub: Hub, recorder: Recorder, watch: Watch, until: Until, *, status: bool) -> None:
    """Return when it is time to stop."""
    started = time.monotonic()
    ends = started + until.duration_s if until.duration_s is not None else None
    outage = False
    while True:
        now = time.monotonic()
        if until.outage and watch.outage and not outage:
            outage, ends = True, min(now + AFTERMATH_S, ends or now + AFTERMATH_S)
        state = recorder.state()
        if state.problem or (ends is not None and now >= ends) or (until.bytes and state.bytes >= until.bytes):
            return
        if status:
            _draw(state, watch, now - started)
        pause = 1.0 if ends is None else min(1.0, ends - now)
        caught = signal.sigtimedwait((*_STOP, signal.SIGUSR1), pause)
        if caught is None:
            continue
        if caught.si_signo in _STOP:
            return
        hub.emit(Mark(hub.clock.now_ns(), "SIGUSR1"))


def _draw(state: RecorderState, watch: Watch, elapsed_s: float) -> None:
    """Overwrite the status line."""
    line = _(
        "recording {file}: {time}, {probes} probes, {size}",
        file=state.path or "…",
        time=duration(elapsed_s * 1e9),
        probes=watch.probes,
        size=size(state.bytes),
    )
    width = shutil.get_terminal_size().columns - 1
    print(f"\r\x1b[K{line[:width]}", end="", file=sys.stderr, flush=True)


def _tell_end(state: RecorderState) -> int:
    """Say what was written; return the exit code."""
    if state.problem:
        complain(tell(state.problem))
    for path in state.parts:
        print(path)
    return Exit.ERROR if state.problem else Exit.OK


def unit() -> str:
    """Return the systemd unit, naming this very program."""
    program = shutil.which(sys.argv[0]) or "/usr/bin/longpipe"
    template = files("collectors").joinpath("data/longpipe-record.service").read_text(encoding="utf-8")
    return template.replace("@longpipe@", str(Path(program).absolute()))
