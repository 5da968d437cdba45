"""Starting the capture helper, directly where that is allowed, else by sudo where that asks for no password."""

import asyncio
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from typing import Final, Self

import msgspec

from analysis.samples import AnySample, Sample
from analysis.text import N_, say
from collectors.base import Need, Unavailable
from collectors.capture.options import Options
from collectors.clock import Clock
from collectors.privilege import AS_ROOT, capture_need, look

_LONGEST_LINE: Final = 16 << 20
_PATIENCE_S: Final = 5.0
_REFUSED, _CRASHED = 4, 1


def helper_argv(options: Options, *, allowed: bool, sudo: str | None) -> list[str] | None:
    """Return how to start the helper, None where nothing would help.

    `-I`: a process that may run as root takes no code from the current directory or the environment.
    """
    argv = [sys.executable, "-I", "-m", "collectors.capture.helper", msgspec.json.encode(options).decode()]
    if allowed:
        return argv
    return [sudo, "-n", "--", *argv] if sudo is not None else None


class Capture:
    """A running helper. Its samples come with times of `clock`."""

    def __init__(self, process: asyncio.subprocess.Process, clock: Clock, as_root: str = AS_ROOT) -> None:
        self._process = process
        self._clock = clock
        self._as_root = as_root

    @classmethod
    async def start(
        cls, options: Options, clock: Clock, argv: Sequence[str] | None = None, *, as_root: str = AS_ROOT
    ) -> Self:
        """Start to capture. Raises `Unavailable`, with the command that would allow it, where it is not allowed.

        `as_root` is the command that does the same as root.
        """
        if argv is None:
            privilege = look()
            argv = helper_argv(options, allowed=privilege.capture, sudo=shutil.which("sudo"))
            if argv is None:
                raise not_allowed(capture_need(privilege), as_root)
        process = await asyncio.create_subprocess_exec(
            *argv,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            limit=_LONGEST_LINE,
        )
        return cls(process, clock, as_root)

    async def samples(self) -> AsyncIterator[Sample]:
        """Yield what the helper says until it ends. Raises `Unavailable` where it ended without a word."""
        stdout = self._process.stdout
        assert stdout is not None  # noqa: S101 - asked for above
        decoder, told = msgspec.json.Decoder(AnySample), False
        while line := await stdout.readline():
            sample: Sample = decoder.decode(line)
            told = True
            yield msgspec.structs.replace(sample, t=self._clock.at_mono_ns(sample.t))
        code = await self._process.wait()
        if code == _REFUSED:
            raise not_allowed(capture_need(look()), self._as_root)
        if code == _CRASHED:
            raise await self._crash(told=told)

    async def _crash(self, *, told: bool) -> Unavailable:
        """Return why the helper, or sudo in front of it, ended without telling."""
        stderr = self._process.stderr
        lines = (await stderr.read()).decode(errors="replace").split("\n") if stderr is not None else []
        why = next((line for line in reversed(lines) if line.strip()), "")
        need = capture_need(look())
        if need is not None and not told:
            return not_allowed(need, self._as_root)
        return Unavailable(say(N_("The capture helper ended: {why}"), why=why))

    def finish(self) -> None:
        """Ask the helper to tell what is left and to end."""
        if self._process.stdin is not None:
            self._process.stdin.close()

    async def stop(self) -> None:
        """End the helper, by force if it does not go."""
        self.finish()
        try:
            await asyncio.wait_for(self._process.wait(), _PATIENCE_S)
        except TimeoutError:
            self._process.kill()
            await self._process.wait()


def not_allowed(need: Need | None, as_root: str) -> Unavailable:
    """Return why there is no capture, with the exact command where one helps; `as_root` is that for root."""
    if need is None or need.command is None:
        why = say(N_("Capturing packets is not allowed here, and no command would change that."))
    else:
        command = as_root if need.command == AS_ROOT else need.command
        why = say(N_("Capturing packets needs CAP_NET_RAW. Run: {command}"), command=command)
    return Unavailable(why, permanent=True)
