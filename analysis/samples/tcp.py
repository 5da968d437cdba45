"""TCP of the box, as its kernel counts it."""

import msgspec

from analysis.samples.base import Sample


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
