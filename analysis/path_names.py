"""What to call a path: its target, and what tells it from the target's other paths."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Final

from analysis.samples import Name
from analysis.text import N_, Sentence, say
from analysis.view import PathRow

_KEYWORDS: Final = {"gateway": N_("gateway"), "resolvers": N_("resolvers")}
"""Targets that the configuration names by what they are, not by a host."""


def target_name(path: PathRow) -> str | Sentence:
    """Return the name of a path's target: a host's is nobody's to translate."""
    word = _KEYWORDS.get(path.target) if path.series.role != "target" else None
    return path.target if word is None else say(word)


def trouble(name: Name) -> Sentence | None:
    """Say why a target has no address, or what is wrong with those it has; None where nothing is."""
    if name.addresses or name.error is not None:
        return name.error
    return say(N_("{name}: looking up its address …"), name=name.target)


def is_helper(name: Name) -> bool:
    """Tell what the configuration names by what it is: it is not looked up, this box has one or not."""
    return name.target in _KEYWORDS


def telling(names: Iterable[Name], paths: Iterable[PathRow]) -> tuple[Name, ...]:
    """Return the names without what a helper lacks: that explains nothing where a target answers."""
    answering = any(row.window.answered for row in paths if row.series.role == "target")
    return tuple(name for name in names if name.addresses or not (answering and is_helper(name)))


def apart(paths: Iterable[PathRow]) -> dict[str, tuple[str, str, str]]:
    """Return by path id what tells it from the same target's other paths: route, "v4" or "v6", protocol; else ""."""
    same: dict[str, list[PathRow]] = defaultdict(list)
    for path in paths:
        same[path.target].append(path)
    return {path.id: words for group in same.values() for path, words in zip(group, _differences(group), strict=True)}


def path_names(paths: Iterable[PathRow]) -> dict[str, str | Sentence]:
    """Return by path id its name in a sentence: "console.vast.ai v6 over eth0"."""
    paths = tuple(paths)
    words = apart(paths)
    return {path.id: _name(path, words[path.id]) for path in paths}


def _name(path: PathRow, words: tuple[str, str, str]) -> str | Sentence:
    _route, *more = words
    which = " ".join(word for word in more if word)
    target = target_name(path)
    if which:
        target = say("{target} {which}", target=target, which=which)
    return say(N_("{target} over {route}"), target=target, route=path.route) if path.route else target


def _differences(group: Sequence[PathRow]) -> list[tuple[str, str, str]]:
    columns = (
        [path.route or "–" for path in group],
        ["v6" if ":" in path.series.address else "v4" for path in group],
        [path.series.protocol for path in group],
    )
    routes, families, protocols = (column if len(set(column)) > 1 else [""] * len(group) for column in columns)
    return list(zip(routes, families, protocols, strict=True))
