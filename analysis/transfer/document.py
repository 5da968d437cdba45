"""Schema `longpipe.bandwidth/1`: what `longpipe bandwidth HOST --json` prints.

Fields are added, never changed, while the schema is /1. Rates are bit/s of payload at the receiver, times µs unless
named otherwise, ratios 0 to 1; null is "not known", never zero. Text is in the person's language.
"""

from collections.abc import Callable, Sequence
from typing import Literal

import msgspec

from analysis.samples import BandwidthRun, DatagramCounts, FecRun, RttQuantiles, SenderAccount
from analysis.text import Sentence
from analysis.transfer.bufferbloat import Grade, bloat
from analysis.transfer.limits import flow_rates_bps, limit, rate_bps, resent_ratio
from analysis.transfer.results import Run

Tell = Callable[[Sentence], str]
SCHEMA = "longpipe.bandwidth/1"


class BloatPart(msgspec.Struct, frozen=True):
    """Growth of the median round trip under load. Grades: A+ < 5 ms, A < 30, B < 60, C < 200, D < 400, else F."""

    growth_us: int
    grade: Grade
    n: int


class RttPart(msgspec.Struct, frozen=True):
    """Round trips of the prober's own packets."""

    sent: int
    lost: int
    min: int | None
    p50: int | None
    p95: int | None
    max: int | None


class DatagramsPart(msgspec.Struct, frozen=True):
    """Datagrams as the receiver saw them. `bursts`: (n, how often) n in a row were lost."""

    sent: int
    received: int
    lost: int
    loss_ratio: float | None
    duplicates: int
    reordered: int
    overflowed: int
    """Of those lost: dropped by the receiver's own socket."""
    foreign: int
    jitter_us: float | None
    """RFC 3550."""
    bursts: tuple[tuple[int, int], ...]


class SenderPart(msgspec.Struct, frozen=True):
    """TCP_INFO of the sender, all flows together; times are sums over the flows."""

    congestion_control: str
    mss: int
    cwnd_packets: int
    rtt_us: int | None
    min_rtt_us: int | None
    delivery_rate_bps: int | None
    bytes_sent: int | None
    bytes_retrans: int | None
    busy_us: int | None
    rwnd_limited_us: int | None
    sndbuf_limited_us: int | None


class RunPart(msgspec.Struct, frozen=True):
    """One direction. The rate is that of `span_us`; `skipped_us` before it, slow start, is left out."""

    direction: Literal["up", "down"]
    protocol: Literal["tcp", "udp"]
    tool: Literal["longpipe", "iperf3"]
    flows: int
    together: bool
    rate_bps: float | None
    flow_rates_bps: tuple[float, ...]
    bytes: int
    span_us: int
    skipped_us: int
    moved_bytes: int
    capped: bool
    asked_bps: int | None
    datagrams: DatagramsPart | None
    sender: SenderPart | None
    resent_ratio: float | None
    rtt_idle_us: RttPart | None
    rtt_loaded_us: RttPart | None
    gateway_rtt_idle_us: RttPart | None
    gateway_rtt_loaded_us: RttPart | None
    bufferbloat: BloatPart | None
    limit: str | None


class PredictedPart(msgspec.Struct, frozen=True):
    """What a code would leave of the losses that the plain datagrams had."""

    needed: int
    block: int
    added_ratio: float
    residual_ratio: float
    n: int
    wait_us: int


class FecPart(msgspec.Struct, frozen=True):
    """Plain datagrams against coded ones at one pace."""

    direction: Literal["up", "down"]
    needed: int
    block: int
    added_ratio: float
    paced_bps: int
    payload_bytes: int
    loss_ratio: float | None
    residual_ratio: float | None
    plain: DatagramsPart
    coded: DatagramsPart
    sources: int
    arrived: int
    restored: int
    wrong: int
    wait_p50_us: int | None
    wait_max_us: int | None
    decode_p50_us: int | None
    predicted: tuple[PredictedPart, ...]
    conclusion: str


class Document(msgspec.Struct, frozen=True):
    """One test. `route`: the way out of this box, "" where none was taken."""

    schema: str
    target: str
    address: str
    port: int
    route: str
    runs: tuple[RunPart, ...]
    fec: tuple[FecPart, ...]


def document(results: Sequence[Run], tell: Tell) -> Document:
    """Return the results of one test, of which there is at least one."""
    first = results[0]
    return Document(
        SCHEMA,
        first.target,
        first.address,
        first.port,
        first.route,
        tuple(_run(run, tell) for run in results if isinstance(run, BandwidthRun)),
        tuple(_fec(run, tell) for run in results if isinstance(run, FecRun)),
    )


def _run(run: BandwidthRun, tell: Tell) -> RunPart:
    grown, held = bloat(run.idle, run.loaded), limit(run)
    return RunPart(
        direction=run.direction,
        protocol=run.protocol,
        tool=run.tool,
        flows=run.flows,
        together=run.together,
        rate_bps=rate_bps(run),
        flow_rates_bps=flow_rates_bps(run),
        bytes=run.bytes,
        span_us=run.span_us,
        skipped_us=run.skipped_us,
        moved_bytes=run.moved_bytes,
        capped=run.capped,
        asked_bps=run.asked_bps,
        datagrams=_datagrams(run.datagrams) if run.datagrams else None,
        sender=_sender(run.sender) if run.sender else None,
        resent_ratio=resent_ratio(run.sender) if run.sender else None,
        rtt_idle_us=_rtt(run.idle),
        rtt_loaded_us=_rtt(run.loaded),
        gateway_rtt_idle_us=_rtt(run.gateway_idle),
        gateway_rtt_loaded_us=_rtt(run.gateway_loaded),
        bufferbloat=BloatPart(*grown) if grown else None,
        limit=tell(held) if held else None,
    )


def _datagrams(counts: DatagramCounts) -> DatagramsPart:
    lost = counts.sent - counts.received
    return DatagramsPart(
        sent=counts.sent,
        received=counts.received,
        lost=lost,
        loss_ratio=lost / counts.sent if counts.sent else None,
        duplicates=counts.duplicates,
        reordered=counts.reordered,
        overflowed=counts.overflowed,
        foreign=counts.foreign,
        jitter_us=counts.jitter_us,
        bursts=counts.bursts,
    )


def _sender(sender: SenderAccount) -> SenderPart:
    return SenderPart(*msgspec.structs.astuple(sender))


def _rtt(rtt: RttQuantiles | None) -> RttPart | None:
    return RttPart(rtt.sent, rtt.lost, rtt.min_us, rtt.p50_us, rtt.p95_us, rtt.max_us) if rtt else None


def _fec(run: FecRun, tell: Tell) -> FecPart:
    from analysis.transfer.fec import Code, conclusion, loss_ratio, predictions, residual_ratio

    return FecPart(
        direction=run.direction,
        needed=run.needed,
        block=run.block,
        added_ratio=Code(run.needed, run.block).added_ratio,
        paced_bps=run.paced_bps,
        payload_bytes=run.payload_bytes,
        loss_ratio=loss_ratio(run),
        residual_ratio=residual_ratio(run),
        plain=_datagrams(run.plain),
        coded=_datagrams(run.coded),
        sources=run.sources,
        arrived=run.arrived,
        restored=run.restored,
        wrong=run.wrong,
        wait_p50_us=run.wait_p50_us,
        wait_max_us=run.wait_max_us,
        decode_p50_us=run.decode_p50_us,
        predicted=tuple(
            PredictedPart(*one.code, one.code.added_ratio, one.residual_ratio, one.n, one.wait_us)
            for one in predictions(run)
        ),
        conclusion=tell(conclusion(run)),
    )
