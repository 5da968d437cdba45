"""Probes of the hops of a path."""

from enum import IntEnum

from analysis.samples.base import Row, Sample
from analysis.samples.paths import ProbeNote, Protocol


class HopPath(Sample, frozen=True, tag="hoppath"):
    """Definition of a traced path: one address by one protocol over one route.

    Ids start anywhere, so that no two sessions use the same ones; they are never reused.
    """

    id: int
    target: str
    address: str
    protocol: Protocol = "icmp"
    port: int | None = None
    source_port: int | None = None
    """Of flow 0; flow n has `source_port + n`. None for ICMP, which has no ports and so one flow."""
    flows: int = 1
    route: str = ""
    """`Route.id`, or "" where the kernel chooses."""
    source: str | None = None
    """The address that probes leave from."""
    interval_ns: int = 1_000_000_000
    timeout_ns: int = 2_000_000_000
    payload_bytes: int = 36
    dscp: int = 0
    ended: bool = False


class HopKind(IntEnum):
    """Who answered a hop probe, and how."""

    EXCEEDED = 0
    """A router on the way, by ICMP time exceeded."""
    TARGET = 1
    """The target by its own protocol: echo reply, SYN-ACK, RST or a datagram."""
    REFUSED = 2
    """The target by ICMP unreachable; hosts limit how many of these they send (RFC 1812, 4.3.2.8)."""
    UNREACHABLE = 3
    """Something on the way says that the target cannot be reached; `code` is ICMP's."""


class HopAnswer(Row, frozen=True):
    """What answers say beside their time; few differ, so each is told once a batch."""

    address: str
    kind: int
    """A `HopKind`."""
    code: int = 0
    reply_ttl: int | None = None
    """TTL or hop limit that the answer arrived with."""
    quoted_tos: int | None = None
    """Traffic class of the probe as it arrived there, from the quotation."""
    quoted_ttl: int | None = None
    """TTL of the probe as it arrived there; more than 1 where a router or tunnel does not count down."""
    labels: tuple[int, ...] = ()
    """MPLS labels the probe arrived with (RFC 4950), the outermost first."""
    rewritten: bool = False
    """Whether the quotation differs from what was sent in addresses, ports or checksum: a NAT is on the way."""


class Hops(Sample, frozen=True, tag="hops"):
    """Hop probes settled since the last batch, one per position of the parallel columns.

    LATE takes back the LOST row of the same path, TTL, flow and sending time, as in `Probes`.
    """

    paths: tuple[int, ...] = ()
    """Ids of the paths in this batch."""
    path: tuple[int, ...] = ()
    """Index into `paths`."""
    ttl: tuple[int, ...] = ()
    flow: tuple[int, ...] = ()
    age_us: tuple[int, ...] = ()
    outcome: tuple[int, ...] = ()
    """`Outcome` values; any answer from anywhere is ANSWERED."""
    rtt_us: tuple[int | None, ...] = ()
    answer: tuple[int | None, ...] = ()
    """Index into `answers`, None where there was no answer."""
    answers: tuple[HopAnswer, ...] = ()
    notes: tuple[ProbeNote, ...] = ()
    """Why probes failed to leave."""


class PathMtu(Sample, frozen=True, tag="pathmtu"):
    """The largest IP packet that a path carries whole, by probes that must not be fragmented. Never part of loss."""

    path: int
    mtu: int | None
    """The largest size that was answered; None where even the smallest asked was not."""
    refused: int | None = None
    """The smallest size that was not; None where this box sends nothing bigger."""
    local_mtu: int | None = None
    """What the interface on the way lets out, where that is the limit."""
    said_mtu: int | None = None
    """The word of ICMP "fragmentation needed" or "packet too big"."""
    said_by: str | None = None
    black_hole: bool = False
    """Whether packets of size `refused` vanish without a word."""
    after_ttl: int | None = None
    """The last hop that still answers packets of size `refused`, where that can be told."""
    probes: int = 0
