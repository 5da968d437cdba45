"""The page: a report's sections with the graphs among them."""

import base64
import hashlib
from collections.abc import Iterator, Sequence
from functools import cache
from html import escape
from importlib.resources import files
from typing import Final

from analysis.path_names import path_names
from analysis.text import Sentence
from analysis.view import PathSpan
from tui.page.graph import graph_svg
from tui.report.blocks import Block, Items, Line, Section, Table, Topic
from tui.report.build import report as report_of
from tui.report.schema import Report
from tui.report.sections import headline, sections, span_text, verdict_note
from tui.report.seen import Seen
from tui.text import _, language, tell
from tui.widgets.clean import clean
from tui.widgets.runs import Role

GRAPHS: Final = 12
"""So many paths are drawn, the worst ones; all of them are in the table."""


def page(seen: Seen) -> str:
    """Return the page of what was seen. It refers to nothing outside itself; all text in it is escaped."""
    report = report_of(seen)
    title = escape(f"longpipe · {span_text(report)}")
    parts = (
        "<!doctype html>",
        f'<html lang="{language().replace("_", "-")}"><head><meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{_policy()}">',
        '<meta name="viewport" content="width=device-width,initial-scale=1">',
        '<meta name="referrer" content="no-referrer">',
        f"<title>{title}</title><style>{_sheet()}</style></head><body>",
        f"<h1>{title}</h1>",
        *_verdict(report),
        *_sections(report, seen.paths),
        f"<footer>{escape(_('Made by {tool}.', tool=clean(report.tool)))}</footer>",
        "</body></html>\n",
    )
    return "\n".join(parts)


@cache
def _sheet() -> str:
    return files("tui.page").joinpath("page.css").read_text(encoding="utf-8")


@cache
def _policy() -> str:
    """Return a policy under which nothing is loaded or run: only our own style sheet, known by its hash, applies."""
    digest = base64.b64encode(hashlib.sha256(_sheet().encode()).digest()).decode()
    return f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"


def _verdict(report: Report) -> Iterator[str]:
    yield f'<p class="verdict {report.verdict.severity}">{escape(headline(report))}</p>'
    if report.verdict.evidence:
        yield _items(report.verdict.evidence)
    if note := verdict_note(report):
        yield f'<p class="dim">{escape(note)}</p>'


def _sections(report: Report, paths: Sequence[PathSpan]) -> Iterator[str]:
    for section in sections(report):
        yield from _section(section)
        if section.id == "targets":
            yield from _graphs(paths)


def _section(section: Section) -> Iterator[str]:
    yield f'<h2 id="{section.id}">{escape(section.title)}</h2>'
    yield from map(_block, section.blocks)


def _block(block: Block) -> str:
    match block:
        case Line(text=text, role=role):
            return f"<p{_class(role)}>{escape(text)}</p>"
        case Topic(text=text, role=role):
            return f"<h3{_class(role)}>{escape(text)}</h3>"
        case Items(texts=texts):
            return _items(texts)
        case Table():
            return _table(block)


def _items(texts: Sequence[str]) -> str:
    return f"<ul>{''.join(f'<li>{escape(text)}</li>' for text in texts)}</ul>"


def _table(table: Table) -> str:
    head = "".join(
        f"<th{_class('plain', right=at in table.right)}>{escape(t)}</th>" for at, t in enumerate(table.head)
    )
    rows = "".join(f"<tr>{''.join(_cells(row, table.right))}</tr>" for row in table.rows)
    return f'<div class="table"><table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>'


def _cells(row: Sequence[tuple[str, Role]], right: frozenset[int]) -> Iterator[str]:
    for at, (text, role) in enumerate(row):
        yield f"<td{_class(role, right=at in right)}>{escape(text)}</td>"


def _class(role: Role, *, right: bool = False) -> str:
    names = " ".join(name for name, wanted in ((role, role != "plain"), ("r", right)) if wanted)
    return f' class="{names}"' if names else ""


def _graphs(paths: Sequence[PathSpan]) -> Iterator[str]:
    drawn = sorted(paths, key=_badness)[:GRAPHS]
    names = path_names(path.row for path in paths)
    for path in paths:
        if path in drawn:
            called = names[path.row.id]
            name = clean(tell(called) if isinstance(called, Sentence) else called)
            yield f"<figure><figcaption>{escape(name)}</figcaption>{graph_svg(path.graph, name)}</figure>"
    if paths:
        text = _(
            "The line is the median, the band reaches from the least to the 99th percentile; a gap is no answer."
        )
        yield f'<p class="dim">{escape(text)}</p>'
    if len(paths) > len(drawn):
        text = _("Drawn are the {n} worst of {all} paths.", n=len(drawn), all=len(paths))
        yield f'<p class="dim">{escape(text)}</p>'


def _badness(path: PathSpan) -> tuple[bool, int, float]:
    """Return what puts the worst path first: what lost most, targets before what only tells where a fault is not."""
    lost = sum(bucket.lost for bucket in path.graph.buckets)
    return path.row.series.role != "target", -lost, -(path.row.window.p99_us or 0)
