"""What the wizard measures before and after: times to each target, and what TCP flows to other machines carry."""

import ipaddress
from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import TypeAlias

import msgspec

from analysis.compare import ComparedPath, Evidence, EvidenceBook
from analysis.samples import TcpFlow, TcpFlows
from analysis.text import N_, say
from collectors.store import Store
from tuning.verify import Metric

_Flow: TypeAlias = tuple[str, int, str, int]


class Stretch(msgspec.Struct, frozen=True):
    """What was observed in some seconds: each path's probes, and what all flows carried between two looks."""

    paths: Mapping[ComparedPath, Evidence]
    tcp_mbps: tuple[float, ...] = ()


class Choice(msgspec.Struct, frozen=True):
    """A metric that can be chosen; `path`: whose round-trip times, None for the rate of the TCP flows."""

    metric: Metric
    path: ComparedPath | None = None


def stretch(store: Store, start_ns: int, end_ns: int) -> Stretch:
    """Return what was observed after `start_ns` and until `end_ns`."""
    book = EvidenceBook()
    looks: list[TcpFlows] = []
    for sample in store.definitions(start_ns):
        book.fold(sample)
    for sample in store.between(start_ns, end_ns):
        book.fold(sample)
        if isinstance(sample, TcpFlows):
            looks.append(sample)
    return Stretch(book.paths, tuple(_rates(looks)))


def _rates(looks: list[TcpFlows]) -> Iterator[float]:
    """Yield the Mb/s that the flows seen in both of two looks have carried in between, none where there was none."""
    for earlier, later in pairwise(looks):
        before, after = _carried(earlier), _carried(later)
        grown = [after[flow] - before[flow] for flow in after if flow in before]
        if grown and later.t > earlier.t:
            yield sum(grown) * 8e3 / (later.t - earlier.t)


def _carried(look: TcpFlows) -> dict[_Flow, int]:
    return {
        (flow.local, flow.local_port, flow.remote, flow.remote_port): flow.bytes_acked + flow.bytes_received
        for flow in look.flows
        if not _within(flow)
    }


def _within(flow: TcpFlow) -> bool:
    """Whether both ends are on this box."""
    try:
        address = ipaddress.ip_address(flow.remote)
    except ValueError:  # a recording may hold anything
        return False
    mapped = address.ipv4_mapped if address.version == 6 else None
    return flow.remote == flow.local or (mapped or address).is_loopback


def choices(seen: Stretch) -> tuple[Choice, ...]:
    """Return what can be measured, the rate of TCP first where there is one."""
    found = []
    if seen.tcp_mbps:
        found.append(Choice(Metric(say(N_("what TCP flows to other machines carry")), "Mb/s", higher_is_better=True)))
    for path in sorted(seen.paths):
        name = say(N_("round trip to {target} over {route}"), target=path.target, route=path.route or "–")
        found.append(Choice(Metric(name, "ms", higher_is_better=False), path))
    return tuple(found)


def values(choice: Choice, seen: Stretch) -> tuple[float, ...]:
    """Return the metric's measurements, in its unit; none where it was not observed."""
    if choice.path is None:
        return seen.tcp_mbps
    evidence = seen.paths.get(choice.path)
    return () if evidence is None else tuple(us / 1000 for us in evidence.rtts_us)
