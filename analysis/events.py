"""What happened and when: derived from samples, drawn as lines on the graphs and walked through by the person."""

from collections.abc import Iterator
from typing import Literal, TypeAlias

import msgspec

from analysis.samples import Route
from analysis.severity import Severity
from analysis.text import N_, Sentence, say

EventKind: TypeAlias = Literal["route", "link", "best", "outage", "objective", "mark", "name", "collector", "service"]


class Event(msgspec.Struct, frozen=True):
    """One thing that happened. `subject` is the route, path or interface it concerns, "" for the whole box.

    `who`: the subject as people call it. Of an outage: when it ended, None while it goes on, and the probes lost.
    """

    t: int
    kind: EventKind
    severity: Severity
    text: Sentence
    subject: str = ""
    who: str = ""
    end_ns: int | None = None
    lost: int = 0

    def length_ns(self, now_ns: int) -> int | None:
        """Return how long an outage lasted, or has lasted at `now_ns`; None for what happened in a moment."""
        if self.kind != "outage":
            return None
        return (now_ns if self.end_ns is None else self.end_ns) - self.t


def route_key(route: Route) -> tuple[str, int, int, int]:
    """Return what makes two descriptions the same way out, whatever its gateway and source are now."""
    return route.name, route.family, route.table, route.mark


def route_changes(before: tuple[Route, ...], after: tuple[Route, ...]) -> Iterator[tuple[Route, Severity, Sentence]]:
    """Yield what changed between two complete lists of routes, the route concerned first."""
    old = {route_key(route): route for route in before}
    new = {route_key(route): route for route in after}
    for key, route in old.items():
        if key not in new:
            yield route, "bad", say(N_("The way out over {route} is gone."), route=route.name)
    for key, route in new.items():
        was = old.get(key)
        if was is None:
            yield route, "notice", say(N_("New way out over {route}."), route=route.name)
        else:
            yield from _differences(was, route)


def _differences(was: Route, now: Route) -> Iterator[tuple[Route, Severity, Sentence]]:
    if was.up and not now.up:
        yield now, "bad", say(N_("{route}: link down."), route=now.name)
    if now.up and not was.up:
        yield now, "notice", say(N_("{route}: link up."), route=now.name)
    if was.gateway != now.gateway:
        yield (
            now,
            "warn",
            say(
                N_("{route}: gateway {before} became {after}."),
                route=now.name,
                before=was.gateway or "–",
                after=now.gateway or "–",
            ),
        )
    if was.source != now.source:
        yield (
            now,
            "warn",
            say(
                N_("{route}: source address {before} became {after}."),
                route=now.name,
                before=was.source or "–",
                after=now.source or "–",
            ),
        )
