"""Services and ports in a line each, for plain output; the screen says the same of its counts."""

from collections.abc import Iterator

from analysis.services.view import PortsRow, ServiceRow
from analysis.units import milliseconds
from tui.report.about_services import STATES
from tui.severity import word
from tui.text import _, tell


def counts_text(row: ServiceRow) -> str:
    """Return how many checks failed, and how long good ones took."""
    if row.p50_us is None:
        return _("{failed} of {n} checks failed", failed=row.failed, n=row.checks)
    return _(
        "{failed} of {n} checks failed; good ones took {p50} ms, p99 {p99} ms",
        failed=row.failed,
        n=row.checks,
        p50=milliseconds(row.p50_us),
        p99=milliseconds(row.p99_us),
    )


def service_line(row: ServiceRow) -> str:
    """Return one service as a plain line."""
    why = f" ({tell(row.last.why)})" if row.last is not None and row.last.why is not None else ""
    counts = counts_text(row)
    return f"{word(row.severity)} {row.service.name}: {_(STATES[row.state])}; {counts}{why}"


def port_lines(host: PortsRow) -> Iterator[str]:
    """Yield what is not as it must be of one host, as plain lines."""
    if host.error is not None:
        yield tell(host.error)
    for judged in host.ports:
        if not judged.is_met:
            yield _("{host}, port {port}: {what}", host=host.host, port=judged.row.port, what=tell(judged.text))
