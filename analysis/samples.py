"""Samples: what was observed, raw, frozen and timestamped. Rates, scores and verdicts are never samples.

Every sample is one JSON object with `k` (its kind) and `t` (nanoseconds since the Unix epoch, derived from the
monotonic clock, see `collectors.clock`). Counters are the kernel's running totals; `None` means "not known",
never zero. A struct in `array_like` form is a row of a table: append fields, never reorder them.
"""

from enum import IntEnum
from typing import Literal, TypeAlias

import msgspec

from analysis.text import Sentence


class Sample(msgspec.Struct, frozen=True, tag_field="k", omit_defaults=True):
    """Anything observed at one time. `t`: ns since the epoch."""

    t: int


class Row(msgspec.Struct, frozen=True, array_like=True):
    """One row of a columnar or repeated part of a sample."""


# --- paths ---


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
    """A target's addresses as resolved now; `error` says why there are none."""

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


# --- hops of a path ---


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


# --- the box ---


class LinkCounters(Row, frozen=True):
    """One interface's running totals (struct rtnl_link_stats64) and carrier."""

    name: str
    up: bool
    rx_bytes: int
    tx_bytes: int
    rx_packets: int
    tx_packets: int
    rx_dropped: int
    tx_dropped: int
    rx_errors: int
    tx_errors: int
    carrier_changes: int | None = None


class Links(Sample, frozen=True, tag="links"):
    """Counters of every interface, once a second."""

    rows: tuple[LinkCounters, ...] = ()


class LinkInfo(msgspec.Struct, frozen=True, omit_defaults=True):
    """What changes seldom about an interface."""

    name: str
    mtu: int
    kind: str | None = None
    """Driver for hardware, link type for software devices ("veth", "bond")."""
    speed_mbps: int | None = None
    operstate: str = "unknown"
    mac: str | None = None
    addresses: tuple[str, ...] = ()
    """With prefix length, as `ip addr` prints them."""


class LinkInfos(Sample, frozen=True, tag="linkinfo"):
    """All interfaces, when something of theirs changed."""

    links: tuple[LinkInfo, ...] = ()


class QdiscCounters(Row, frozen=True):
    """One queueing discipline's running totals (TCA_STATS2)."""

    interface: str
    kind: str
    handle: str
    parent: str
    packets: int
    drops: int
    overlimits: int
    requeues: int
    backlog_bytes: int


class Qdiscs(Sample, frozen=True, tag="qdiscs"):
    """Queueing disciplines of every interface that has one."""

    rows: tuple[QdiscCounters, ...] = ()


class CoreTimes(Row, frozen=True):
    """One core's running totals in clock ticks (/proc/stat)."""

    busy: int
    softirq: int
    total: int


class Host(Sample, frozen=True, tag="host"):
    """CPU, memory and packet backlog of the box, once a second."""

    cores: tuple[CoreTimes, ...] = ()
    softnet_processed: tuple[int, ...] = ()
    softnet_dropped: tuple[int, ...] = ()
    softnet_squeezed: tuple[int, ...] = ()
    memory_total: int | None = None
    memory_available: int | None = None
    net_rx: tuple[int, ...] = ()
    """How often each core was called to receive packets (/proc/softirqs, NET_RX)."""


class TcpCounters(Sample, frozen=True, tag="tcp"):
    """Running totals from /proc/net/snmp and /proc/net/netstat, by the kernel's own names ("TcpExtListenDrops")."""

    counters: dict[str, int] = {}


class TcpFlow(msgspec.Struct, frozen=True, omit_defaults=True):
    """One bulk TCP flow by inet_diag (struct tcp_info, include/uapi/linux/tcp.h)."""

    local: str
    remote: str
    local_port: int
    remote_port: int
    cc: str
    rtt_us: int
    min_rtt_us: int | None
    cwnd: int
    mss: int
    bytes_acked: int
    bytes_received: int
    bytes_sent: int | None
    bytes_retrans: int | None
    delivery_rate_bps: int | None
    delivery_app_limited: bool | None
    pacing_bps: int | None
    busy_us: int | None
    rwnd_limited_us: int | None
    sndbuf_limited_us: int | None
    delivered_ce: int | None = None
    reord_seen: int | None = None
    notsent_bytes: int | None = None


class TcpFlows(Sample, frozen=True, tag="tcpflows"):
    """The busiest TCP flows of the box; `total` says how many there were in all."""

    flows: tuple[TcpFlow, ...] = ()
    total: int = 0


class RdmaPort(msgspec.Struct, frozen=True, omit_defaults=True):
    """One port of an RDMA device with its running totals (/sys/class/infiniband)."""

    device: str
    port: int
    link_layer: str
    state: str
    driver: str | None = None
    netdev: str | None = None
    rate_gbps: float | None = None
    counters: dict[str, int] = {}
    """`counters/` and `hw_counters/` together, by the driver's names."""


class Rdma(Sample, frozen=True, tag="rdma"):
    """Every RDMA port of the box; `absent` says why there is none and what to run."""

    ports: tuple[RdmaPort, ...] = ()
    absent: Sentence | None = None


class Fact(msgspec.Struct, frozen=True, omit_defaults=True):
    """One thing read from the box: its value as text, or why it could not be read."""

    value: str | None = None
    source: str = ""
    """File or interface it came from, as a person would check it."""
    problem: Sentence | None = None


class Facts(Sample, frozen=True, tag="facts"):
    """What advice rests on, by dotted key: "sysctl.net.ipv4.tcp_rmem", "kernel.release", "link.eth0.driver"."""

    facts: dict[str, Fact] = {}


class NicCounters(Sample, frozen=True, tag="nic"):
    """Running totals of pauses, discards and congestion by NIC (ETHTOOL_GSTATS), by the driver's own names."""

    interfaces: dict[str, dict[str, int]] = {}


# --- RoCE packets ---


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


# --- the session itself ---


class Health(Sample, frozen=True, tag="health"):
    """A collector's state changed: running, missing something, or failed and waiting to be started again."""

    collector: str
    state: Literal["running", "missing", "failed"]
    problem: Sentence | None = None
    retry_s: float | None = None


class Mark(Sample, frozen=True, tag="mark"):
    """A moment the person wants to find again."""

    text: str = ""


class Dropped(Sample, frozen=True, tag="dropped"):
    """Samples lost between collector and reader because a queue was full."""

    count: int
    where: str


AnySample: TypeAlias = (
    Series
    | Probes
    | Prober
    | Name
    | Routes
    | HopPath
    | Hops
    | PathMtu
    | Links
    | LinkInfos
    | Qdiscs
    | Host
    | TcpCounters
    | TcpFlows
    | Rdma
    | NicCounters
    | RoceTick
    | Facts
    | Health
    | Mark
    | Dropped
)
"""Every kind of sample; the type that session files are decoded with."""
