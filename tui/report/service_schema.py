"""What is told of services and ports, in the report and by `longpipe check` (schema `longpipe.check/1`)."""

from typing import Literal

from analysis.samples import Failure, PortState, ServiceKind
from analysis.samples.services import Listener
from analysis.services.fold import State
from analysis.severity import Severity
from tui.report.part import Part


class FindingPart(Part, frozen=True):
    """Something worth knowing though the service may be up."""

    severity: Severity
    text: str


class CertificatePart(Part, frozen=True):
    """What a server showed in a TLS handshake. `problem`: why the chain is not trusted; null where it is."""

    version: str
    expires: str | None
    days_left: int | None
    names: tuple[str, ...]
    name_matches: bool
    problem: str | None


class AnswerPart(Part, frozen=True):
    """What one resolver said. `also`: further, different answers to the same question."""

    resolver: str
    record: Literal["A", "AAAA"]
    rcode: str | None
    addresses: tuple[str, ...]
    also: tuple[tuple[str, ...], ...]
    took_us: int | None
    over_tcp: bool
    failure: Failure | None


class CheckPart(Part, frozen=True):
    """The last check. Times in microseconds; null is a phase that was not come to. `by`: who refused."""

    time: str
    failure: Failure | None
    why: str | None
    address: str | None
    by: str | None
    name_us: int | None
    connect_us: int | None
    tls_us: int | None
    first_byte_us: int | None
    whole_us: int | None
    status: int | None
    cut: bool
    certificate: CertificatePart | None
    answers: tuple[AnswerPart, ...]


class ServicePart(Part, frozen=True):
    """One service; counts and times of whole good checks are of the last ten minutes.

    `since`: when the checks began that decided the state. `since_at_least`: it may have been so for longer.
    """

    name: str
    kind: ServiceKind
    url: str
    state: State
    severity: Severity
    since: str | None
    since_at_least: bool
    checks: int
    failed: int
    p50_us: int | None
    p99_us: int | None
    last: CheckPart | None
    findings: tuple[FindingPart, ...]


class PortPart(Part, frozen=True):
    """One TCP port as seen from this box. `wanted`: it must be reachable; otherwise it must not."""

    port: int
    what: str
    wanted: bool
    is_met: bool
    state: PortState
    by: str | None
    icmp: str | None
    took_us: int | None
    listener: Listener | None
    """Who may come to what listens there, where the host is this box."""
    text: str


class PortsPart(Part, frozen=True):
    """The expected ports of one host at the last look. `note`: what cannot be told from here."""

    host: str
    address: str | None
    time: str
    is_local: bool
    note: str
    error: str | None
    ports: tuple[PortPart, ...]


class Checked(Part, frozen=True, tag="longpipe.check/1", tag_field="schema"):
    """Everything that `longpipe check --json` prints. Fields are added, never changed, while the schema is /1."""

    tool: str
    host: str
    time: str
    exit_code: int
    """0: all is as it must be; 3: it is not."""
    services: tuple[ServicePart, ...]
    ports: tuple[PortsPart, ...]
