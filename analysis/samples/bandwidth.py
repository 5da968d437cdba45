"""What a bandwidth test moved, as counted where it arrived. Rates, grades and limits are derived from these."""

from typing import Literal, TypeAlias

import msgspec

from analysis.samples.base import Row, Sample

Direction: TypeAlias = Literal["up", "down"]
"""Up leaves this box, down comes to it."""


class RttQuantiles(Row, frozen=True):
    """Round trips of the prober's own packets over a stretch of a test, in µs; None where none was answered."""

    sent: int
    lost: int
    min_us: int | None = None
    p50_us: int | None = None
    p95_us: int | None = None
    max_us: int | None = None


class SenderAccount(msgspec.Struct, frozen=True, omit_defaults=True):
    """The sending kernel's account of all flows together at their end (struct tcp_info, linux/tcp.h)."""

    cc: str
    mss: int
    cwnd_packets: int
    """Largest sum of the flows' congestion windows."""
    rtt_us: int | None = None
    """Mean of the smoothed round trips looked at."""
    min_rtt_us: int | None = None
    delivery_rate_bps: int | None = None
    """Largest sum of the flows' delivery rates."""
    bytes_sent: int | None = None
    bytes_retrans: int | None = None
    busy_us: int | None = None
    """Time with data to send, as the next two a sum over flows."""
    rwnd_limited_us: int | None = None
    sndbuf_limited_us: int | None = None


class DatagramCounts(msgspec.Struct, frozen=True, omit_defaults=True):
    """Paced datagrams by their sequence numbers, as the receiver saw them."""

    sent: int
    received: int
    """Different ones: `sent` - `received` were lost."""
    duplicates: int = 0
    reordered: int = 0
    """Arrived after one that was sent later (RFC 4737)."""
    overflowed: int = 0
    """Of those lost: arrived, but dropped for want of room in the receiver's own socket."""
    foreign: int = 0
    """Not of this test, or impossible; not counted otherwise."""
    jitter_us: float | None = None
    """RFC 3550, 6.4.1, at the end."""
    bursts: tuple[tuple[int, int], ...] = ()
    """(n, how often): n in a row were lost."""


class BandwidthRun(Sample, frozen=True, tag="bandwidth"):
    """One direction of one test. `t`: when it was told, `ended_ns`: when it ended."""

    ended_ns: int
    target: str
    address: str
    port: int
    protocol: Literal["tcp", "udp"]
    direction: Direction
    flows: int
    span_us: int
    """The time `bytes` rests on, by the receiver's clock; `skipped_us` before it, slow start, is left out."""
    skipped_us: int
    bytes: int
    """Payload that arrived in the span; by flow in `flow_bytes`."""
    moved_bytes: int
    """Payload sent in all, with what was left out."""
    flow_bytes: tuple[int, ...] = ()
    tool: Literal["longpipe", "iperf3"] = "longpipe"
    route: str = ""
    """`Route.id`, or "" where no way out of this box was used."""
    together: bool = False
    """Whether the other direction was busy too."""
    capped: bool = False
    """Whether the data cap ended it, or held its rate."""
    asked_bps: int | None = None
    """The pace of the datagrams; None: as fast as possible."""
    payload_bytes: int | None = None
    sender: SenderAccount | None = None
    datagrams: DatagramCounts | None = None
    idle: RttQuantiles | None = None
    """Before the test, as `loaded` during `span_us` of it."""
    loaded: RttQuantiles | None = None
    gateway_idle: RttQuantiles | None = None
    gateway_loaded: RttQuantiles | None = None


class FecRun(Sample, frozen=True, tag="fec"):
    """Datagrams without, then with forward error correction, at one pace: any `needed` of `block` restore all."""

    ended_ns: int
    target: str
    address: str
    port: int
    direction: Direction
    needed: int
    block: int
    paced_bps: int
    payload_bytes: int
    plain_us: int
    """How long the plain datagrams were sent."""
    plain: DatagramCounts
    coded: DatagramCounts
    """All datagrams of the coded part, added ones too."""
    sources: int
    """Datagrams of data in it."""
    arrived: int
    """Of them, those that came by themselves."""
    restored: int
    """Of the others, those that were decoded, their content found right."""
    wrong: int = 0
    """Decoded, and not what was sent."""
    wait_p50_us: int | None = None
    """From when a restored one would have come to when it was there, as the next."""
    wait_max_us: int | None = None
    decode_p50_us: int | None = None
    pattern: tuple[int, ...] = ()
    """The plain part as runs: so many arrived, so many lost, so many arrived, …"""
    route: str = ""
