"""One verdict out of several: of the paths, of captured RoCE, of services and ports."""

from collections.abc import Iterable, Sequence
from typing import Final

from msgspec.structs import replace

from analysis.services.answers import Finding
from analysis.services.view import ServiceRow
from analysis.severity import Severity
from analysis.text import N_, Sentence, say
from analysis.units import count
from analysis.verdict import near
from analysis.view import PathRow, RoceRow, Verdict

_GRAVITY: Final[dict[Severity, int]] = {"ok": 0, "unknown": 0, "notice": 1, "warn": 2, "bad": 3}
OPEN_LOSS_RATIO: Final = 0.01
"""More loss than this, and a way is not called open."""


def gravest(of_paths: Verdict, captured: Iterable[RoceRow], *, alone: bool) -> Verdict:
    """Return the verdict on the paths or on captured RoCE, whichever is graver; `alone`: no path is probed at all."""
    worst = max(captured, key=lambda row: _GRAVITY[row.verdict.severity], default=None)
    if worst is None or (not alone and _GRAVITY[worst.verdict.severity] <= _GRAVITY[of_paths.severity]):
        return of_paths
    found = worst.verdict
    text = say(N_("RoCE on {interface}: {what}"), interface=worst.interface, what=found.text)
    evidence = (*found.evidence, *of_paths.evidence)
    return Verdict(found.severity, text, evidence, not_observable=found.not_observable)


def with_services(
    of_paths: Verdict, services: Sequence[ServiceRow], found: Sequence[Finding], paths: tuple[PathRow, ...]
) -> Verdict:
    """Return the verdict on the paths, or on services and ports where those are graver; else they are evidence."""
    worst = next(iter(found), None)
    if worst is not None and _GRAVITY[worst.severity] > max(_GRAVITY["notice"], _GRAVITY[of_paths.severity]):
        where = _reached(paths, worst.host) or (near(paths) if paths else None)
        text = say(N_("{what} {near}"), what=worst.text, near=where) if where else worst.text
        rest = tuple(finding.text for finding in found[1:])
        evidence = (*rest, of_paths.text, *of_paths.evidence)
        return Verdict(worst.severity, text, evidence, not_observable=of_paths.not_observable)
    if not paths and services and all(row.severity == "ok" for row in services):
        return Verdict("ok", say(N_("Every service is up: {n} of {n}."), n=len(services)), of_paths.evidence)
    return replace(of_paths, evidence=(*(finding.text for finding in found), *of_paths.evidence))


def _reached(paths: Iterable[PathRow], host: str) -> Sentence | None:
    """Say that the host of a service answers probes, so that the way there is open; None where that is not so."""
    rows = [row for row in paths if row.target == host and row.series.role == "target" and row.window.answered]
    lost, settled = sum(row.window.lost for row in rows), sum(row.window.settled for row in rows)
    if not rows or lost > settled * OPEN_LOSS_RATIO:
        return None
    text = N_("{host} answers probes ({lost} of {n} lost), so the way there is open.")
    return say(text, host=host, lost=lost, n=count(settled))


def located(found: Verdict, where: Sentence) -> Verdict:
    """Return a verdict that says where the fault starts, and rests on what it rested on before."""
    return replace(found, text=where, evidence=(found.text, *found.evidence))
