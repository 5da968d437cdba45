"""What RDMA ports and network cards count says is wrong: the only witness where a card does RoCE by itself.

A capture shows neither RoCE that the card handles nor pause frames, which it takes off the wire. Names of mlx5
(drivers/infiniband/hw/mlx5/counters.c, drivers/net/ethernet/mellanox/mlx5/core/en_stats.c), rxe
(drivers/infiniband/sw/rxe/rxe_hw_counters.c), and the port counters of IBTA 16.1.3.5 as sysfs has them
(drivers/infiniband/core/sysfs.c).
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Final, NamedTuple

from msgspec.structs import replace

from analysis.counters import NO_ROOM, growth
from analysis.recent import Recent
from analysis.samples import NicCounters, Rdma
from analysis.severity import GRAVITY, Severity
from analysis.text import N_, Sentence, say
from analysis.units import count, duration, percent
from analysis.view import Verdict

FEW: Final = 3
"""Fewer events in a minute are told, but blame nobody: a retransmit timer that fires once proves no loss."""
LOSS_BAD_RATIO: Final = 0.001
"""Loss events per packet: a tenth of the loss at which go-back-N comes near to a standstill (ICCCN 2019, 8846946)."""
LEAST_PACKETS: Final = 10_000
"""Shares of fewer packets are nothing to go by."""
LEAST_NS: Final = 10 * 10**9
"""Shares of less time neither, and nothing is called clean within it."""
PAUSED_RATIO: Final = 0.01
STORM_RATIO: Final = 0.1
"""Of a minute. Less is how PFC works under incast; the detection time of watchdogs cannot be seen in totals."""
_WIRE: Final = (
    "symbol_error", "port_rcv_errors", "local_link_integrity_errors", "excessive_buffer_overrun_errors",
    "link_error_recovery", "link_downed",
)  # fmt: skip
_PEER_NOT_READY: Final = ("rnr_nak_retry_err", "rcvd_rnr_err")
_NOT_READY: Final = ("out_of_buffer", "send_rnr_err")
_SENT: Final = ("sent_pkts", "port_xmit_packets")
_RECEIVED: Final = ("rcvd_pkts", "port_rcv_packets")
_PAUSED: Final = re.compile(r"(?P<way>rx|tx)_prio(?P<priority>\d)_pause_duration")
_HELD: Final = {
    "rx": N_(
        "{interface}: its neighbour held priority {priority} back for {share} of {time}: congestion in the fabric or "
        "a slow receiver."
    ),
    "tx": N_(
        "{interface}: this box held priority {priority} back for {share} of {time}: it takes packets in too slowly "
        "(PCIe, memory)."
    ),
}


class _Kind(NamedTuple):
    """One kind of trouble and the counters that tell of it."""

    severity: Severity
    text: str
    counters: tuple[str, ...]
    packets: tuple[str, ...] = ()
    """What they are a share of; a large share is bad."""
    explained_by: tuple[str, ...] = ()
    """Counters of what brings these events with it: then they are only worth a notice."""
    less: tuple[str, ...] = ()
    """Counters whose events are counted here once more (rxe_comp.c: every NAK is a retry of the completer)."""


_KINDS: Final = (
    _Kind(
        "warn",
        N_(
            "RDMA {port}: {n} remote access errors in {time}: the memory key or the address was wrong. That is "
            "software, not the network."
        ),
        ("req_remote_access_errors", "resp_remote_access_errors"),
    ),
    _Kind(
        "bad",
        N_("RDMA {port}: connections were given up after too many retries, {n} in {time}."),
        (
            "retry_exceeded_err",
            "retry_rnr_exceeded_err",
            "req_transport_retries_exceeded",
            "req_rnr_retries_exceeded",
        ),
    ),
    _Kind(
        "warn",
        N_("RDMA {port}: {n} packets arrived with a broken checksum in {time}: address translation or corruption."),
        ("rx_icrc_encapsulated",),
        _RECEIVED,
    ),
    _Kind("warn", N_("RDMA {port}: {n} errors on the wire in {time}: look at its cable, module and port."), _WIRE),
    _Kind(
        "warn",
        N_("RDMA {port}: packets are lost or overtaken on the way to the peer: {n} NAKs in {time}."),
        ("packet_seq_err", "rcvd_seq_err"),
        _SENT,
        _PEER_NOT_READY,
    ),
    _Kind(
        "warn",
        N_("RDMA {port}: packets are lost or overtaken on the way here: {n} times in {time}."),
        ("out_of_sequence", "out_of_seq_request", "implied_nak_seq_err"),
        explained_by=_NOT_READY,
    ),
    _Kind(
        "warn",
        N_("RDMA {port}: {n} time-outs in {time}: requests or their answers were lost, or the peer was silent."),
        ("local_ack_timeout_err", "completer_retry_err"),
        _SENT,
        _PEER_NOT_READY,
        less=("rcvd_seq_err",),
    ),
    _Kind(
        "warn",
        N_("RDMA {port}: the peer had no receive buffer {n} times in {time}. That is its host or its application."),
        _PEER_NOT_READY,
    ),
    _Kind(
        "warn",
        N_("RDMA {port}: no receive buffer was posted here {n} times in {time}. That is this host's application."),
        _NOT_READY,
    ),
    _Kind("warn", N_("RDMA {port}: {n} packets were dropped before sending in {time}."), ("port_xmit_discards",)),
)


def rdma_verdicts(kept: Recent[Rdma], at_ns: int) -> Iterator[Verdict]:
    """Yield what the counters of each RDMA port say is wrong, by their growth over the samples kept."""
    if (ends := kept.ends(at_ns)) is None:
        return
    first, last = ends
    before = {(port.device, port.port): port.counters for port in first.ports}
    for port in last.ports:
        name = f"{port.device}/{port.port}" + (f" ({port.netdev})" if port.netdev else "")
        grown = growth(before.get((port.device, port.port), {}), port.counters)
        if (found := port_verdict(name, grown, last.t - first.t)) is not None:
            yield found


def cards_growth(kept: Recent[NicCounters], at_ns: int) -> Iterator[tuple[str, dict[str, int], int]]:
    """Yield each card with the growth of its totals within so many ns."""
    if (ends := kept.ends(at_ns)) is not None:
        first, last = ends
        for name, counters in last.interfaces.items():
            yield name, growth(first.interfaces.get(name, {}), counters), last.t - first.t


def port_verdict(port: str, grown: Mapping[str, int], elapsed_ns: int) -> Verdict | None:
    """Return what is wrong with an RDMA port whose totals grew by so much within `elapsed_ns`, None for nothing."""
    found = [one for kind in _KINDS if (one := _judged(kind, port, grown, elapsed_ns)) is not None]
    if not found:
        return None
    worst = max(found, key=lambda one: GRAVITY[one.severity])
    rest = (one.text for one in found if one is not worst)
    return replace(worst, evidence=(*rest, *_context(port, grown, duration(elapsed_ns))))


def paused(interface: str, grown: Mapping[str, int], elapsed_ns: int) -> Iterator[Verdict]:
    """Yield the priorities of a card that were paused for long; it counts microseconds."""
    if elapsed_ns < LEAST_NS:
        return
    for counter, more in sorted(grown.items()):
        ratio = more * 1000 / elapsed_ns
        if ratio > PAUSED_RATIO and (match := _PAUSED.fullmatch(counter)) is not None:
            text, share = _HELD[match["way"]], percent(min(1.0, ratio))
            said = say(text, interface=interface, priority=match["priority"], share=share, time=duration(elapsed_ns))
            yield Verdict("bad" if ratio > STORM_RATIO else "warn", said)


def missed(interface: str, grown: Mapping[str, int], elapsed_ns: int) -> Iterator[Verdict]:
    """Yield the packets that a card had no room for. Drivers count the same ones under several names."""
    n = max(grown.get(name, 0) for name in NO_ROOM)
    if n:
        text = N_("{interface}: the card had no room for {n} packets in {time}: this box takes them in too slowly.")
        yield Verdict(
            "warn" if n >= FEW else "notice", say(text, interface=interface, n=count(n), time=duration(elapsed_ns))
        )


def _judged(kind: _Kind, port: str, grown: Mapping[str, int], elapsed_ns: int) -> Verdict | None:
    n = _sum(grown, kind.counters) - _sum(grown, kind.less)
    if n <= 0:
        return None
    text = Sentence(kind.text, {"port": port, "n": count(n), "time": duration(elapsed_ns)})
    if n < FEW or 2 * _sum(grown, kind.explained_by) >= n:
        return Verdict("notice", text)
    packets = _sum(grown, kind.packets)
    return Verdict("bad" if packets >= LEAST_PACKETS and n / packets > LOSS_BAD_RATIO else kind.severity, text)


def _context(port: str, grown: Mapping[str, int], time: str) -> Iterator[Sentence]:
    """Say how much was sent meanwhile, where that is counted."""
    sent, received = _sum(grown, _SENT), _sum(grown, _RECEIVED)
    if sent or received:
        text = N_("RDMA {port}: {sent} packets sent and {received} received in {time}.")
        yield say(text, port=port, sent=count(sent), received=count(received), time=time)


def _sum(grown: Mapping[str, int], counters: Iterable[str]) -> int:
    return sum(grown.get(name, 0) for name in counters)
