"""A report as plain text and as Markdown."""

import re
from collections.abc import Iterator
from typing import Final

from rich.cells import cell_len

from tui.report.blocks import Block, Items, Line, Table, Topic
from tui.report.schema import Report
from tui.report.sections import headline, sections, span_text, verdict_note
from tui.text import _

_MARKUP: Final = re.compile(r"([\\`*_{}\[\]<>#|~!])")


def text(report: Report) -> str:
    """Return the report for a terminal, a log or a mail."""
    rows = [f"longpipe  {span_text(report)}", "", headline(report), *(f"  - {e}" for e in report.verdict.evidence)]
    if note := verdict_note(report):
        rows.append(f"  {note}")
    for section in sections(report):
        rows += ["", section.title.upper()]
        for block in section.blocks:
            rows += text_rows(block)
    return "\n".join(row.rstrip() for row in rows)


def text_rows(block: Block) -> Iterator[str]:
    """Yield the rows of a block, as plain text."""
    match block:
        case Line(text=line):
            yield f"  {line}"
        case Topic(text=title):
            yield ""
            yield f"  {title}"
        case Items(texts=texts):
            yield from (f"  - {item}" for item in texts)
        case Table():
            yield from _aligned(block)


def _aligned(table: Table) -> Iterator[str]:
    rows = [table.head, *(tuple(text for text, _role in row) for row in table.rows)]
    widths = [max(map(cell_len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = [_padded(cell, widths[at], right=at in table.right) for at, cell in enumerate(row)]
        yield "  " + "  ".join(cells)


def _padded(cell: str, width: int, *, right: bool) -> str:
    pad = " " * (width - cell_len(cell))
    return pad + cell if right else cell + pad


def markdown(report: Report) -> str:
    """Return the report for a ticket or a chat. Text from the network is escaped."""
    rows = [f"# longpipe: {escaped(span_text(report))}", "", f"**{escaped(headline(report))}**", ""]
    rows += [f"- {escaped(sentence)}" for sentence in report.verdict.evidence]
    if note := verdict_note(report):
        rows += ["", escaped(note)]
    for section in sections(report):
        rows += ["", f"## {section.title}", ""]
        for block in section.blocks:
            rows += [*_markdown_rows(block), ""]
    rows += [_("Made by {tool}.", tool=escaped(report.tool))]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(rows))


def _markdown_rows(block: Block) -> Iterator[str]:
    match block:
        case Line(text=line):
            yield escaped(line)
        case Topic(text=title):
            yield f"### {escaped(title)}"
        case Items(texts=texts):
            yield from (f"- {escaped(item)}" for item in texts)
        case Table(head=head, rows=rows, right=right):
            yield _pipes(head)
            yield "|" + "|".join("--:" if at in right else "---" for at in range(len(head))) + "|"
            yield from (_pipes(tuple(text for text, _role in row)) for row in rows)


def _pipes(cells: tuple[str, ...]) -> str:
    return "| " + " | ".join(map(escaped, cells)) + " |"


def escaped(text: str) -> str:
    """Return text that Markdown shows as it is."""
    return _MARKUP.sub(r"\\\1", text)
