"""Sentences broken into rows: at spaces, and between any two Chinese characters."""

import re
from collections.abc import Iterator
from typing import Final

from rich.cells import cell_len

from tui.widgets.clean import clean
from tui.widgets.runs import Role, Row

_WIDE: Final = r"\u2e80-\u9fff\uac00-\ud7ff\uf900-\ufaff\uff00-\uffef"
_OPENING: Final = "（《“‘("
_TOKENS: Final = re.compile(
    rf"(?:[{_OPENING}]++[^\s{_WIDE}]+|[{_OPENING}]*[{_WIDE}]|[^\s{_WIDE}]+)[，。；：！？、）》”’%)]*|\s+"
)
"""Brackets and punctuation go with what they open or close: no row ends with the one or begins with the other."""


def wrap(text: str, width: int, indent: int = 0) -> list[str]:
    """Return `text` in lines of at most `width` cells; all but the first begin with `indent` blanks."""
    lines = [""]
    used = 0
    for token in _pieces(clean(text), max(1, width - indent)):
        length = cell_len(token)
        if used + length > width:
            lines[-1] = lines[-1].rstrip()
            token = token.lstrip()
            lines.append(" " * indent)
            used, length = indent, cell_len(token)
        lines[-1] += token
        used += length
    lines[-1] = lines[-1].rstrip()
    return lines


def wrap_rows(text: str, width: int, role: Role = "plain", indent: int = 0) -> list[Row]:
    """Return `wrap` as rows of one role."""
    return [((line, role),) for line in wrap(text, width, indent)]


def entry_rows(name: str, text: str, width: int, column: int) -> list[Row]:
    """Return a name and, from `column` on, what it stands for; wide characters count as two cells."""
    return wrap_rows(f"{name}{' ' * max(1, column - cell_len(name))}{text}", width, indent=column)


def _pieces(text: str, width: int) -> Iterator[str]:
    """Yield words, blanks and single wide characters; what is wider than a line is cut."""
    for token in _TOKENS.findall(text):
        for start in range(0, len(token), width):
            yield token[start : start + width]
