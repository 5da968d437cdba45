"""Which line of a TOML document a value stands on: tomllib does not tell."""

import tomllib
from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

Path: TypeAlias = tuple[str | int, ...]
"""Keys and list positions that lead to a value: ("targets", 0, "host")."""


def line_numbers(document: str) -> dict[Path, int]:
    """Return the line (from 1) on which every table and value of a valid document begins."""
    found: dict[Path, int] = {}
    arrays: dict[Path, int] = {}
    table: Path = ()
    for line, text in _statements(document):
        content = tomllib.loads(text)
        if text.lstrip().startswith("["):
            table = _enter(content, arrays)
            found.setdefault(table, line)
            found.setdefault(table[:-1] if isinstance(table[-1], int) else table, line)
            continue
        for path in _paths(content, ()):
            found[table + path] = line
    return found


def _statements(document: str) -> Iterator[tuple[int, str]]:
    """Yield (first line, text) of every statement: the fewest lines that are valid TOML by themselves."""
    pending: list[str] = []
    for number, line in enumerate(document.split("\n"), start=1):
        pending.append(line)
        text = "\n".join(pending)
        try:
            content = tomllib.loads(text)
        except tomllib.TOMLDecodeError:
            continue  # goes on in the next line
        if content:
            yield number - len(pending) + 1, text
        pending = []


def _enter(header: Mapping[str, Any], arrays: dict[Path, int]) -> Path:
    """Return the path of the table that a header opens; `arrays` counts the elements of each array of tables."""
    path: Path = ()
    content: Any = header
    while content:
        ((key, content),) = content.items()
        path = (*path, key)
        if isinstance(content, list):
            arrays[path] = arrays.get(path, -1) + 1
            content = content[0]
        if path in arrays:
            path = (*path, arrays[path])
    return path


def _paths(content: object, path: Path) -> Iterator[Path]:
    """Yield the paths of a value and of everything inside it."""
    if path:
        yield path
    items: Any = ()
    if isinstance(content, dict):
        items = content.items()
    elif isinstance(content, list):
        items = enumerate(content)
    for key, value in items:
        yield from _paths(value, (*path, key))
