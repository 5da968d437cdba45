"""Samples: what was observed, raw, frozen and timestamped. Rates, scores and verdicts are never samples.

Every sample is one JSON object with `k` (its kind) and `t` (nanoseconds since the Unix epoch, derived from the
monotonic clock, see `collectors.clock`). Counters are the kernel's running totals; `None` means "not known",
never zero. A struct in `array_like` form is a row of a table: append fields, never reorder them.
"""

from typing import TypeAlias

from analysis.samples.bandwidth import (
    BandwidthRun,
    DatagramCounts,
    Direction,
    FecRun,
    RttQuantiles,
    SenderAccount,
)
from analysis.samples.base import Row, Sample
from analysis.samples.box import (
    CoreTimes,
    Fact,
    Facts,
    Host,
    LinkCounters,
    LinkInfo,
    LinkInfos,
    Links,
    QdiscCounters,
    Qdiscs,
)
from analysis.samples.hops import HopAnswer, HopKind, HopPath, Hops, PathMtu
from analysis.samples.paths import (
    Name,
    Outcome,
    ProbeNote,
    Prober,
    Probes,
    Protocol,
    Role,
    Route,
    Routes,
    Series,
    Stamps,
)
from analysis.samples.rdma import NicCounters, Rdma, RdmaPort
from analysis.samples.roce import RoceFlow, RocePause, RoceRest, RoceRtt, RoceTick, RoceTrouble, RoundTrip
from analysis.samples.services import (
    Certificate,
    Check,
    DnsAnswer,
    Failure,
    Phases,
    PortRow,
    Ports,
    PortState,
    Service,
    ServiceKind,
)
from analysis.samples.session import Dropped, Health, Mark
from analysis.samples.tcp import TcpCounters, TcpFlow, TcpFlows

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
    | Service
    | Check
    | Ports
    | BandwidthRun
    | FecRun
    | Facts
    | Health
    | Mark
    | Dropped
)
"""Every kind of sample; the type that session files are decoded with."""

__all__ = [
    "AnySample",
    "BandwidthRun",
    "Certificate",
    "Check",
    "CoreTimes",
    "DatagramCounts",
    "Direction",
    "DnsAnswer",
    "Dropped",
    "Fact",
    "Facts",
    "Failure",
    "FecRun",
    "Health",
    "HopAnswer",
    "HopKind",
    "HopPath",
    "Hops",
    "Host",
    "LinkCounters",
    "LinkInfo",
    "LinkInfos",
    "Links",
    "Mark",
    "Name",
    "NicCounters",
    "Outcome",
    "PathMtu",
    "Phases",
    "PortRow",
    "PortState",
    "Ports",
    "ProbeNote",
    "Prober",
    "Probes",
    "Protocol",
    "QdiscCounters",
    "Qdiscs",
    "Rdma",
    "RdmaPort",
    "RoceFlow",
    "RocePause",
    "RoceRest",
    "RoceRtt",
    "RoceTick",
    "RoceTrouble",
    "Role",
    "RoundTrip",
    "Route",
    "Routes",
    "Row",
    "RttQuantiles",
    "Sample",
    "SenderAccount",
    "Series",
    "Service",
    "ServiceKind",
    "Stamps",
    "TcpCounters",
    "TcpFlow",
    "TcpFlows",
]
