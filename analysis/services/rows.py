"""Services and ports as rows of a view, and the part they have in the verdict."""

from collections.abc import Iterator
from typing import Final

from analysis.samples import Check, Ports, Service
from analysis.services.answers import Finding, findings
from analysis.services.fold import Services, Watched, down_severity
from analysis.services.ports import is_met, port_text, ports_note
from analysis.services.url import BadUrl, place
from analysis.services.view import PortJudged, PortsRow, ServiceRow
from analysis.severity import Severity
from analysis.text import N_, say
from analysis.units import duration

WINDOW_NS: Final = 600 * 10**9
DAY_S: Final = 86_400


def service_rows(services: Services, at_ns: int) -> tuple[ServiceRow, ...]:
    """Return every service at a time, in the order of their definitions."""
    return tuple(_row(watched, at_ns) for watched in services.watched.values())


def _row(watched: Watched, at_ns: int) -> ServiceRow:
    recent = [check for check in watched.checks if check.t > at_ns - WINDOW_NS]
    good = sorted(c.phases.whole_us for c in recent if c.failure is None and c.phases.whole_us is not None)
    last = watched.checks[-1] if watched.checks else None
    streak = watched.streak
    found = tuple(_findings(last, watched.service)) if last else ()
    return ServiceRow(
        service=watched.service,
        state=streak.state,
        severity=_severity(streak.state, last, found),
        since_ns=streak.since_ns,
        at_least=streak.at_least,
        last=last,
        streak=streak.length,
        checks=len(recent),
        failed=sum(check.failure is not None for check in recent),
        p50_us=_quantile(good, 0.50),
        p99_us=_quantile(good, 0.99),
        findings=found,
    )


def _severity(state: str, last: Check | None, found: tuple[Finding, ...]) -> Severity:
    if state == "unknown" or last is None:
        return "unknown"
    if state == "down":
        return down_severity(last) if last.failure else "warn"
    return "warn" if last.failure or any(finding.severity == "warn" for finding in found) else "ok"


def _findings(check: Check, service: Service) -> Iterator[Finding]:
    """Yield what is worth knowing beside up and down."""
    yield from findings(check.answers)
    certificate, phases = check.certificate, check.phases
    if certificate is not None and certificate.expires_s is not None and check.failure is None:
        left_s = certificate.expires_s - check.t // 10**9
        if left_s < service.days_left * DAY_S:
            text = N_("The certificate ends in {days} days. Renew it.")
            yield Finding("warn", say(text, days=left_s // DAY_S))
    if check.failure == "timeout" and service.kind in ("tls", "https") and phases.connect_us and not phases.tls_us:
        text = N_("It connects, then it is silent: so it looks where large packets are lost. To measure: {command}")
        yield Finding("notice", say(text, command=f"longpipe path {host_of(service)} --mtu"))


def _quantile(ascending: list[int], share: float) -> int | None:
    """Return the least value that so large a share of the values does not exceed (nearest rank)."""
    return ascending[-int(-share * len(ascending) // 1) - 1] if ascending else None


def ports_rows(services: Services) -> tuple[PortsRow, ...]:
    """Return the ports of every host at the last look."""
    return tuple(map(_ports, services.ports.values()))


def _ports(ports: Ports) -> PortsRow:
    return PortsRow(
        host=ports.host,
        address=ports.address,
        at_ns=ports.t,
        is_local=ports.is_local,
        ports=tuple(PortJudged(row, is_met(row), port_text(row)) for row in ports.rows),
        note=ports_note(ports),
        error=ports.error,
    )


def told(rows: tuple[ServiceRow, ...], hosts: tuple[PortsRow, ...], at_ns: int) -> Iterator[Finding]:
    """Yield what is wrong with services and ports, the gravest first."""
    found = [*_down(rows, at_ns), *_unmet(hosts)]
    found += [
        Finding(finding.severity, say(N_("{name}: {what}"), name=row.service.name, what=finding.text))
        for row in rows
        for finding in row.findings
    ]
    order: tuple[Severity, ...] = ("bad", "warn", "notice")
    yield from sorted(found, key=lambda finding: order.index(finding.severity))


def _down(rows: tuple[ServiceRow, ...], at_ns: int) -> Iterator[Finding]:
    for row in rows:
        if row.state != "down" or row.last is None:
            continue
        time = duration(at_ns - (row.since_ns or at_ns))
        args = {"name": row.service.name, "time": time, "why": row.last.why or say(N_("the last checks are good"))}
        text = (
            N_("{name} has been down for at least {time}: {why}.")
            if row.at_least
            else N_("{name} has been down for {time}: {why}.")
        )
        severity: Severity = "bad" if row.severity == "bad" else "warn"
        yield Finding(severity, say(text, **args), host_of(row.service))


def host_of(service: Service) -> str:
    """Return the host of a service, "" where its URL, from a recording, names none."""
    try:
        return place(service.url).host
    except BadUrl:
        return ""


def _unmet(hosts: tuple[PortsRow, ...]) -> Iterator[Finding]:
    """Yield for each host the first port that is not as it must be, and how many there are."""
    for host in hosts:
        if host.error is not None:
            yield Finding("warn", host.error)
        unmet = [judged for judged in host.ports if not judged.is_met]
        if unmet:
            text = N_("{host}, port {port}: {what}. Ports not as they must be: {n} of {all}.")
            args = {"host": host.host, "port": unmet[0].row.port, "what": unmet[0].text}
            yield Finding("bad", say(text, **args, n=len(unmet), all=len(host.ports)))
