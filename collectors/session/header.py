"""The first line of a session file: which session this is, whose, and by which rules to read the rest."""

import platform
from datetime import UTC, datetime
from typing import Final
from uuid import uuid4

import msgspec

from analysis.text import N_, Sentence, say
from collectors.clock import Clock

MAJOR: Final = 1
"""Grows only when an old reader would misunderstand; new kinds and fields do not count."""
SUFFIX: Final = ".lps"


class Unreadable(Exception):
    """A file that cannot be read as a session at all; the sentence says why and what to do."""

    def __init__(self, problem: Sentence) -> None:
        super().__init__(str(problem))
        self.problem = problem


class CollectorNote(msgspec.Struct, frozen=True, omit_defaults=True):
    """A collector that took part, and what it lacked on that box."""

    name: str
    needs: tuple[Sentence, ...] = ()


class Header(msgspec.Struct, frozen=True, omit_defaults=True):
    """Line 1. `wall_ns` and `mono_ns` were read together when the session's clock started."""

    longpipe: int
    """The major version of the format."""
    session: str
    """UUID; the same in every part of one session."""
    started: str
    """RFC 3339: the time of this part's first sample."""
    mono_ns: int
    wall_ns: int
    host: str
    tool: str
    part: int = 0
    collectors: tuple[CollectorNote, ...] = ()
    config: dict[str, object] = {}
    excerpt: bool = False
    """Cut from a longer session, so what is missing was not necessarily unseen."""
    redacted: bool = False
    """Names and addresses are stand-ins."""


def new_header(clock: Clock, tool: str, config: dict[str, object], collectors: tuple[CollectorNote, ...]) -> Header:
    """Return the header of a session that starts now on this box."""
    return Header(
        longpipe=MAJOR,
        session=str(uuid4()),
        started=rfc3339(clock.now_ns()),
        mono_ns=clock.started_mono_ns,
        wall_ns=clock.started_wall_ns,
        host=platform.node(),
        tool=tool,
        collectors=collectors,
        config=config,
    )


def parse_header(line: bytes) -> Header:
    """Return the header in `line`. Raises `Unreadable` where it is none, or of a format yet to come."""
    try:
        version = msgspec.json.decode(line, type=_Version).longpipe
    except msgspec.DecodeError:
        raise Unreadable(say(N_("This is not a longpipe session: its first line is not a session header."))) from None
    if version > MAJOR:
        raise Unreadable(
            say(
                N_(
                    "This session was written in format {theirs}; this longpipe reads up to {ours}. "
                    "Install a newer longpipe to read it."
                ),
                theirs=version,
                ours=MAJOR,
            )
        )
    try:
        return msgspec.json.decode(line, type=Header)
    except msgspec.DecodeError as error:
        raise Unreadable(say(N_("The header of this session is damaged: {detail}"), detail=error)) from None


def rfc3339(t_ns: int) -> str:
    """Return a sample time as text in UTC, to the microsecond; times that no calendar holds as they are."""
    try:
        return datetime.fromtimestamp(t_ns // 1000 / 1e6, UTC).isoformat().replace("+00:00", "Z")
    except (OverflowError, ValueError, OSError):
        return str(t_ns)


class _Version(msgspec.Struct):
    longpipe: int
