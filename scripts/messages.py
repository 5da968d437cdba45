"""`make messages`: bring the catalogue up to date with the source, and compile it.

New strings get an empty translation, strings that are gone are dropped, and nothing is guessed: a test refuses a
catalogue that is not complete.
"""

import ast
import io
from collections.abc import Iterator
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).parent.parent
PACKAGES = ("analysis", "collectors", "tuning", "tui")
LOCALE = "zh_CN"
PO = ROOT / "tui/locale/zh_CN/LC_MESSAGES/longpipe.po"
HEADER = "Simplified Chinese messages of longpipe. Licence: GPL-2.0-or-later."


class Messages(Catalog):
    """A catalogue whose header says only what a reader needs: no dates, which would change with every run."""

    mime_headers = property(
        lambda _self: [("Language", LOCALE), ("Content-Type", "text/plain; charset=utf-8")],
        lambda _self, _headers: None,
    )


def extracted() -> Iterator[tuple[str, str]]:
    """Yield (file, text) of every string that is marked for people."""
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            yield from ((path.relative_to(ROOT).as_posix(), text) for text in marked(path.read_text()))


def marked(source: str) -> Iterator[str]:
    """Yield the strings that Python source marks; babel's own reader misses those within f-strings before 3.12."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Call(func=ast.Name(id="_" | "N_"), args=[ast.Constant(value=str(text)), *_]):
                yield text


def read(path: Path = PO) -> Catalog:
    """Return the catalogue on disk, or an empty one."""
    if not path.exists():
        return Catalog(locale=LOCALE)
    with path.open("rb") as stream:
        return read_po(stream, locale=LOCALE)


def updated(old: Catalog) -> Catalog:
    """Return the catalogue of today's strings with the translations that are known."""
    new = Messages(locale=LOCALE, header_comment=f"# {HEADER}", fuzzy=False)
    for file, text in extracted():
        known = old.get(text)
        new.add(text, known.string if known and not known.fuzzy else "", locations=[(file, 0)])
    return new


def po_text(catalogue: Catalog) -> bytes:
    """Return a catalogue as a .po file, sorted, without line numbers: it changes only when a string does."""
    stream = io.BytesIO()
    write_po(stream, catalogue, width=110, sort_output=True, include_lineno=False)
    return stream.getvalue()


def mo_text(catalogue: Catalog) -> bytes:
    """Return a catalogue as a compiled .mo file."""
    stream = io.BytesIO()
    write_mo(stream, catalogue)
    return stream.getvalue()


def main() -> None:
    """Write both files and say what is left to translate."""
    catalogue = updated(read())
    PO.parent.mkdir(parents=True, exist_ok=True)
    PO.write_bytes(po_text(catalogue))
    PO.with_suffix(".mo").write_bytes(mo_text(catalogue))
    left = [message.id for message in catalogue if message.id and not message.string]
    print(f"{len(catalogue)} strings, {len(left)} without a translation", *left, sep="\n")


if __name__ == "__main__":
    main()
