"""RoCE packets as they passed, folded where they were captured."""

from typing import Literal, TypeAlias

from analysis.samples.base import Row, Sample

RoundTrip: TypeAlias = Literal["ack", "read", "atomic"]
"""Request and ACK; READ request and first response; atomic request and its ACK."""


class RoceRtt(Row, frozen=True):
    """Round trips of one flow that ended in the span, to four digits.

    Of several spans together `p50_us` is the middle of their medians, weighted by `n`, and `p99_us` the highest of
    theirs: at most 1 % were longer.
    """

    kind: RoundTrip
    n: int
    min_us: float
    p50_us: float
    p99_us: float
    max_us: float


class RoceTrouble(Row, frozen=True):
    """What a flow had beside plain traffic, as defined in the RoCE report. `missing` falls when packets come late."""

    repeats: int = 0
    behind: int = 0
    gap_events: int = 0
    gap_psns: int = 0
    missing: int = 0
    filled_late: int = 0
    duplicates: int = 0
    rewinds: int = 0
    rewinds_nak: int = 0
    rewinds_rnr: int = 0
    rewinds_read: int = 0
    rewinds_timeout: int = 0
    rewinds_other: int = 0
    naks: int = 0
    rnr_naks: int = 0
    fatal_naks: int = 0
    ce: int = 0
    cnps: int = 0
    repeated_bytes: int = 0
    """Payload that came again: payload_bytes minus goodput."""


class RoceFlow(Row, frozen=True):
    """One direction of one QP in the span: requests, or the responses to READ requests."""

    src: int
    """Index into the tick's `hosts`, as `dst`."""
    dst: int
    dest_qpn: int
    kind: Literal["req", "resp"]
    transport: str
    paired_qpn: int | None
    pmtu: int | None
    first_psn: int
    """Of the flow since the capture began; so is `wrapped`, 1 where PSNs have passed 2^24."""
    last_psn: int
    wrapped: int
    packets: int
    wire_bytes: int
    payload_bytes: int
    messages: int = 0
    message_bytes: int = 0
    largest_message: int = 0
    sizes: tuple[tuple[int, int], ...] = ()
    """(i, n): n messages below 2^i bytes and not below 2^(i-1)."""
    in_flight: tuple[int, int, int] = (0, 0, 0)
    """How often it was looked at, the sum in packets, and the maximum."""
    rtt: tuple[RoceRtt, ...] = ()
    trouble: RoceTrouble | None = None
    """None where there was none."""


class RoceRest(Row, frozen=True):
    """The flows that are not among those told one by one, together."""

    flows: int
    packets: int
    wire_bytes: int
    payload_bytes: int
    messages: int
    trouble: RoceTrouble | None = None


class RocePause(Row, frozen=True):
    """Pause frames of one priority that were captured."""

    priority: int
    xoff: int
    xon: int
    quanta: int


class RoceTick(Sample, frozen=True, tag="roce"):
    """What passed one interface in the `span_ns` before `t`, folded where it was captured; no packet is kept.

    Counts add up: ticks together are a tick of their whole span. Pairs are (value, packets), zeros left out.
    """

    interface: str
    span_ns: int
    captured: int = 0
    """Frames the kernel filter let through: RoCE and pause frames."""
    dropped: int = 0
    """Frames that the kernel had no room for: missing PSNs may be theirs."""
    wire_bytes: int = 0
    cut: int = 0
    blind: int = 0
    fragments: int = 0
    runts: int = 0
    backward: int = 0
    other: int = 0
    opcodes: tuple[tuple[int, int, int], ...] = ()
    """(BTH opcode, packets, bytes on the wire)."""
    tos: tuple[tuple[int, int], ...] = ()
    ce_opcodes: tuple[tuple[int, int], ...] = ()
    """(BTH opcode, packets marked CE)."""
    syndromes: tuple[tuple[int, int], ...] = ()
    syndromes_xrc: tuple[tuple[int, int], ...] = ()
    icrc: tuple[int, int, int] = (0, 0, 0)
    """Good, bad, unchecked."""
    pcp: tuple[tuple[int, int], ...] = ()
    pfc_frames: int = 0
    pauses: tuple[RocePause, ...] = ()
    link_pauses: int = 0
    replies: int = 0
    """CM REP messages: connections that were accepted."""
    outside: int = 0
    """ACKs of packets that were never sent."""
    hosts: tuple[str, ...] = ()
    flows: tuple[RoceFlow, ...] = ()
    """The busiest, and before them those in trouble."""
    rest: RoceRest | None = None
