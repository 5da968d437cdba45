"""Results of bandwidth tests, from the command that did them to whatever observes this box: a small file of lines.

The command adds a line; every live dashboard and recording takes it in within seconds, one started later too, as
long as the result is fresh.
"""

import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

import msgspec

from analysis.samples import BandwidthRun, FecRun
from analysis.transfer.results import FRESH_NS
from collectors.base import Emit, Need
from collectors.clock import Clock
from collectors.session.decode import Decoder
from collectors.session.recorder import state_directory
from collectors.ticks import ticks

NAME: Final = "bandwidth.jsonl"
LIMIT_BYTES: Final = 256 << 10
"""The file is begun anew with its newer half when it has grown beyond this."""


def keep(results: Iterable[BandwidthRun | FecRun], directory: Path | None = None) -> None:
    """Add results to the file. Raises OSError."""
    directory = directory or state_directory()
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = directory / NAME
    lines = b"".join(msgspec.json.encode(result) + b"\n" for result in results)
    if path.exists() and path.stat().st_size > LIMIT_BYTES:
        fresh = path.with_suffix(f".{os.getpid()}")
        old = path.read_bytes()[-LIMIT_BYTES // 2 :]
        _write(fresh, old.partition(b"\n")[2])
        fresh.replace(path)
    _write(path, lines)


def _write(path: Path, data: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "ab") as file:
        file.write(data)


class ResultsCollector:
    """Emits the results of tests done on this box, those of the last hour at the start."""

    name = "bandwidth"

    def __init__(self, clock: Clock, directory: Path | None = None, interval_s: float = 2.0) -> None:
        self._clock = clock
        self._directory = directory
        self._interval_s = interval_s
        self._seen: tuple[int, int] | None = None
        self._newest_ns = clock.now_ns() - FRESH_NS

    def needs(self) -> Sequence[Need]:
        """The person's own file needs no privilege."""
        return ()

    async def run(self, emit: Emit) -> None:
        """Emit until cancelled."""
        async for _ in ticks(self._interval_s):
            for result in self.read():
                emit(result)

    def read(self) -> list[BandwidthRun | FecRun]:
        """Return what has been added since the last look, told as of now."""
        path = (self._directory or state_directory()) / NAME
        try:
            status = path.stat()
        except FileNotFoundError:
            return []
        if (changed := (status.st_mtime_ns, status.st_size)) == self._seen:
            return []
        self._seen = changed
        now_ns = self._clock.now_ns()
        results = _results(path.read_bytes()[-2 * LIMIT_BYTES :])
        found = [result for result in results if self._newest_ns < result.ended_ns < now_ns + FRESH_NS]
        self._newest_ns = max((result.ended_ns for result in found), default=self._newest_ns)
        # Another process has another clock, which may be a little ahead.
        return [msgspec.structs.replace(one, t=now_ns, ended_ns=min(one.ended_ns, now_ns)) for one in found]


def _results(data: bytes) -> Iterable[BandwidthRun | FecRun]:
    """Yield the results in whole lines; anything else is passed over."""
    decoder = Decoder(foreign=False)
    for line in data.splitlines(keepends=True):
        sample = decoder.decode(line.rstrip(b"\n")) if line.endswith(b"\n") else None
        if isinstance(sample, BandwidthRun | FecRun):
            yield sample
