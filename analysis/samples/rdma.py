"""RDMA devices and network cards, by their own counters."""

import msgspec

from analysis.samples.base import Sample
from analysis.text import Sentence


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


class NicCounters(Sample, frozen=True, tag="nic"):
    """Running totals of pauses, discards and congestion by NIC (ETHTOOL_GSTATS), by the driver's own names."""

    interfaces: dict[str, dict[str, int]] = {}
