"""One verdict out of several: of the paths, of captured RoCE, of what devices count, of services and ports."""

from collections.abc import Iterable, Sequence
from typing import Final

from msgspec.structs import replace

from analysis.services.answers import Finding
from analysis.services.view import ServiceRow
from analysis.severity import GRAVITY
from analysis.text import N_, Sentence, say
from analysis.units import count
from analysis.verdict import near
from analysis.view import Counted, PathRow, RoceRow, Verdict

OPEN_LOSS_RATIO: Final = 0.01
"""More loss than this, and a way is not called open."""


def gravest(of_paths: Verdict, captured: Iterable[RoceRow], counted: Counted, *, alone: bool) -> Verdict:
    """Return the gravest verdict; what else is worth a notice, or that the box is clean, is evidence of it.

    Of equal ones that on paths is first, then captured RoCE, which tells more than a port's counters. `alone`: no
    path is probed at all.
    """
    seen, totals = [*map(_of_capture, captured)], (*counted.rdma, *counted.box)
    # Totals always grow a little: what they say becomes the headline only where it is worth a warning.
    worst = max((*seen, *(one for one in totals if _gravity(one) >= GRAVITY["warn"])), key=_gravity, default=None)
    nothing_else = alone and of_paths.severity == "unknown"
    if worst is None or (not nothing_else and _gravity(worst) <= max(GRAVITY["unknown"], _gravity(of_paths))):
        worst = of_paths
    rest = (one for one in (*seen, *totals) if one is not worst and _gravity(one) >= GRAVITY["notice"])
    said = tuple(sentence for one in rest for sentence in (one.text, *one.evidence))
    told = (of_paths.text,) if _gravity(of_paths) >= GRAVITY["notice"] else ()
    below = () if worst is of_paths else (*told, *of_paths.evidence)
    clean = () if counted.clean is None else (counted.clean,)
    return replace(worst, evidence=(*worst.evidence, *said, *below, *clean))


def _gravity(found: Verdict) -> int:
    return GRAVITY[found.severity]


def _of_capture(row: RoceRow) -> Verdict:
    found = row.verdict
    text = say(N_("RoCE on {interface}: {what}"), interface=row.interface, what=found.text)
    return Verdict(found.severity, text, found.evidence, not_observable=found.not_observable)


def with_services(
    of_paths: Verdict, services: Sequence[ServiceRow], found: Sequence[Finding], paths: tuple[PathRow, ...]
) -> Verdict:
    """Return the verdict on the paths, or on services and ports where those are graver; else they are evidence."""
    worst = next(iter(found), None)
    if worst is not None and GRAVITY[worst.severity] > max(GRAVITY["notice"], GRAVITY[of_paths.severity]):
        where = _reached(paths, worst.host) or (near(paths) if paths else None)
        text = say(N_("{what} {near}"), what=worst.text, near=where) if where else worst.text
        rest = tuple(finding.text for finding in found[1:])
        return Verdict(worst.severity, text, (*rest, of_paths.text, *of_paths.evidence))
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
