"""The layers put together: option over environment over own file over system file over what is shipped."""

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path as File
from typing import Any, Final, NamedTuple

import msgspec

from analysis.settings import Settings, TargetSettings
from tui.cli import CommandError, Exit
from tui.config.check import problems
from tui.config.lines import Path
from tui.config.sources import SYSTEM_FILE, Layer, from_environment, from_file, hidden_by_sudo, put, user_file
from tui.text import _

_HELPERS: Final = frozenset({"gateway", "resolvers"})
_OF_SERVICES: Final = frozenset({"protocol", "port"})


class Option(NamedTuple):
    """A setting given on the command line. `path` ("targets", key) sets that key of every target.

    How to reach a service is meant for the targets alone: gateways and resolvers seldom have it.
    """

    path: Path
    name: str
    value: object


class Configuration(msgspec.Struct, frozen=True):
    """Settings, where each of them comes from, and what the person should know about that.

    `origins` holds a place ("FILE:LINE", a variable, an option) for each value that is not the shipped default.
    """

    settings: Settings
    origins: dict[Path, str]
    files: tuple[str, ...] = ()
    notices: tuple[str, ...] = ()


def load(
    options: Sequence[Option] = (),
    *,
    file: str | None = None,
    environ: Mapping[str, str] | None = None,
    system_file: File = SYSTEM_FILE,
) -> Configuration:
    """Return the configuration in force, or raise CommandError (exit code 2) with every problem and its place.

    `file`: what `--config` named; it stands in for the person's own file and has to exist.
    """
    environ = os.environ if environ is None else environ
    own = File(file) if file else user_file(environ)
    files = [from_file(system_file), from_file(own, required=bool(file)) if own else None]
    read = [layer for layer in files if layer]
    everywhere = [option for option in options if option.path[0] == "targets" and len(option.path) == 2]
    layers = [*read, from_environment(environ), _from_options(o for o in options if o not in everywhere)]
    _refuse([f"{layer.place(p.path)}: {p.text}" for layer in layers for p in problems(Settings, layer.data)])
    data: dict[str, Any] = {}
    origins: dict[Path, str] = {}
    for layer in layers:
        _overlay(data, layer.data, (), layer, origins)
    _set_everywhere(data, everywhere, origins)
    notices = () if file else _notices(environ, read)
    return Configuration(msgspec.convert(data, Settings), origins, tuple(layer.name for layer in read), notices)


def _from_options(options: Iterable[Option]) -> Layer:
    """Return the layer of what was given on the command line."""
    data: dict[str, Any] = {}
    places: dict[Path, str] = {}
    for option in options:
        put(data, option.path, option.value)
        places[option.path] = option.name
    return Layer("options", data, places)


def _overlay(
    below: dict[str, Any], above: Mapping[str, Any], path: Path, layer: Layer, origins: dict[Path, str]
) -> None:
    """Lay one layer over another: tables are joined, everything else is replaced as a whole."""
    for key, value in above.items():
        here = (*path, key)
        if isinstance(value, dict):
            _overlay(below.setdefault(key, {}), value, here, layer, origins)
            continue
        for old in [known for known in origins if known[: len(here)] == here]:
            del origins[old]
        below[key] = value
        origins |= {leaf: layer.place(leaf) for leaf in _leaves(value, here)}


def _leaves(value: object, path: Path) -> list[Path]:
    """Return the paths of the plain values in `value`; a list of plain values is one value."""
    if isinstance(value, dict):
        return [leaf for key, item in value.items() for leaf in _leaves(item, (*path, key))]
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return [leaf for index, item in enumerate(value) for leaf in _leaves(item, (*path, index))]
    return [path]


def _set_everywhere(data: dict[str, Any], options: Sequence[Option], origins: dict[Path, str]) -> None:
    """Set keys of every target."""
    if not options:
        return
    wrong = [
        f"{option.name}: {problem.text}"
        for option in options
        for problem in problems(TargetSettings, {"host": "-", option.path[1]: option.value})
    ]
    _refuse(wrong)
    data.setdefault("targets", msgspec.to_builtins(Settings().targets))
    for index, target in enumerate(data["targets"]):
        for option in options:
            if target["host"] in _HELPERS and option.path[1] in _OF_SERVICES:
                continue
            target[option.path[1]] = option.value
            origins["targets", index, option.path[1]] = option.name


def _refuse(wrong: Sequence[str]) -> None:
    """Refuse to go on with a configuration that is not understood in full."""
    if wrong:
        raise CommandError("\n".join([*wrong, _("See what can be set: longpipe config --template")]), Exit.USAGE)


def _notices(environ: Mapping[str, str], read: Sequence[Layer]) -> tuple[str, ...]:
    """Return what may surprise the person about the files that were read."""
    hidden = hidden_by_sudo(environ)
    if hidden is None:
        return ()
    names = ", ".join(layer.name for layer in read) or _("no file")
    text = _(
        "sudo hides your own configuration: read {names}, not {hidden}. To use it add: --config {hidden}",
        names=names,
        hidden=hidden,
    )
    return (text,)
