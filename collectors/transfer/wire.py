"""What the two ends of a bandwidth test say to each other: JSON lines over TCP, and the head of a datagram.

The caller says `Hello`, the server `Welcome`. Then for every part of the test: `Ask`, `Ready` with a token, the data
connections (each begins with `Flow` and is answered by `Joined`), `Go`, at the end `Done` by the server. At any time
the server may say `Refusal`. For UDP the caller sends a datagram with the token, the server answers it with a number,
and the caller says that number over TCP (`Met`): nothing is sent to an address that did not ask for it.
"""

from struct import Struct
from typing import Annotated, Final, Literal, TypeAlias

import msgspec
from msgspec import Meta

from analysis.samples import DatagramCounts, SenderAccount
from analysis.text import Sentence

VERSION: Final = 1
PORT: Final = 5209
MOST_FLOWS: Final = 64
MOST_SECONDS: Final = 300.0
LINE_LIMIT: Final = 1 << 16
"""Bytes of one message; the longest has the pattern of losses."""
PATTERN_LIMIT: Final = 4096
"""Runs of a pattern that are told."""
TOKEN_BYTES: Final = 8

DATAGRAM: Final = Struct("!8sQQ")
"""Token, number, time of sending in ns by the sender's clock."""
KNOCK: Final = Struct("!8s8s")
"""Token, and a number that the server answers with; zeros in the question. Both are of one size."""
LEAST_DATAGRAM: Final = 64
MOST_DATAGRAMS: Final = 8_000_000
"""Of one part of a test: a minute at 1 Gbit/s. A receiver holds a byte for each, and 30 at its end if all differ."""
MOST_BLOCK: Final = 128
MOST_DATAGRAM: Final = 8972
"""Payload of a datagram in a frame of 9000 bytes over IPv4."""

Token = Annotated[str, Meta(pattern="^[0-9a-f]{16}$")]
Count = Annotated[int, Meta(ge=0, le=1 << 62)]
Time = Annotated[int, Meta(ge=0, le=1 << 62)]


class Message(msgspec.Struct, frozen=True, tag_field="m", omit_defaults=True):
    """One line."""


class Hello(Message, frozen=True, tag="hello"):
    """Who calls."""

    version: int
    tool: Annotated[str, Meta(max_length=100)]


class Welcome(Message, frozen=True, tag="welcome"):
    """Who answers, and the most that one test may ask for."""

    version: int
    tool: Annotated[str, Meta(max_length=100)]
    most_seconds: float
    most_bytes: int


class Refusal(Message, frozen=True, tag="refused"):
    """Why not."""

    why: Sentence


class Ask(Message, frozen=True, tag="ask"):
    """One part of a test: who sends, how, and how much at most in each direction."""

    protocol: Literal["tcp", "udp"]
    up: bool
    """Whether the caller sends."""
    down: bool
    flows: Annotated[int, Meta(ge=1, le=MOST_FLOWS)]
    seconds: Annotated[float, Meta(ge=0.1, le=MOST_SECONDS)]
    most_bytes: Annotated[int, Meta(ge=1, le=1 << 50)]
    """In each direction."""
    pace_bps: Annotated[int, Meta(ge=1000, le=1 << 40)] | None = None
    payload_bytes: Annotated[int, Meta(ge=LEAST_DATAGRAM, le=MOST_DATAGRAM)] = 1200
    needed: Annotated[int, Meta(ge=1, lt=MOST_BLOCK)] | None = None
    """Forward error correction: so many datagrams of data in each `block`."""
    block: Annotated[int, Meta(ge=2, le=MOST_BLOCK)] | None = None


class Ready(Message, frozen=True, tag="ready"):
    """The server waits for the flows of this token."""

    token: Token


class Flow(Message, frozen=True, tag="flow"):
    """The first line of a data connection; `up`: the caller sends on it."""

    token: Token
    index: Annotated[int, Meta(ge=0, lt=MOST_FLOWS)]
    up: bool


class Joined(Message, frozen=True, tag="joined"):
    """The server's answer to it; the data follow."""


class Met(Message, frozen=True, tag="met"):
    """The number that the server sent to the caller's UDP address."""

    number: Annotated[str, Meta(pattern="^[0-9a-f]{16}$")]


class Go(Message, frozen=True, tag="go"):
    """Everything is connected."""


class Sent(Message, frozen=True, tag="sent"):
    """The sender of datagrams has sent so many; no more come."""

    datagrams: Count


class Arrived(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a receiver counted: payload in `span_ns` after `skipped_ns`, and all of it."""

    bytes: Count
    span_ns: Time
    skipped_ns: Time
    moved_bytes: Count
    flow_bytes: Annotated[tuple[Count, ...], Meta(max_length=MOST_FLOWS)] = ()
    datagrams: DatagramCounts | None = None
    pattern: Annotated[tuple[Count, ...], Meta(max_length=PATTERN_LIMIT)] = ()
    decoded: "Decoded | None" = None


class Decoded(msgspec.Struct, frozen=True, omit_defaults=True):
    """What error correction made of it; see `FecRun`."""

    sources: Count
    arrived: Count
    restored: Count
    wrong: Count
    wait_p50_us: Count | None = None
    wait_max_us: Count | None = None
    decode_p50_us: Count | None = None


class Done(Message, frozen=True, tag="done"):
    """The server's count of what came, and its kernel's account of what it sent."""

    arrived: Arrived | None = None
    sender: SenderAccount | None = None
    moved_bytes: Count = 0
    """Payload that the server sent."""
    capped: bool = False
    """Whether the data cap ended its sending."""


Any: TypeAlias = Hello | Welcome | Refusal | Ask | Ready | Flow | Joined | Met | Go | Sent | Done

_ENCODER: Final = msgspec.json.Encoder()
_DECODER: Final = msgspec.json.Decoder(Any)


def encode(message: Message) -> bytes:
    """Return one line."""
    return _ENCODER.encode(message) + b"\n"


def decode(line: bytes) -> Message:
    """Return the message in a line. Raises ValueError (msgspec.DecodeError is one) where it is none."""
    try:
        message: Message = _DECODER.decode(line)
    except RecursionError as nested:
        raise ValueError("nested too deep") from nested
    return message
