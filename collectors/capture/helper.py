"""The process that captures: `python -m collectors.capture.helper OPTIONS`, OPTIONS a JSON object.

It holds CAP_NET_RAW for as long as it takes to make the ring, then nothing. It writes one sample a second as a line
of JSON to stdout, with `t` on CLOCK_MONOTONIC, and ends when its stdin closes: with the process that started it.
"""

import os
import select
import signal
import sys
import time
from typing import Final, Literal, TypeAlias

import msgspec
import numpy.ma  # noqa: F401 - numpy loads it when first needed; nobody may not be able to read it then

from analysis.roce.decode import decode
from analysis.roce.frames import Frames
from analysis.roce.tick import TickMaker
from analysis.samples import Health, Sample
from analysis.text import N_, Sentence, say
from collectors.base import Unavailable
from collectors.capture.interface import index, is_up
from collectors.capture.options import Options, health_name
from collectors.capture.privileges import as_asking_user, drop
from collectors.capture.ring import RETIRE_MS, Ring
from collectors.capture.save import Saver

State: TypeAlias = Literal["running", "missing", "failed"]
SECOND_NS: Final = 1_000_000_000
OK, GONE, REFUSED, FAILED = 0, 3, 4, 5
"""Exit codes: asked to end; the interface went away; no privilege; another reason, which was told."""
_GATHER_S: Final = 0.02
"""Packets are let gather this long: taking them in larger lots is cheaper for each."""


class Watch:
    """One capture from its first packet to its last."""

    def __init__(self, options: Options, ring: Ring, saver: Saver | None) -> None:
        self._options, self._ring, self._saver = options, ring, saver
        self._index = index(options.interface)
        self._ticks = TickMaker(options.flows)
        self._told_ns = time.monotonic_ns()
        self._up: bool | None = None

    def run(self) -> int:
        """Capture until stdin closes or the interface goes away. Return the exit code."""
        poll = select.poll()
        poll.register(0, select.POLLIN)
        poll.register(self._ring, select.POLLIN)
        while self._look():
            wait_ns = self._told_ns + SECOND_NS - time.monotonic_ns()
            ready = dict(poll.poll(max(0, -(-wait_ns // 1_000_000))))
            if ready.get(0) and not os.read(0, 4096):
                self._finish()
                return OK
            if ready.get(self._ring.fileno(), 0) & select.POLLERR:
                self._ring.trouble()
            elif ready:
                time.sleep(_GATHER_S)
            self._take()
            if time.monotonic_ns() >= self._told_ns + SECOND_NS:
                self._tick()
        return GONE

    def _take(self) -> None:
        while (frames := self._ring.read()) is not None:
            self._ticks.add(decode(frames, self._ticks.fold.pairs))
            self._save(frames)
            if time.monotonic_ns() >= self._told_ns + SECOND_NS:
                break

    def _finish(self) -> None:
        """Wait for the block that is being filled, then tell what is left."""
        time.sleep(2 * RETIRE_MS / 1000)
        self._take()
        self._ticks.fold.finish()
        self._tick()

    def _tick(self) -> None:
        now = time.monotonic_ns()
        tell(self._ticks.tick(now, self._options.interface, now - self._told_ns, self._ring.dropped()))
        self._told_ns = now

    def _look(self) -> bool:
        """Tell when the interface goes down or comes up; return False once it is gone."""
        name = self._options.interface
        if index(name) != self._index:
            self._say("missing", say(N_("Interface {interface} is gone."), interface=name))
            return False
        up = is_up(name)
        if up != self._up:
            self._up = up
            self._say("running", None if up else say(N_("Interface {interface} is down."), interface=name))
        return True

    def _save(self, frames: Frames) -> None:
        """Keep frames; when that fails capturing goes on without."""
        if self._saver is None:
            return
        try:
            self._saver.add(frames)
        except OSError as failure:
            self._saver.close()
            self._saver = None
            problem = say(
                N_("Packets are no longer saved to {file}: {why}. What was saved can be read."),
                file=self._options.save,
                why=failure.strerror,
            )
            self._say("running", problem)

    def _say(self, state: State, problem: Sentence | None = None) -> None:
        tell(Health(time.monotonic_ns(), health_name(self._options.interface), state, problem))


def tell(sample: Sample) -> None:
    """Write one line. Blocks while nobody reads: what the kernel drops meanwhile is counted."""
    sys.stdout.buffer.write(msgspec.json.encode(sample) + b"\n")
    sys.stdout.buffer.flush()


def main(argument: str) -> int:
    """Capture as the options say; every failure is told as a sample first."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process in front, which then closes our stdin
    options = msgspec.json.decode(argument, type=Options)
    try:
        watch = _prepare(options)
        return watch.run()
    except BrokenPipeError:
        return OK
    except Unavailable as problem:
        return _give_up(options, "missing", problem.problem, FAILED)
    except PermissionError:
        return _give_up(options, "missing", say(N_("Capturing needs CAP_NET_RAW.")), REFUSED)
    except OSError as failure:
        return _give_up(options, "failed", say(N_("Capturing failed: {why}."), why=_why(failure)), FAILED)


def _prepare(options: Options) -> Watch:
    if index(options.interface) is None:
        problem = say(N_("There is no interface {interface}."), interface=options.interface)
        raise Unavailable(problem)
    ring = Ring(options.interface, options.snap, options.blocks)
    saver = None
    if options.save is not None:
        with as_asking_user(os.environ):
            saver = _saver(options, options.save)
    drop()
    return Watch(options, ring, saver)


def _saver(options: Options, path: str) -> Saver:
    try:
        return Saver(path, options.snap, options.save_bytes)
    except FileExistsError as failure:
        problem = say(N_("{file} is there already; nothing is overwritten."), file=failure.filename)
        raise Unavailable(problem, permanent=True) from failure
    except OSError as failure:
        problem = say(N_("{file} cannot be written: {why}."), file=path, why=failure.strerror)
        raise Unavailable(problem, permanent=True) from failure


def _why(failure: OSError) -> str:
    return failure.strerror or str(failure)


def _give_up(options: Options, state: State, problem: Sentence, code: int) -> int:
    tell(Health(time.monotonic_ns(), health_name(options.interface), state, problem))
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
