"""A report as headings, lines and tables: made once, written as text, Markdown or HTML."""

from typing import TypeAlias

import msgspec

from tui.widgets.runs import Role

Cell: TypeAlias = tuple[str, Role]
Rows: TypeAlias = tuple[tuple[Cell, ...], ...]


class Line(msgspec.Struct, frozen=True):
    """A paragraph."""

    text: str
    role: Role = "plain"


class Items(msgspec.Struct, frozen=True):
    """A list of paragraphs."""

    texts: tuple[str, ...]


class Table(msgspec.Struct, frozen=True):
    """Rows of cells under a head. `right`: the columns of numbers."""

    head: tuple[str, ...]
    rows: Rows
    right: frozenset[int] = frozenset()


class Topic(msgspec.Struct, frozen=True):
    """A heading within a section, with a sign of severity before it."""

    text: str
    role: Role = "plain"


Block: TypeAlias = Line | Items | Table | Topic


class Section(msgspec.Struct, frozen=True):
    """A part of the report. `id` is stable, for links."""

    id: str
    title: str
    blocks: tuple[Block, ...]
