"""Makes the parts of a report that tell of services and ports."""

from analysis.samples import Certificate, Check, DnsAnswer
from analysis.services.answers import Finding
from analysis.services.view import PortJudged, PortsRow, ServiceRow
from analysis.text import Sentence
from collectors.session.header import rfc3339
from tui.report.service_schema import (
    AnswerPart,
    CertificatePart,
    CheckPart,
    FindingPart,
    PortPart,
    PortsPart,
    ServicePart,
)
from tui.text import tell
from tui.widgets.clean import clean

DAY_S = 86_400


def service_part(row: ServiceRow) -> ServicePart:
    """Return one service."""
    return ServicePart(
        name=clean(row.service.name),
        kind=row.service.kind,
        url=clean(row.service.url),
        state=row.state,
        severity=row.severity,
        since=None if row.since_ns is None else rfc3339(row.since_ns),
        since_at_least=row.at_least,
        checks=row.checks,
        failed=row.failed,
        p50_us=row.p50_us,
        p99_us=row.p99_us,
        last=None if row.last is None else _check(row.last),
        findings=tuple(map(_finding, row.findings)),
    )


def _check(check: Check) -> CheckPart:
    phases = check.phases
    return CheckPart(
        time=rfc3339(check.t),
        failure=check.failure,
        why=None if check.why is None else _told(check.why),
        address=_maybe(check.address),
        by=_maybe(check.by),
        name_us=phases.name_us,
        connect_us=phases.connect_us,
        tls_us=phases.tls_us,
        first_byte_us=phases.first_byte_us,
        whole_us=phases.whole_us,
        status=check.status,
        cut=check.cut,
        certificate=None if check.certificate is None else _certificate(check.certificate, check.t // 10**9),
        answers=tuple(map(_answer, check.answers)),
    )


def _certificate(shown: Certificate, now_s: int) -> CertificatePart:
    return CertificatePart(
        version=clean(shown.version),
        expires=None if shown.expires_s is None else rfc3339(shown.expires_s * 10**9),
        days_left=None if shown.expires_s is None else (shown.expires_s - now_s) // DAY_S,
        names=tuple(map(clean, shown.names)),
        name_matches=shown.name_matches,
        problem=_maybe(shown.problem),
    )


def _answer(answer: DnsAnswer) -> AnswerPart:
    return AnswerPart(
        resolver=clean(answer.resolver),
        record=answer.record,
        rcode=_maybe(answer.rcode),
        addresses=tuple(map(clean, answer.addresses)),
        also=tuple(tuple(map(clean, other)) for other in answer.also),
        took_us=answer.took_us,
        over_tcp=answer.over_tcp,
        failure=answer.failure,
    )


def _finding(finding: Finding) -> FindingPart:
    return FindingPart(finding.severity, _told(finding.text))


def ports_part(row: PortsRow) -> PortsPart:
    """Return the ports of one host."""
    return PortsPart(
        host=clean(row.host),
        address=_maybe(row.address),
        time=rfc3339(row.at_ns),
        is_local=row.is_local,
        note=_told(row.note),
        error=None if row.error is None else _told(row.error),
        ports=tuple(map(_port, row.ports)),
    )


def _port(judged: PortJudged) -> PortPart:
    row = judged.row
    return PortPart(
        port=row.port,
        what=clean(row.what),
        wanted=row.wanted,
        is_met=judged.is_met,
        state=row.state,
        by=_maybe(row.by),
        icmp=_maybe(row.icmp),
        took_us=row.took_us,
        listener=row.listener,
        text=_told(judged.text),
    )


def _told(sentence: Sentence) -> str:
    return clean(tell(sentence))


def _maybe(text: str | None) -> str | None:
    return None if text is None else clean(text)
