"""Probes of targets, and the routes they take."""

from enum import IntEnum
from typing import Literal, TypeAlias

import msgspec

from analysis.samples.base import Row, Sample
from analysis.text import Sentence

Protocol: TypeAlias = Literal["icmp", "tcp", "udp"]
Stamps: TypeAlias = Literal["kernel", "kernel-rx", "user"]
"""Where send and receive times come from: both kernel, kernel receive only, or the process's own clock."""


Role: TypeAlias = Literal["target", "gateway", "resolver"]
"""What a probed host is to this box: only targets count in route scores; the others tell where a fault is not."""


class Outcome(IntEnum):
    """What became of one probe. Loss and lateness are judged per probe and told at its time of sending."""

    ANSWERED = 0
    LOST = 1
    """No reply within the series' timeout."""
    LATE = 2
    """A reply after the probe had been told LOST: it takes that loss back (same series, same sent time)."""
    FAILED = 3
    """Never left this box; the note says why. Not part of any loss ratio."""
    DUPLICATE = 4
    """A further reply to a probe already settled. Not a probe of its own."""
    UNREACHABLE = 5
    """A router or the target said so by ICMP; the note says what and who. Counts as loss."""
    FOREIGN = 6
    """A reply with our id and sequence from another address. Told, not counted; the probe itself stays open."""


class Series(Sample, frozen=True, tag="series"):
    """Definition of a stream of probes: one address of one target over one route. Ids are never reused."""

    id: int
    target: str
    """What the person asked for: a name or an address."""
    address: str
    protocol: Protocol = "icmp"
    port: int | None = None
    route: str = ""
    """`Route.id`, or "" where the kernel chooses."""
    interval_ns: int = 1_000_000_000
    timeout_ns: int = 2_000_000_000
    payload_bytes: int = 56
    dscp: int = 0
    dont_fragment: bool = False
    stamps: Stamps = "user"
    role: Role = "target"
    ended: bool = False
    """True when the series has stopped, for example because the name resolves elsewhere now."""


class ProbeNote(Row, frozen=True):
    """Why row `row` of a batch failed, was unreachable or came from elsewhere."""

    row: int
    reason: str
    """An errno name ("ENETUNREACH") or "icmp TYPE/CODE"."""
    sender: str | None = None
    """The address that said so, where it is not the target."""


class Probes(Sample, frozen=True, tag="probes"):
    """Probes settled since the last batch, one per position of the parallel columns."""

    series: tuple[int, ...] = ()
    age_us: tuple[int, ...] = ()
    """How long before `t` each probe was sent, in microseconds."""
    outcome: tuple[int, ...] = ()
    """`Outcome` values."""
    rtt_us: tuple[int | None, ...] = ()
    """Round-trip time in microseconds (software stamps are no finer); None where there was no reply."""
    notes: tuple[ProbeNote, ...] = ()
    in_flight: tuple[tuple[int, int], ...] = ()
    """(series, probes sent and not settled at `t`), zeros left out."""


class Prober(Sample, frozen=True, tag="prober"):
    """How probing works on this box right now, said in the header and by the doctor."""

    family: Literal[4, 6]
    socket: Literal["raw", "dgram", "none"]
    stamps: Stamps
    missing: Sentence | None = None
    """What is not possible and what would allow it."""


class Name(Sample, frozen=True, tag="name"):
    """A target's addresses as resolved now; `error` says why there are none. Neither: they are being looked up."""

    target: str
    addresses: tuple[str, ...] = ()
    error: Sentence | None = None


class Route(msgspec.Struct, frozen=True, omit_defaults=True):
    """A way out of this box (RFC 1812: next hop and interface), as the kernel holds it."""

    id: str
    """Stable across samples: interface, gateway, source, table and mark joined by the collector."""
    name: str
    """What is shown; from the config where the person named it, else the interface. Both families may share it."""
    family: Literal[4, 6]
    interface: str
    gateway: str | None = None
    source: str | None = None
    table: int = 254
    mark: int = 0
    metric: int = 0
    up: bool = True
    standby: bool = False
    """Behind a better one that packets made the same way take: it can be shown, but nothing can be sent over it."""


class Routes(Sample, frozen=True, tag="routes"):
    """Every way out, complete, whenever any of them changed. The model tells what changed."""

    routes: tuple[Route, ...] = ()
