"""Records whatever the hub sees, on its own thread, within bounds. When the disk fails, only the recording stops."""

import errno
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Final

import msgspec

from analysis.samples import Dropped, Health, Sample
from analysis.text import N_, Sentence, say
from collectors.clock import Clock
from collectors.hub import Inbox
from collectors.session.header import SUFFIX, Header, rfc3339
from collectors.session.retention import PREFIX, Limits, prune
from collectors.session.writer import SessionWriter

FLUSH_S: Final = 1.0
"""What a killed process can lose."""
NAME: Final = "recorder"
_FULL: Final = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_FORBIDDEN: Final = (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.ENOENT)


NOT_TO_A_FILE: Final = N_(
    "Nothing is recorded, {file} cannot be written: {reason}. Allow it, or give another place with -o."
)
NOT_TO_OWN_PLACE: Final = N_(
    "Nothing is recorded, {file} cannot be written: {reason}. Allow it, name another place in XDG_STATE_HOME, "
    "or do without with --no-record."
)
"""What is said where the place is forbidden: what a person can do depends on how recording was asked for."""


class RecorderState(msgspec.Struct, frozen=True):
    """What can be said of the recording now."""

    path: Path | None = None
    """The file being written, None before the first and after the last."""
    bytes: int = 0
    """Written by this session so far, all parts together."""
    since_ns: int = 0
    parts: tuple[Path, ...] = ()
    """Every file of this session, oldest first; retention may have removed some."""
    dropped: int = 0
    """Samples that came faster than they could be written, or that no line can hold."""
    problem: Sentence | None = None
    """Why nothing is written any more."""


class Recorder:
    """A sink of the hub. `start`, then `put` from any thread, then `stop`.

    `tell` is given a `Health` sample when recording fails. `name_part` names the file of each part in `directory`.
    `forbidden` is the message where that cannot be written, with {file} and {reason}.
    """

    def __init__(
        self,
        directory: Path,
        header: Header,
        clock: Clock,
        limits: Limits | None = None,
        tell: Callable[[Sample], None] = lambda _: None,
        name_part: Callable[[Header], str] | None = None,
        forbidden: str = NOT_TO_A_FILE,
    ) -> None:
        self._directory = directory
        self._header = header
        self._clock = clock
        self._limits = limits or Limits()
        self._tell = tell
        self._name_part = name_part or part_name
        self._forbidden = forbidden
        self._inbox = Inbox(clock, where=NAME)
        self._writer: SessionWriter | None = None
        self._part_start_ns = 0
        self._closed_bytes = 0
        self._wake = threading.Event()
        self._stopping = False
        self._thread = threading.Thread(target=self._main, name="longpipe-recorder", daemon=True)
        self._state = RecorderState(since_ns=clock.now_ns())

    def start(self) -> None:
        """Start recording. A directory that cannot be written is told as any later failure is."""
        self._thread.start()

    def put(self, sample: Sample) -> None:
        """Record a sample. Never blocks."""
        if self._state.problem is None:
            self._inbox.put(sample)

    def state(self) -> RecorderState:
        """Return what can be said now; from any thread."""
        return self._state

    def stop(self, timeout_s: float = 5.0) -> None:
        """Write what is left and close the file. Safe to call twice, and before `start`."""
        self._stopping = True
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join(timeout_s)

    def _main(self) -> None:
        try:
            while not self._stopping:
                self._write(self._inbox.drain())
                self._wake.wait(FLUSH_S)
            self._write(self._inbox.drain())
            if self._writer is not None:
                self._close(self._writer, continued=False)
        except OSError as error:
            self._fail(error)

    def _write(self, samples: list[Sample]) -> None:
        for sample in samples:
            writer = self._writer or self._open(sample.t)
            if self._full(writer, sample.t):
                self._close(writer, continued=True)
                writer = self._open(sample.t, writer)
            writer.write(sample)
            if isinstance(sample, Dropped) and sample.where == NAME:
                self._update(dropped=self._state.dropped + sample.count)
        if self._writer is not None:
            self._flush(self._writer)

    def _flush(self, writer: SessionWriter) -> None:
        if writer.unwritable:
            self._update(dropped=self._state.dropped + writer.unwritable)
            writer.write(Dropped(self._clock.now_ns(), writer.unwritable, NAME))
            writer.unwritable = 0
        writer.flush()
        self._update(bytes=self._closed_bytes + writer.size)

    def _full(self, writer: SessionWriter, t: int) -> bool:
        limits = self._limits
        too_long = limits.file_ns is not None and t - self._part_start_ns >= limits.file_ns
        return too_long or (limits.file_bytes is not None and writer.size >= limits.file_bytes)

    def _open(self, t: int, previous: SessionWriter | None = None) -> SessionWriter:
        """Begin the next part and make room for it."""
        self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        prune(self._directory, self._limits, self._clock.now_ns())
        part = 0 if previous is None else previous.header.part + 1
        header = msgspec.structs.replace(self._header, part=part, started=rfc3339(t))
        path = self._directory / self._name_part(header)
        self._writer = SessionWriter(path, header, previous.definitions if previous else None)
        self._part_start_ns = t
        self._update(path=path, parts=(*self._state.parts, path))
        return self._writer

    def _close(self, writer: SessionWriter, *, continued: bool) -> None:
        writer.close(continued=continued)
        self._closed_bytes += writer.size
        self._update(path=None, bytes=self._closed_bytes)
        self._writer = None

    def _fail(self, error: OSError) -> None:
        """Say that recording has stopped; everything else goes on."""
        if self._writer is not None:
            self._writer.abandon()
        self._writer = None
        problem = _sentence(error, self._directory, self._forbidden)
        self._update(path=None, problem=problem)
        self._inbox.drain()
        self._tell(Health(self._clock.now_ns(), NAME, "failed", problem))

    def _update(self, **changes: object) -> None:
        self._state = msgspec.structs.replace(self._state, **changes)


def part_name(header: Header) -> str:
    """Return the recorder's name for a part: sorted by time, unique by session, so that two recorders never meet."""
    stamp = header.started.partition(".")[0].rstrip("Z").replace(":", "-")
    return f"{PREFIX}{stamp}Z-{header.session[:8]}-{header.part:03}{SUFFIX}"


def state_directory() -> Path:
    """Return where the always-on recording lives (XDG Base Directory Specification)."""
    base = os.environ.get("XDG_STATE_HOME", "")
    return (Path(base) if base.startswith("/") else Path.home() / ".local" / "state") / "longpipe"


def _sentence(error: OSError, directory: Path, forbidden: str) -> Sentence:
    if error.errno in _FULL:
        return say(
            N_(
                "Recording has stopped, the disk is full: {file}. What was written can be read; "
                "make room, then start longpipe again."
            ),
            file=error.filename or directory,
        )
    if error.errno == errno.EEXIST:
        return say(
            N_("Nothing is recorded: {file} is there already and is never overwritten. Give another name."),
            file=error.filename,
        )
    if error.errno in _FORBIDDEN:
        return say(forbidden, file=error.filename or directory, reason=error.strerror)
    return say(
        N_("Recording has stopped, writing failed: {reason} ({file}). What was written can be read."),
        file=error.filename or directory,
        reason=error.strerror or error,
    )
