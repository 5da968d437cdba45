"""What the wizard measures before and after: probes of each target, and what the kernel tells of TCP flows."""

import ipaddress
from collections import Counter
from collections.abc import Mapping
from itertools import pairwise
from typing import Final, TypeAlias

import msgspec

from analysis.compare import ComparedPath, Evidence, EvidenceBook
from analysis.samples import TcpFlow, TcpFlows
from analysis.text import N_, say
from collectors.store import Store
from tuning.verify import Comparison, Metric, compare

RATE: Final = Metric(say(N_("what TCP flows to other machines carry")), "Mb/s", higher_is_better=True)
RESENT: Final = Metric(say(N_("what TCP flows to other machines send again")), "%", higher_is_better=False)
_Pair: TypeAlias = tuple[TcpFlow, TcpFlow]
"""One flow at two looks, the earlier first."""


class Stretch(msgspec.Struct, frozen=True):
    """What was observed in some seconds: each path's probes, and of all flows together each time between two looks.

    `tcp_mbps`: what they carried. `tcp_resent`: bytes sent again in % of those sent. `controls`: the congestion
    control of the busiest flow.
    """

    paths: Mapping[ComparedPath, Evidence]
    tcp_mbps: tuple[float, ...] = ()
    tcp_resent: tuple[float, ...] = ()
    controls: frozenset[str] = frozenset()


class Tcp(msgspec.Struct, frozen=True):
    """What became of the TCP flows. `stale`: the control of the busiest, where it never was the one that is tried."""

    measures: tuple[Comparison, ...] = ()
    stale: str = ""


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
    spans = [(pairs, later.t - earlier.t) for earlier, later in pairwise(looks) if (pairs := _pairs(earlier, later))]
    between = [pairs for pairs, _ in spans]
    return Stretch(
        book.paths,
        tuple(sum(map(_grown, pairs)) * 8e3 / ns for pairs, ns in spans),
        tuple(percent for pairs in between if (percent := _resent(pairs)) is not None),
        frozenset(max(pairs, key=_grown)[1].cc for pairs in between),
    )


def tcp_differs(before: Stretch, after: Stretch, control: str | None) -> Tcp:
    """Return what became of TCP. `control`: what the plan sets for new connections, None where it does not."""
    both = (
        (RATE, before.tcp_mbps, after.tcp_mbps),
        (RESENT, before.tcp_resent, after.tcp_resent),
    )
    stale = control is not None and control not in after.controls
    return Tcp(
        tuple(compare(metric, was, now) for metric, was, now in both if was or now),
        ", ".join(sorted(after.controls)) if stale else "",
    )


def _pairs(earlier: TcpFlows, later: TcpFlows) -> list[_Pair]:
    """Return the flows to other machines that were seen at both of two looks."""
    before = {_ends(flow): flow for flow in earlier.flows if not _within(flow)}
    return [(was, now) for now in later.flows if later.t > earlier.t and (was := before.get(_ends(now)))]


def _ends(flow: TcpFlow) -> tuple[str, int, str, int]:
    return flow.local, flow.local_port, flow.remote, flow.remote_port


def _grown(pair: _Pair) -> int:
    """Return the bytes carried in both directions."""
    was, now = pair
    return now.bytes_acked + now.bytes_received - was.bytes_acked - was.bytes_received


def _resent(pairs: list[_Pair]) -> float | None:
    """Return what was sent again in % of what was sent; None where nothing was, or the kernel does not count it."""
    known = [(was, now) for was, now in pairs if was.bytes_sent is not None and was.bytes_retrans is not None]
    sent = sum((now.bytes_sent or 0) - (was.bytes_sent or 0) for was, now in known)
    again = sum((now.bytes_retrans or 0) - (was.bytes_retrans or 0) for was, now in known)
    return 100 * again / sent if sent > 0 else None


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
        found.append(Choice(RATE))
    named = Counter((path.target, path.route) for path in seen.paths)
    for path in sorted(seen.paths):
        alone = named[path.target, path.route] == 1
        target = path.target if alone else f"{path.target} v{path.family} {path.protocol}"
        name = say(N_("round trip to {target} over {route}"), target=target, route=path.route or "–")
        found.append(Choice(Metric(name, "ms", higher_is_better=False), path))
    return tuple(found)


def values(choice: Choice, seen: Stretch) -> tuple[float, ...]:
    """Return the metric's measurements, in its unit; none where it was not observed."""
    if choice.path is None:
        return seen.tcp_mbps
    evidence = seen.paths.get(choice.path)
    return () if evidence is None else tuple(us / 1000 for us in evidence.rtts_us)
