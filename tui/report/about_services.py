"""What a report says of services and ports."""

from collections.abc import Iterator, Sequence
from typing import Final

from analysis.services.fold import FAILURES, State
from analysis.units import milliseconds
from tui.report.blocks import Block, Cell, Line, Table, Topic
from tui.report.service_schema import AnswerPart, CheckPart, PortPart, PortsPart, ServicePart
from tui.severity import glyph, role, word
from tui.text import N_, _, tell
from tui.widgets.runs import Role

STATES: Final[dict[State, str]] = {"up": N_("up"), "down": N_("down"), "unknown": N_("not decided")}


def service_blocks(services: Sequence[ServicePart]) -> Iterator[Block]:
    """Yield a table of services, then what is wrong with each, and what resolvers said."""
    if not services:
        return
    numbers = (_("name ms"), _("connect ms"), _("TLS ms"), _("first byte ms"), _("all ms"))
    head = ("", _("service"), _("state"), _("checks"), _("failed"), *numbers, "HTTP", _("certificate"))
    yield Table(head, tuple(map(_service, services)), frozenset(range(3, 11)))
    for service in services:
        last = service.last
        if last is not None and last.why is not None:
            yield Line(f"{service.name}: {last.why}", "bad" if service.severity == "bad" else "warn")
        for finding in service.findings:
            yield Line(f"{service.name}: {finding.text}", role(finding.severity))
    for service in services:
        if service.last is not None and service.last.answers:
            yield Topic(service.name)
            columns = (_("resolver"), _("record"), _("answer"), _("ms"))
            yield Table(columns, tuple(map(_answer, service.last.answers)), frozenset({3}))


def _service(service: ServicePart) -> tuple[Cell, ...]:
    last, sign = service.last, role(service.severity)
    phases = (last.name_us, last.connect_us, last.tls_us, last.first_byte_us, last.whole_us) if last else (None,) * 5
    return (
        (glyph(service.severity, "unicode"), sign),
        (service.name, "plain"),
        (_(STATES[service.state]), sign),
        (str(service.checks), "dim"),
        (str(service.failed), "warn" if service.failed else "dim"),
        *((milliseconds(us), "plain") for us in phases),
        ("–" if last is None or last.status is None else str(last.status), "plain"),
        (certificate_text(last), "plain"),
    )


def certificate_text(last: CheckPart | None) -> str:
    """Return protocol and days left of what a server showed, in a few words."""
    if last is None or last.certificate is None:
        return "–"
    shown = last.certificate
    return (
        shown.version
        if shown.days_left is None
        else _("{version}, {n} days", version=shown.version, n=shown.days_left)
    )


def _answer(answer: AnswerPart) -> tuple[Cell, ...]:
    sign: Role = "plain" if answer.rcode == "NOERROR" else "bad"
    return (
        (answer.resolver, "plain"),
        (answer.record, "dim"),
        (answer_text(answer), sign),
        (milliseconds(answer.took_us), "plain"),
    )


def answer_text(answer: AnswerPart) -> str:
    """Return what a resolver said, in a few words."""
    if answer.failure is not None:
        return tell(FAILURES[answer.failure])
    if answer.addresses:
        return ", ".join(answer.addresses[:4]) + (" …" if len(answer.addresses) > 4 else "")
    return _("none of this kind") if answer.rcode == "NOERROR" else answer.rcode or "–"


def port_blocks(hosts: Sequence[PortsPart]) -> Iterator[Block]:
    """Yield the expected ports of every host, with what cannot be told from here."""
    for host in hosts:
        address = f" ({host.address})" if host.address and host.address != host.host else ""
        yield Topic(f"{host.host}{address}")
        if host.error is not None:
            yield Line(host.error, "warn")
            continue
        head = ("", _("port"), "", _("must be"), _("is"))
        yield Table(head, tuple(map(_port, host.ports)), frozenset({1}))
        yield Line(host.note, "dim")


def _port(port: PortPart) -> tuple[Cell, ...]:
    sign: Role = "ok" if port.is_met else "bad"
    return (
        (f"{glyph('ok' if port.is_met else 'bad', 'unicode')} {word('ok' if port.is_met else 'bad')}", sign),
        (str(port.port), "plain"),
        (port.what, "dim"),
        (_("reachable") if port.wanted else _("not reachable"), "plain"),
        (port.text, "plain" if port.is_met else "bad"),
    )
