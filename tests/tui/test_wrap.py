"""Sentences in both languages break where readers expect it, and nothing is lost or too wide."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from tui.widgets.wrap import entry_rows, wrap

CHINESE = (
    "原因：带宽 –；置信度 69%（n 2.0k）。应答来自（中文），“键”的值为“v”，非数字 (来自同一流)：3.2%，上限 2.0%。"
)


@pytest.mark.parametrize("width", range(12, 60))
def test_rows_fit_and_no_row_begins_or_ends_with_the_wrong_bracket(width: int) -> None:
    rows = wrap(CHINESE, width, indent=2)
    assert all(cell_len(row) <= width for row in rows)
    assert not [row for row in rows[1:] if row.strip()[0] in "，。；：、）”%)"]
    assert not [row for row in rows if row[-1] in "（“("]


@given(st.text("ab 中文（），。“”%", max_size=80), st.integers(20, 40))
def test_wrapping_loses_nothing_but_blanks(text: str, width: int) -> None:
    assert "".join("".join(wrap(text, width)).split()) == "".join(text.split())


@pytest.mark.parametrize("name", ["rtt", "往返时延", "a name that is longer than the column"])
def test_what_a_name_stands_for_begins_in_its_column(name: str) -> None:
    ((text, _role),) = entry_rows(name, "12 ms", 60, 17)[0]
    assert cell_len(text.removesuffix("12 ms")) == max(17, cell_len(name) + 1)
