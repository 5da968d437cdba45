"""The one sentence at the top: the worst that is known, where it is, and where it is not."""

from collections.abc import Iterable, Iterator
from typing import Final

from analysis.objectives import AT_ONCE_NS, Judgement, in_words, measured_in_words
from analysis.path_names import is_helper, path_names, target_name, trouble
from analysis.samples import Name
from analysis.severity import Severity
from analysis.text import N_, Sentence, say
from analysis.units import count, duration, milliseconds, percent
from analysis.view import PathRow, RouteRow, Verdict

NEAR_LEAST: Final = 3
"""Fewer probes that the gateway does not answer say nothing: routers answer when they have time."""
_NAMED: Final = 3
"""Names said before the rest is cut short."""
_TOGETHER_NS: Final = 10**9
"""Series that end within so long have ended for one reason: nothing is observed any more."""
_RANK: Final = ("loss", "latency", "availability", "bandwidth")
"""Objectives missed, the gravest first."""


def verdict(
    paths: tuple[PathRow, ...],
    routes: tuple[RouteRow, ...] | None,
    names: tuple[Name, ...],
    now_ns: int,
) -> Verdict:
    """Return the worst of what is known at `now_ns`. `routes` is None while they have not been read."""
    targets = [row for row in paths if row.series.role == "target" and not row.barred]
    settled = sum(row.window.settled for row in paths)
    evidence = tuple(_evidence(paths, names, now_ns))
    live = _current(targets)
    answering = any(row.window.answered and not _is_silent(row) for row in live)
    if routes is not None and not routes and not answering:
        return Verdict("bad", say(N_("This box has no default route: nothing outside can be reached.")), evidence)
    if routes and not any(route.up for route in routes):
        return Verdict("bad", say(N_("Every way out of this box has its link down.")), evidence)
    down = max(filter(_is_silent, live), key=lambda row: row.outages[-1].length_ns(now_ns), default=None)
    if down is not None:
        return _unreachable(down, live, paths, evidence, now_ns)
    without = [name for name in names if not name.addresses and not is_helper(name)]
    unresolved = [name for name in without if name.error is not None]
    if without and not live:
        return _nameless(unresolved or without, paths, evidence)
    unsent = _unsent(targets, paths, evidence)
    if unsent is not None:
        return unsent
    missed = _worst_missed(routes or ())
    if missed is not None:
        return _missed(*missed, targets, paths, evidence, now_ns)
    if not settled:
        return Verdict("unknown", say(N_("Probing; the first answers are on their way.")), evidence)
    if not any(row.window.settled for row in targets):
        return Verdict("unknown", say(N_("No target has been probed yet. {near}"), near=near(paths)), evidence)
    if unresolved:
        return _partly(unresolved, settled, evidence)
    return _well(targets, paths, settled, evidence)


def _nameless(without: list[Name], paths: tuple[PathRow, ...], evidence: tuple[Sentence, ...]) -> Verdict:
    """Return that nothing is probed for want of addresses: they cannot be looked up, or not yet."""
    failed = without[0].error is not None
    text = say(
        N_("No target can be probed: {names} cannot be looked up. {near}")
        if failed
        else N_("No target is probed yet: no resolver has told the address of {names} so far. {near}"),
        names=_listed(without),
        near=near(paths),
    )
    return Verdict("bad" if failed else "unknown", text, evidence)


def _listed(names: list[Name]) -> str:
    """Return the first few names, and a sign that there are more."""
    return ", ".join(name.target for name in names[:_NAMED]) + (" …" if len(names) > _NAMED else "")


def _partly(unresolved: list[Name], settled: int, evidence: tuple[Sentence, ...]) -> Verdict:
    """Return that what is probed meets its objectives, and what cannot be probed."""
    text = say(
        N_("No objective is missed in {n} probes, but {names} cannot be looked up."),
        n=count(settled),
        names=_listed(unresolved),
    )
    return Verdict("notice", text, evidence)


def _well(
    targets: list[PathRow], paths: tuple[PathRow, ...], settled: int, evidence: tuple[Sentence, ...]
) -> Verdict:
    """Return that no objective is missed; losses too few to judge are said all the same."""
    worst = max(targets, key=lambda row: row.window.loss_ratio or 0.0)
    if not worst.window.lost:
        return Verdict("ok", say(N_("No problem seen in {n} probes."), n=count(settled)), evidence)
    text = say(
        N_("No objective is missed in {n} probes; {path} lost {lost} of {of}."),
        n=count(settled),
        path=path_names(paths)[worst.id],
        lost=worst.window.lost,
        of=count(worst.window.settled),
    )
    return Verdict("ok", text, evidence, worst.id)


def near(paths: Iterable[PathRow]) -> Sentence:
    """Say whether the first hop is clean: where the fault is not."""
    gateways = [row for row in paths if row.series.role == "gateway" and row.window.settled]
    if not gateways:
        return say(N_("There is no gateway to compare with."))
    answering = [row for row in gateways if row.window.answered]
    if not answering:
        return say(N_("The gateway does not answer probes, so this box's own link cannot be judged."))
    lost = sum(row.window.lost for row in answering)
    settled = sum(row.window.settled for row in answering)
    if 0 < lost < NEAR_LEAST:
        return say(
            N_("The gateway lost {lost} of {n}: too few to blame this box's own link."), lost=lost, n=count(settled)
        )
    if lost:
        return say(
            N_("The gateway loses {loss} of {n} too: look at this box's own link first."),
            loss=percent(lost / settled),
            n=count(settled),
        )
    return say(N_("The gateway answered all {n}: this box's own link is clean."), n=count(settled))


def _current(targets: list[PathRow]) -> list[PathRow]:
    """Return the paths that are probed; where observing has ended, those that it ended with."""
    live = [row for row in targets if not row.series.ended]
    last_ns = max((row.series.t for row in targets), default=0)
    return live or [row for row in targets if row.series.t > last_ns - _TOGETHER_NS]


def _is_silent(row: PathRow) -> bool:
    """Tell whether a path's last outage is still open."""
    return bool(row.outages) and row.outages[-1].end_ns is None


def _unreachable(
    worst: PathRow, live: list[PathRow], paths: tuple[PathRow, ...], evidence: tuple[Sentence, ...], now_ns: int
) -> Verdict:
    silent = [row for row in live if _is_silent(row)]
    all_silent = len(silent) == len(live)
    lengths = [row.outages[-1].length_ns(now_ns) for row in silent]
    length = duration(min(lengths) if all_silent else worst.outages[-1].length_ns(now_ns))
    n = len({row.target for row in live})
    others = sum(row.window.answered > 0 and not _is_silent(row) for row in live)
    if all_silent and n > 1:
        text = say(N_("None of {n} targets has answered for {time}. {near}"), n=n, time=length, near=near(paths))
    elif not others:
        what = target_name(worst) if n == 1 else path_names(paths)[worst.id]
        text = say(N_("{path} has not answered for {time}. {near}"), path=what, time=length, near=near(paths))
    else:
        text = say(
            N_("{path} has not answered for {time}; other paths that answer: {n}. {near}"),
            path=path_names(paths)[worst.id],
            time=length,
            n=others,
            near=near(paths),
        )
    return Verdict("bad", text, evidence, worst.id)


def _unsent(targets: list[PathRow], paths: tuple[PathRow, ...], evidence: tuple[Sentence, ...]) -> Verdict | None:
    """Return that probes do not even leave this box, None where some did or none was tried."""
    failing = [row for row in targets if row.window.failed and row.problem is not None]
    if not failing or any(row.window.sent for row in targets):
        return None
    first = failing[0]
    text = say(
        N_("No probe to any target leaves this box. {why} {near}"),
        why=first.problem,
        near=near(paths),
    )
    return Verdict("bad", text, evidence, first.id)


def _worst_missed(routes: Iterable[RouteRow]) -> tuple[RouteRow, Judgement] | None:
    missed = [(route, judgement) for route in routes for judgement in route.objectives if judgement.state == "missed"]
    return min(missed, key=lambda pair: (_RANK.index(pair[1].objective), not pair[0].best), default=None)


def _missed(
    route: RouteRow,
    judgement: Judgement,
    targets: list[PathRow],
    paths: tuple[PathRow, ...],
    evidence: tuple[Sentence, ...],
    now_ns: int,
) -> Verdict:
    args: dict[str, str | Sentence] = {
        "route": route.name,
        "value": measured_in_words(judgement.objective, judgement.measured, judgement.limit),
        "limit": in_words(judgement.objective, judgement.limit),
        "n": count(judgement.n),
        "time": duration(now_ns - (judgement.since_ns or now_ns)),
        "near": near(paths),
    }
    worst = max(
        (row for row in targets if row.route == route.name),
        key=lambda row: (row.window.loss_ratio or 0.0, row.window.p50_us or 0),
        default=None,
    )
    severity: Severity = "bad" if judgement.objective == "loss" else "warn"
    began = judgement.since_ns is None or now_ns - judgement.since_ns < AT_ONCE_NS
    messages = _MISSED | _JUST_MISSED if began else _MISSED
    return Verdict(severity, Sentence(messages[judgement.objective], args), evidence, worst.id if worst else None)


_MISSED: Final = {
    "loss": N_("Loss {value} over {route} (n {n}), the limit is {limit}, missed for {time}. {near}"),
    "latency": N_("Round trip {value} over {route} (n {n}), the limit is {limit}, missed for {time}. {near}"),
    "availability": N_("Available {value} of the time over {route}, the objective is {limit}. {near}"),
    "bandwidth": N_("{route} carries {value}, the objective is {limit} for the GPUs of this box."),
}


_JUST_MISSED: Final = {
    "loss": N_("Loss {value} over {route} (n {n}), the limit is {limit}. {near}"),
    "latency": N_("Round trip {value} over {route} (n {n}), the limit is {limit}. {near}"),
}


def _evidence(paths: Iterable[PathRow], names: Iterable[Name], now_ns: int) -> Iterator[Sentence]:
    paths = tuple(paths)
    called = path_names(paths)
    for row in paths:
        window, path = row.window, called[row.id]
        if row.barred and row.problem is not None:
            yield say(N_("{path}: {why}"), path=path, why=row.problem)
            continue
        if not window.settled:
            continue
        yield say(
            N_("{path}: {lost} of {n} lost, p50 {p50} ms, p99 {p99} ms."),
            path=path,
            lost=window.lost,
            n=count(window.settled),
            p50=milliseconds(window.p50_us),
            p99=milliseconds(window.p99_us),
        )
        for outage in row.outages[-3:]:
            yield say(
                N_("{path}: no answer for {time}, {n} probes lost."),
                path=path,
                time=duration(outage.length_ns(now_ns)),
                n=outage.lost,
            )
    for name in names:
        if (said := trouble(name)) is not None:
            yield said
