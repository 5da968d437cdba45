"""Services and ports as they are seen at one moment."""

import msgspec

from analysis.samples import Check, PortRow, Service
from analysis.services.answers import Finding
from analysis.services.fold import State
from analysis.severity import Severity
from analysis.text import Sentence


class ServiceRow(msgspec.Struct, frozen=True):
    """One service now, and what its checks of the last minutes came to. Times are of whole checks."""

    service: Service
    state: State
    severity: Severity
    since_ns: int | None
    """When it began to be as it is now; None before that is decided."""
    at_least: bool
    """Whether it was so already when looking began."""
    last: Check | None
    streak: int
    """Checks in a row that ended as the last one did, good or not."""
    checks: int
    failed: int
    p50_us: int | None
    p99_us: int | None
    findings: tuple[Finding, ...] = ()


class PortJudged(msgspec.Struct, frozen=True):
    """One port, whether it is as it must be, and what its state means."""

    row: PortRow
    is_met: bool
    text: Sentence


class PortsRow(msgspec.Struct, frozen=True):
    """The expected ports of one host at the last look."""

    host: str
    address: str | None
    at_ns: int
    is_local: bool
    ports: tuple[PortJudged, ...]
    note: Sentence
    """From where was looked, and what that cannot say."""
    error: Sentence | None = None
