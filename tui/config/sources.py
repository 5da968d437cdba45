"""Where settings come from: files, the environment, options. Each is a layer of plain data that knows its places."""

import os
import pwd
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path as File
from typing import Any, Final, NamedTuple, get_type_hints

import msgspec

from analysis.settings import Settings
from tui.cli import CommandError, Exit, did_you_mean
from tui.config.check import Annotation, element_of, is_struct, plain
from tui.config.lines import Path, line_numbers
from tui.text import _
from tui.widgets.clean import clean

SYSTEM_FILE: Final = File("/etc/longpipe/config.toml")
PREFIX: Final = "LONGPIPE_"
_NOT_SETTINGS: Final = ("LONGPIPE_NO_CELLDIFF",)
"""Switches for finding faults, which no configuration file has."""
_LARGEST: Final = 1 << 20
_TOML_PLACE: Final = re.compile(r"\(at (?:line (\d+), column \d+|end of document)\)$")


class Layer(NamedTuple):
    """Plain data from one source; `places` names where a value stands, `name` is for those without a place."""

    name: str
    data: dict[str, Any]
    places: Mapping[Path, str]

    def place(self, path: Path) -> str:
        """Return where the value at `path` was set, or the nearest thing around it."""
        while path and path not in self.places:
            path = path[:-1]
        return self.places.get(path, self.name)


def user_file(environ: Mapping[str, str]) -> File | None:
    """Return where the person's own file would be (XDG Base Directory: a relative path is ignored)."""
    base = environ.get("XDG_CONFIG_HOME", "")
    if base.startswith("/"):
        return File(base, "longpipe/config.toml")
    home = environ.get("HOME", "")
    return File(home, ".config/longpipe/config.toml") if home.startswith("/") else None


def hidden_by_sudo(environ: Mapping[str, str]) -> File | None:
    """Return the file that the person would have had without sudo, where there is one."""
    person = environ.get("SUDO_USER")
    if not person:
        return None  # nobody is looked up: a replay asks no user database
    try:
        home = pwd.getpwnam(person).pw_dir
    except KeyError:
        return None
    file = File(home, ".config/longpipe/config.toml")
    return file if file != user_file(environ) and os.path.isfile(file) else None  # noqa: PTH113 - never raises


def from_file(file: File, *, required: bool = False) -> Layer | None:
    """Read one file; None where there is none and none is required."""
    text = _text_of(file, required)
    if text is None:
        return None
    try:
        data = tomllib.loads(text)
    except RecursionError:
        raise _refused(file, None, _("it is nested too deep")) from None
    except ValueError as error:
        message = str(error)
        place = _TOML_PLACE.search(message)
        line = int(place[1]) if place and place[1] else text.count("\n") + 1 if place else None
        raise _refused(
            file, line, _("not TOML: {error}", error=clean(_TOML_PLACE.sub("", message).strip()))
        ) from None
    lines = {path: f"{file}:{line}" for path, line in line_numbers(text).items()}
    return Layer(str(file), data, lines)


def _text_of(file: File, required: bool) -> str | None:
    """Return the text of a configuration file."""
    try:
        with file.open("rb") as stream:
            raw = stream.read(_LARGEST + 1)
    except (FileNotFoundError, NotADirectoryError) as error:
        if not required:
            return None
        raise CommandError(_("{file} cannot be read: {error}", file=file, error=error.strerror), Exit.USAGE) from None
    except OSError as error:
        raise CommandError(_("{file} cannot be read: {error}", file=file, error=error.strerror), Exit.USAGE) from None
    if len(raw) > _LARGEST:
        raise _refused(file, None, _("it is larger than 1 MiB"))
    try:
        return raw.decode().replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        raise _refused(file, raw.count(b"\n", 0, error.start) + 1, _("not UTF-8")) from None


def _refused(file: File, line: int | None, reason: str) -> CommandError:
    """Return the error that refuses a file as a whole."""
    place = f"{file}:{line}" if line else str(file)
    return CommandError(f"{place}: {reason}", Exit.USAGE)


def variables() -> dict[str, Path]:
    """Return the environment variables that set something: every single value outside lists, and the targets."""
    found: dict[str, Path] = {f"{PREFIX}TARGETS": ("targets",)}
    for key, kind in get_type_hints(Settings).items():
        if is_struct(kind):
            found |= {f"{PREFIX}{key}_{name}".upper(): (key, name) for name in kind.__struct_fields__}
        elif element_of(kind) is None:
            found[f"{PREFIX}{key}".upper()] = (key,)
    return found


def from_environment(environ: Mapping[str, str]) -> Layer:
    """Read the `LONGPIPE_…` variables. An empty one counts as not set."""
    known = variables()
    data: dict[str, Any] = {}
    places: dict[Path, str] = {}
    for name in sorted(environ):
        if not name.startswith(PREFIX) or not environ[name] or name in _NOT_SETTINGS:
            continue
        if name not in known:
            message = _("unknown environment variable {name}", name=clean(name)) + did_you_mean(name, known)
            raise CommandError(message, Exit.USAGE)
        path = known[name]
        put(data, path, _parsed(path, environ[name]))
        places[path] = name
    return Layer("environment", data, places)


def put(data: dict[str, Any], path: Path, value: object) -> None:
    """Set a value in nested tables, which are made as needed."""
    for part in path[:-1]:
        data = data.setdefault(str(part), {})
    data[str(path[-1])] = value


def _parsed(path: Path, text: str) -> object:
    """Return what the text of a variable stands for; the text itself where it stands for nothing fitting."""
    if path == ("targets",):
        return [{"host": host} for host in text.replace(",", " ").split()]
    kind: Annotation = Settings
    for part in path:
        kind = get_type_hints(plain(kind), include_extras=True)[str(part)]
    try:
        return msgspec.convert(text, kind, strict=False)
    except msgspec.ValidationError:
        return text
