"""What the `longpipe.roce/1` document holds, field by field as in the published schema."""

from typing import Final

import msgspec

from analysis.text import Sentence

SCHEMA: Final = "longpipe.roce/1"


class Part(msgspec.Struct, frozen=True):
    """A part of the document."""


class Capture(Part, frozen=True):
    """The file itself. `format` is null where it is no capture."""

    format: str | None
    link_types: tuple[int, ...]
    snaplen_cut: int
    cut_before_bth: int
    """RoCE packets of which not even the BTH was captured: in `roce_packets` and in nothing else."""
    fragments: int
    truncated: bool
    backward_timestamps: int
    dropped_by_kernel: int | None
    problems: tuple[Sentence, ...]


class Opcode(Part, frozen=True):
    """Packets of one BTH opcode."""

    name: str
    packets: int
    wire_bytes: int


class Quantiles(Part, frozen=True):
    """A distribution in microseconds; the quantiles are values that occurred. Null where n is 0."""

    n: int
    min: float | None = None
    p50: float | None = None
    p99: float | None = None
    max: float | None = None


class RewindCounts(Part, frozen=True):
    """Rewinds by what set them off."""

    nak: int
    rnr: int
    read: int
    timeout: int
    other: int


class Messages(Part, frozen=True):
    """Message sizes in bytes. `histogram`: messages below each power of two and not below the one before."""

    mean: float | None
    max: int | None
    per_s: float | None
    histogram: dict[str, int]


class InFlight(Part, frozen=True):
    """PSNs sent and not acknowledged, looked at just before each ACK."""

    n: int
    mean: float | None
    max: int | None


class Flow(Part, frozen=True):
    """One direction of one QP: requests, or the responses to READ requests."""

    src: str
    dst: str
    dest_qpn: str
    kind: str
    transport: str
    packets: int
    wire_bytes: int
    payload_bytes: int
    goodput_bytes: int
    messages: int
    first_psn: int
    last_psn: int
    wrapped: bool
    repeats: int
    behind: int
    gap_events: int
    gap_psns: int
    missing: int
    filled_late: int
    rewinds: int
    rewound_by: RewindCounts
    duplicates: int
    pmtu: int | None
    paired_qpn: str | None
    ack_rtt_us: Quantiles
    read_rtt_us: Quantiles
    atomic_rtt_us: Quantiles
    tap: str | None
    """Where the capture stood: near the "requester" (RTTs are of the path) or the "responder" (its delay)."""
    message_bytes: Messages
    in_flight: InFlight
    naks: int
    rnr_naks: int
    fatal_naks: int
    ce: int
    cnps: int
    first_s: float
    last_s: float
    """Seconds after the first packet of the capture."""
    goodput_bps: float | None
    wire_bps: float | None


class PsnTotals(Part, frozen=True):
    """Sums over all walked flows."""

    packets: int
    repeats: int
    behind: int
    gap_events: int
    gap_psns: int
    missing: int


class CnpFlow(Part, frozen=True):
    """CNPs to one QP, and the flow they slow down where it is known."""

    src: str
    dst: str
    dest_qpn: str
    packets: int
    data_dest_qpn: str | None


class Cnp(Part, frozen=True):
    """Congestion notification packets."""

    packets: int
    by_flow: tuple[CnpFlow, ...]


class Ecn(Part, frozen=True):
    """ECN code points of RoCE packets (RFC 3168)."""

    not_ect: int
    ect1: int
    ect0: int
    ce: int


class PfcPriority(Part, frozen=True):
    """Pause frames of one priority; `paused_s` is of the device that paused longest, and needs the link speed."""

    xoff: int
    xon: int
    paused_s: float | None
    quanta: int


class Pfc(Part, frozen=True):
    """Priority flow control, and pauses of the whole link."""

    frames: int
    by_priority: dict[str, PfcPriority]
    global_pause: int
    link_gbps: float | None


class Icrc(Part, frozen=True):
    """Invariant CRC of RoCE packets."""

    good: int
    bad: int
    unchecked: int
    runt: int


class Cm(Part, frozen=True):
    """Connection management: pairs of REQ and REP."""

    connections: int


class Rest(Part, frozen=True):
    """Flows beyond the number that is told apart, counted together."""

    packets: int
    wire_bytes: int
    payload_bytes: int


class Report(Part, frozen=True):
    """The whole document, but for the schema, the file's name and the verdict."""

    packets: int
    roce_packets: int
    wire_bytes: int
    duration_s: float
    capture: Capture
    opcodes: dict[str, Opcode]
    transports: dict[str, int]
    dest_qps: dict[str, int]
    flows: tuple[Flow, ...]
    flows_beyond_limit: Rest | None
    psn_totals: PsnTotals
    aeth: dict[str, int]
    aeth_xrc: dict[str, int]
    cnp: Cnp
    ecn: Ecn
    ce_by_opcode: dict[str, int]
    dscp: dict[str, int]
    vlan_pcp: dict[str, int]
    pfc: Pfc
    icrc: Icrc
    cm: Cm
    acks_outside_window: int
    not_roce: dict[str, int]


def qpn(number: int) -> str:
    """Return a QP number as it is written everywhere."""
    return f"0x{number:06x}"


def tap(mine_us: float | None, theirs_us: float | None) -> str | None:
    """Return the side of a capture by the round trips of both directions: the one that answers at once."""
    if mine_us is None or theirs_us is None:
        return None
    return "requester" if mine_us > 2 * theirs_us else "responder" if theirs_us > 2 * mine_us else None
