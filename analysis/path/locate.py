"""Where the fault is, in one sentence with its evidence; nothing where nothing is told reliably."""

from collections.abc import Iterator, Mapping
from typing import Final

from analysis.path.hints import name
from analysis.path.statistics import Count
from analysis.path.view import HopRow, PathView
from analysis.severity import Severity
from analysis.text import N_, Sentence, say
from analysis.units import count, milliseconds, percent

_GRAVE: Final[tuple[tuple[str, Severity], ...]] = (("blocked", "bad"), ("black-hole", "bad"), ("mtu", "warn"))
"""Hints that are faults, the gravest first."""


def locate(view: PathView, lines: Mapping[str, str] | None = None) -> Sentence | None:
    """Return where loss that reaches the target starts, None where there is none or too little is known.

    `lines`: carrier lines by address, to name the hop with.
    """
    if view.member is not None:
        return _member(view, lines or {})
    start = view.start
    if start is None:
        return None
    by = _row(view, start.by)
    args: dict[str, object] = {"loss": percent(start.target.ratio), "n": count(start.target.n)}
    hop = _named(by, lines or {})
    if start.after == 0 and any(row.routers for row in view.hops if row.ttl < start.by):
        text = N_("Loss {loss} (n {n}) starts between this box and hop {hop} and reaches the end of the path.")
        return say(text, **args, hop=hop)
    if start.after == 0:
        return say(
            N_("Loss {loss} (n {n}) is there from the first hop, {hop}, on: look at this box's own link first."),
            **args,
            hop=hop,
        )
    clean = say(N_("Up to hop {hop} {loss} are lost."), hop=start.after, loss=_told(start.before))
    if by.is_target and start.by - start.after == 1:
        text = N_("Loss {loss} (n {n}) starts at the target itself, or on its last link. {clean}")
        return say(text, **args, clean=clean)
    if start.by - start.after == 1:
        return say(
            N_("Loss {loss} (n {n}) starts at hop {hop} and reaches the end of the path. {clean}"),
            **args,
            hop=hop,
            clean=clean,
        )
    return say(
        N_("Loss {loss} (n {n}) starts between hop {after} and hop {hop} and reaches the end of the path. {clean}"),
        **args,
        after=start.after,
        hop=hop,
        clean=clean,
    )


def evidence(view: PathView) -> Iterator[Sentence]:
    """Yield what the judgement of loss rests on, and which hops' loss is not the path's."""
    if view.start is not None and view.start.after == 0:
        yield say(N_("From hop {by} on: {behind} lost."), by=view.start.by, behind=_told(view.start.behind))
    elif view.start is not None:
        yield say(
            N_("Hops up to {after}: {before} lost. From hop {by} on: {behind} lost."),
            after=view.start.after,
            before=_told(view.start.before),
            by=view.start.by,
            behind=_told(view.start.behind),
        )
    for row in view.hops:
        if row.loss == "limited":
            yield say(
                N_("Hop {hop} leaves {loss} of {n} unanswered, the hops behind it do not: it limits its answers."),
                hop=name(row),
                loss=percent(row.window.loss_ratio),
                n=count(row.window.settled),
            )
    target = view.target
    if target is None and view.hops:
        yield say(
            N_(
                "The target does not answer; hop {hop} is the last that does, and nothing behind it can vouch for it."
            ),
            hop=name(view.hops[-1]),
        )


def _member(view: PathView, lines: Mapping[str, str]) -> Sentence:
    member = view.member
    assert member is not None  # noqa: S101 - asked for by the caller
    line = lines.get(member.address)
    return say(
        N_(
            "Flows through {router} at hop {ttl} lose {through}, the others {others}: that router or its link is bad."
        ),
        router=f"{member.address}, {line}" if line else member.address,
        ttl=member.ttl,
        through=_told(member.through),
        others=_told(member.others),
    )


def _row(view: PathView, ttl: int) -> HopRow:
    return next(row for row in view.hops if row.ttl == ttl)


def _named(row: HopRow, lines: Mapping[str, str]) -> str:
    if not row.routers:
        return str(row.ttl)
    line = lines.get(row.routers[0].address)
    return f"{row.ttl} ({row.routers[0].address}{', ' + line if line else ''})"


def _told(told: Count) -> str:
    return f"{told.lost}/{told.n} ({percent(told.ratio if told.n else None)})"


def verdict(view: PathView, lines: Mapping[str, str] | None = None) -> tuple[Severity, Sentence]:
    """Return how bad a path is, and what is wrong with it in one sentence."""
    located = locate(view, lines)
    if located is not None:
        return "bad", located
    for code, severity in _GRAVE:
        hint = next((hint for hint in view.hints if hint.code == code), None)
        if hint is not None:
            return severity, hint.text
    target = view.target
    if not view.hops:
        return "unknown", say(N_("Nothing on the way to {target} answers."), target=view.path.target)
    if target is None:
        return "unknown", say(
            N_("The target does not answer; the last hop that does is {hop}."), hop=_named(view.hops[-1], lines or {})
        )
    if target.loss == "unsure" and target.window.lost:
        return "notice", say(
            N_("The target left {lost} of {n} probes unanswered: too few, or too evenly, to tell where."),
            lost=target.window.lost,
            n=count(target.window.settled),
        )
    return "ok", say(
        N_("No loss that reaches the target, hop {hops}, in {n} probes; {p50} ms."),
        n=count(target.window.settled),
        p50=milliseconds(target.window.p50_us),
        hops=target.ttl,
    )
