"""Is this data a configuration? Every problem found, with its place and what was probably meant."""

import difflib
import math
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple, TypeAlias, get_args, get_type_hints

import msgspec
from msgspec import inspect

from analysis.setting_types import Strict
from tui.config.lines import Path
from tui.text import _, tell
from tui.widgets.clean import clean

Annotation: TypeAlias = Any
"""A type as it stands in a field's annotation."""


class Problem(NamedTuple):
    """What is wrong with the value at `path`."""

    path: Path
    text: str


def problems(kind: Annotation, data: object, path: Path = ()) -> Iterator[Problem]:
    """Yield what keeps `data` (plain TOML data) from being a `kind`: a Struct, a tuple of Structs or a plain type."""
    bare = plain(kind)
    if is_struct(bare):
        if isinstance(data, Mapping):
            yield from _in_table(bare, data, path)
            return
    elif (element := element_of(bare)) is not None and isinstance(data, list):
        for index, item in enumerate(data):
            yield from problems(element, item, (*path, index))
        return
    elif _fits(kind, data):
        return
    wanted = expected(inspect.type_info(kind))
    yield Problem(path, _("{key} must be {wanted}, not {value}", key=dotted(path), wanted=wanted, value=shown(data)))


def _in_table(kind: Annotation, data: Mapping[str, object], path: Path) -> Iterator[Problem]:
    """Yield the problems of one table: keys that do not exist, values that do not fit, keys that are missing."""
    types = get_type_hints(kind, include_extras=True)
    for key, value in data.items():
        if key in types:
            yield from problems(types[key], value, (*path, key))
        else:
            yield Problem((*path, key), _unknown(key, list(types), path))
    for field in msgspec.structs.fields(kind):
        if field.required and field.name not in data:
            yield Problem(path, _("{key} is missing", key=dotted((*path, field.name))))
    if issubclass(kind, Strict) and _fits(kind, data):
        for fault in msgspec.convert(data, kind).faults():
            place = (*path, fault.key)
            yield Problem(place, _("{key}: {what}", key=dotted(place), what=clean(tell(fault.text))))


def _unknown(key: str, known: list[str], path: Path) -> str:
    """Return what to say about a key that does not exist."""
    near = [name for name in known if name.startswith(key)] or difflib.get_close_matches(key, known, n=1)
    place = f"[[{path[0]}]]" if path and isinstance(path[-1], int) else f"[{dotted(path)}]" if path else _("the top")
    if near:
        return _('unknown key "{key}" in {place}; did you mean "{near}"?', key=clean(key), place=place, near=near[0])
    keys = ", ".join(known)
    return _('unknown key "{key}" in {place}; there are: {keys}', key=clean(key), place=place, keys=keys)


def _fits(kind: Annotation, value: object) -> bool:
    """Return whether a plain value is one of `kind`; infinity never is."""
    try:
        msgspec.convert(value, kind)
    except msgspec.ValidationError:
        return False
    return not (isinstance(value, float) and math.isinf(value))


def plain(kind: Annotation) -> Annotation:
    """Return a type without its annotations."""
    while hasattr(kind, "__metadata__"):
        kind = kind.__origin__
    return kind


def is_struct(kind: Annotation) -> bool:
    """Return whether a type is a section of the configuration."""
    return isinstance(kind, type) and issubclass(kind, msgspec.Struct)


def element_of(kind: Annotation) -> Annotation:
    """Return the element type of `tuple[X, ...]`, else None."""
    arguments = get_args(kind)
    return arguments[0] if len(arguments) == 2 and arguments[1] is Ellipsis else None


def expected(kind: inspect.Type) -> str:
    """Return what a value has to be, in words."""
    match kind:
        case inspect.Metadata(type=inner):
            return expected(inner)
        case inspect.UnionType(types=types):
            choices = [value for part in types if isinstance(part, inspect.LiteralType) for value in part.values]
            return _one_of(choices) if choices else expected(types[0])
        case inspect.LiteralType(values=values):
            return _one_of(list(values))
        case inspect.BoolType():
            return _("true or false")
        case inspect.IntType():
            return _("a whole number {bounds}", bounds=_bounds(kind)).strip()
        case inspect.FloatType():
            return _("a number {bounds}", bounds=_bounds(kind)).strip()
        case inspect.StrType(min_length=least):
            return _("a text that is not empty") if least else _("a text")
        case inspect.VarTupleType(item_type=inspect.StructType()):
            return _("a list of tables")
        case inspect.VarTupleType():
            return _("a list")
        case _:
            return _("a table")


def limited_to(kind: inspect.Type) -> str:
    """Return what a value has to be where that does not go without saying: a range or a choice."""
    words = expected(kind)
    return "" if words in (_("true or false"), _("a text"), _("a text that is not empty"), _("a list")) else words


def _one_of(values: list[Any]) -> str:
    return _("one of {choices}", choices=", ".join(f'"{value}"' for value in values))


def _bounds(kind: inspect.IntType | inspect.FloatType) -> str:
    """Return the allowed range in words, or nothing."""
    if kind.ge is not None and kind.le is not None:
        return _("from {low} to {high}", low=kind.ge, high=kind.le)
    if kind.gt is not None and kind.le is not None:
        return _("above {low}, up to {high}", low=kind.gt, high=kind.le)
    if kind.gt is not None:
        return _("above {low}", low=kind.gt)
    return _("from {low} up", low=kind.ge) if kind.ge is not None else ""


def dotted(path: Path) -> str:
    """Return a path as a person writes it: "targets[0].host"."""
    parts = (f"[{part}]" if isinstance(part, int) else f".{clean(part)}" for part in path)
    return "".join(parts).removeprefix(".")


def shown(value: object) -> str:
    """Return a value of a file, short and as text."""
    text = str(value).lower() if isinstance(value, bool) else f'"{value}"' if isinstance(value, str) else str(value)
    return clean(text if len(text) <= 60 else f"{text[:59]}…")
