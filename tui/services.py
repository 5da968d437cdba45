"""Services and ports on the screen and in plain lines: how they are, since when, and where the time goes."""

from collections.abc import Iterator
from typing import Final

from analysis.services.view import PortJudged, PortsRow, ServiceRow
from analysis.units import duration, milliseconds
from analysis.view import View
from tui.report.about_services import STATES, answer_text, certificate_text
from tui.report.build_services import service_part
from tui.report.service_schema import CheckPart
from tui.screens.detail import Detail
from tui.service_text import counts_text
from tui.severity import glyph, role
from tui.text import N_, _, tell
from tui.widgets.runs import Glyphs, Role, Row
from tui.widgets.wrap import wrap_rows

STALE_AFTER: Final = 3
"""So many intervals without a check, and that is said."""
HOW: Final = N_(
    "Nothing is checked here. Name services and ports in the configuration: longpipe config --template shows how. "
    "To check some at once: longpipe check https://HOST/"
)


def services_detail(view: View, glyphs: Glyphs, width: int) -> Detail:
    """Return the page of all services and ports."""
    rows: list[Row] = []
    for service in view.services:
        rows += [*_service_rows(service, view.at_ns, glyphs, width), ()]
    for host in view.ports:
        rows += [*_host_rows(host, glyphs, width), ()]
    return Detail(_("Services"), tuple(rows[:-1]) or tuple(wrap_rows(_(HOW), width, "dim")))


def _service_rows(row: ServiceRow, now_ns: int, glyphs: Glyphs, width: int) -> Iterator[Row]:
    sign = role(row.severity)
    head = f"{glyph(row.severity, glyphs)} {row.service.name}: {_state(row, now_ns)}"
    yield from wrap_rows(head, width, sign, indent=2)
    if row.service.name != row.service.url:
        yield from wrap_rows(f"  {row.service.url}", width, "dim", indent=2)
    last = service_part(row).last
    if row.last is None or last is None:
        return
    silent_ns = now_ns - row.last.t
    if silent_ns > STALE_AFTER * row.service.interval_ns + row.service.timeout_ns:
        silent = _("not checked for {time}", time=duration(silent_ns))
        yield from wrap_rows(f"  {silent}", width, "warn", indent=2)
    if row.last.why is not None:
        yield from wrap_rows(f"  {tell(row.last.why)}", width, "bad" if row.severity == "bad" else "warn", indent=2)
    yield from wrap_rows(f"  {counts_text(row)}", width, indent=2)
    if parts := [*_parts(last)]:
        yield from wrap_rows(f"  {' · '.join(parts)}", width, "dim", indent=2)
    for answer in last.answers:
        text = f"  {answer.resolver} {answer.record}: {answer_text(answer)}"
        said: Role = "plain" if answer.rcode == "NOERROR" else "warn"
        yield from wrap_rows(f"{text} ({milliseconds(answer.took_us)} ms)", width, said, indent=4)
    for finding in row.findings:
        yield from wrap_rows(f"  {tell(finding.text)}", width, role(finding.severity), indent=2)
    yield from wrap_rows(f"  {_thresholds(row)}", width, "dim", indent=2)


def _state(row: ServiceRow, now_ns: int) -> str:
    """Return up or down and since when; before that is decided, how many checks agree."""
    if row.since_ns is None:
        wanted = row.service.failures if row.last and row.last.failure else row.service.successes
        return _("{n} of {wanted} checks agree so far", n=row.streak, wanted=wanted)
    time = duration(now_ns - row.since_ns)
    state = _(STATES[row.state])
    if row.at_least:
        return _("{state}, for at least {time}", state=state, time=time)
    return _("{state}, for {time}", state=state, time=time)


def _parts(last: CheckPart) -> Iterator[str]:
    """Yield how long each phase of the last check took, and what was seen."""
    for name, us in (
        (_("name"), last.name_us),
        (_("connect"), last.connect_us),
        ("TLS", last.tls_us),
        (_("first byte"), last.first_byte_us),
    ):
        if us is not None:
            yield f"{name} {milliseconds(us)} ms"
    if last.status is not None:
        yield f"HTTP {last.status}"
    if last.certificate is not None:
        yield certificate_text(last)
    if last.address is not None:
        yield last.address


def _thresholds(row: ServiceRow) -> str:
    """Return when a service counts as down, and how long that takes to be noticed at most."""
    service = row.service
    slowest_ns = service.failures * service.interval_ns + service.timeout_ns
    return _(
        "every {interval}, {timeout} at most; down after {failures} failures, so within {time}; up after {successes}",
        interval=duration(service.interval_ns),
        timeout=duration(service.timeout_ns),
        failures=service.failures,
        successes=service.successes,
        time=duration(slowest_ns),
    )


def _host_rows(host: PortsRow, glyphs: Glyphs, width: int) -> Iterator[Row]:
    address = f" ({host.address})" if host.address and host.address != host.host else ""
    yield from wrap_rows(_("Ports of {host}", host=f"{host.host}{address}"), width, "head")
    if host.error is not None:
        yield from wrap_rows(tell(host.error), width, "warn")
        return
    for judged in host.ports:
        yield from wrap_rows(_port(judged, glyphs), width, "plain" if judged.is_met else "bad", indent=8)
    yield from wrap_rows(tell(host.note), width, "dim")


def _port(judged: PortJudged, glyphs: Glyphs) -> str:
    row = judged.row
    what = f" ({row.what})" if row.what else ""
    return f"{glyph('ok' if judged.is_met else 'bad', glyphs)} {row.port:>5} {tell(judged.text)}{what}"
