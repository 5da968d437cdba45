"""Everything that a person reads is in the catalogue, and the catalogue is complete."""

import re

import pytest

from scripts.messages import PO, extracted, marked, mo_text, po_text, read, updated

PLACEHOLDER = re.compile(r"\{\w+\}|%\(\w+\)[srd]|%[srd]")


@pytest.fixture(scope="module")
def catalogue():
    return read()


@pytest.fixture(scope="module")
def wanted() -> set[str]:
    return {text for _file, text in extracted()}


def test_every_marked_string_is_translated(catalogue, wanted) -> None:
    missing = sorted(text for text in wanted if not (found := catalogue.get(text)) or not found.string or found.fuzzy)
    assert not missing, "run make messages, then translate these"


def test_strings_are_found_wherever_they_are_marked() -> None:
    source = """f"{_('in an f-string')} {n}"; N_("in " "parts"); say(N_("in a call"), n=1); _(name); other("no")"""
    assert set(marked(source)) == {"in an f-string", "in parts", "in a call"}


def test_nothing_in_the_catalogue_is_left_over(catalogue, wanted) -> None:
    assert {message.id for message in catalogue if message.id} <= wanted
    assert not catalogue.obsolete


def test_translations_keep_the_placeholders(catalogue) -> None:
    wrong = [m.id for m in catalogue if m.id and m.string and placeholders(m.id) != placeholders(m.string)]
    assert not wrong


def placeholders(text: str) -> list[str]:
    return sorted(PLACEHOLDER.findall(text))


def test_the_files_are_what_make_messages_writes(catalogue) -> None:
    again = updated(catalogue)
    assert po_text(again) == PO.read_bytes(), "run make messages"
    assert mo_text(again) == PO.with_suffix(".mo").read_bytes(), "run make messages"
