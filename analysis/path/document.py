"""One path as data: the document of `longpipe path --json`, schema `longpipe.path/1`."""

from collections.abc import Callable

import msgspec

from analysis.path.carriers import Carrier, Line, line_names, told
from analysis.path.locate import evidence
from analysis.path.statistics import Count
from analysis.path.view import HopRow, Loss, LossStart, LossyMember, PathView
from analysis.samples import PathMtu
from analysis.text import Sentence

Tell = Callable[[Sentence], str]


class Part(msgspec.Struct, frozen=True):
    """Part of the document; fields are always there, null where nothing is known."""


class RouterPart(Part, frozen=True):
    """One address at a hop."""

    address: str
    answers: int
    flows: tuple[int, ...]
    line: str | None


class TimesPart(Part, frozen=True):
    """Round trips in µs."""

    min: int | None
    p50: int | None
    p99: int | None
    max: int | None
    mean: float | None
    jitter: float | None


class HopPart(Part, frozen=True):
    """One hop; `loss` is how its loss is judged."""

    ttl: int
    is_target: bool
    routers: tuple[RouterPart, ...]
    settled: int
    answered: int
    late: int
    lost: int
    loss_ratio: float | None
    loss: Loss
    rtt_us: TimesPart
    spread: str | None
    mpls_labels: tuple[int, ...]
    quoted_dscp: int | None
    quoted_ecn: int | None
    back_hops: int | None
    rewritten: bool
    refusal_code: int | None


class RatioPart(Part, frozen=True):
    """`lost` of `n` probes."""

    lost: int
    n: int


class StartPart(Part, frozen=True):
    """Where loss that reaches the target starts."""

    after_ttl: int
    by_ttl: int
    before: RatioPart
    behind: RatioPart
    target: RatioPart


class MemberPart(Part, frozen=True):
    """The router that the losing flows have in common."""

    ttl: int
    address: str
    flows: tuple[int, ...]
    through: RatioPart
    others: RatioPart


class HintPart(Part, frozen=True):
    """Something guessed."""

    code: str
    ttl: int | None
    text: str


class MtuPart(Part, frozen=True):
    """The path MTU in bytes of IP packets."""

    mtu: int | None
    refused: int | None
    local_mtu: int | None
    said_mtu: int | None
    said_by: str | None
    black_hole: bool
    after_ttl: int | None


class EvidencePart(Part, frozen=True):
    """A hop whose line is recognised."""

    ttl: int
    address: str
    line: str
    by: str
    source: str
    probable: bool


class CarrierPart(Part, frozen=True):
    """Carrier lines, forward only."""

    long_haul: str | None
    via: str | None
    product: str | None
    landing: str | None
    probable: bool
    direction: str
    text: str
    evidence: tuple[EvidencePart, ...]


class VerdictPart(Part, frozen=True):
    """What is wrong, in words."""

    severity: str
    text: str
    evidence: tuple[str, ...]


class Document(Part, frozen=True, tag="longpipe.path/1", tag_field="schema"):
    """The whole document."""

    target: str
    address: str
    protocol: str
    port: int | None
    source: str | None
    source_port: int | None
    flows: int
    dscp: int
    start_ns: int
    end_ns: int
    epoch_ns: int
    changes_ns: tuple[int, ...]
    reached: bool
    hops: tuple[HopPart, ...]
    loss_start: StartPart | None
    lossy_member: MemberPart | None
    hints: tuple[HintPart, ...]
    mtu: MtuPart | None
    carrier: CarrierPart
    verdict: VerdictPart


def document(view: PathView, carrier: Carrier, verdict: tuple[str, Sentence], tell: Tell) -> Document:
    """Return the document of a path; `verdict`: severity and sentence."""
    path = view.path
    names = line_names(carrier)
    return Document(
        target=path.target,
        address=path.address,
        protocol=path.protocol,
        port=path.port,
        source=path.source,
        source_port=path.source_port,
        flows=path.flows,
        dscp=path.dscp,
        start_ns=view.start_ns,
        end_ns=view.end_ns,
        epoch_ns=view.epoch_ns,
        changes_ns=view.changes,
        reached=view.reached,
        hops=tuple(_hop(row, names) for row in view.hops),
        loss_start=None if view.start is None else _start(view.start),
        lossy_member=None if view.member is None else _member(view.member),
        hints=tuple(HintPart(hint.code, hint.ttl, tell(hint.text)) for hint in view.hints),
        mtu=None if view.mtu is None else _mtu(view.mtu),
        carrier=_carrier(carrier, tell),
        verdict=VerdictPart(verdict[0], tell(verdict[1]), tuple(tell(one) for one in evidence(view))),
    )


def _hop(row: HopRow, names: dict[str, str]) -> HopPart:
    window = row.window
    return HopPart(
        ttl=row.ttl,
        is_target=row.is_target,
        routers=tuple(
            RouterPart(router.address, router.answers, router.flows, names.get(router.address))
            for router in row.routers
        ),
        settled=window.settled,
        answered=window.answered,
        late=window.late,
        lost=window.lost,
        loss_ratio=window.loss_ratio,
        loss=row.loss,
        rtt_us=TimesPart(
            window.min_us, window.p50_us, window.p99_us, window.max_us, window.mean_us, window.jitter_us
        ),
        spread=row.spread,
        mpls_labels=row.labels,
        quoted_dscp=row.quoted_dscp,
        quoted_ecn=row.quoted_ecn,
        back_hops=row.back_hops,
        rewritten=row.rewritten,
        refusal_code=row.refusal,
    )


def _start(start: LossStart) -> StartPart:
    return StartPart(start.after, start.by, _ratio(start.before), _ratio(start.behind), _ratio(start.target))


def _member(member: LossyMember) -> MemberPart:
    return MemberPart(member.ttl, member.address, member.flows, _ratio(member.through), _ratio(member.others))


def _mtu(mtu: PathMtu) -> MtuPart:
    return MtuPart(mtu.mtu, mtu.refused, mtu.local_mtu, mtu.said_mtu, mtu.said_by, mtu.black_hole, mtu.after_ttl)


def _ratio(told_of: Count) -> RatioPart:
    return RatioPart(told_of.lost, told_of.n)


def _carrier(carrier: Carrier, tell: Tell) -> CarrierPart:
    def name(line: Line | None) -> str | None:
        return None if line is None else line.name

    return CarrierPart(
        long_haul=name(carrier.long_haul),
        via=name(carrier.via),
        product=carrier.product,
        landing=name(carrier.landing),
        probable=carrier.probable,
        direction="forward",
        text=tell(told(carrier)),
        evidence=tuple(
            EvidencePart(hop.ttl, hop.address, hop.line.name, hop.by, hop.source, hop.probable)
            for hop in carrier.evidence
        ),
    )
