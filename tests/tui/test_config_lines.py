"""The reader knows on which line every value of a document stands."""

import json
import tomllib

from hypothesis import given, settings
from hypothesis import strategies as st

from tui.config.lines import line_numbers

DOCUMENT = '''\
# a comment
slow = true

[score]
latency_weight = 0.5   # trailing
loss_weight = [
  1,
  2,
]
text = """
[not a table]
key = 1
"""

[[targets]]
host = "a"
[[targets]]
host = "b"
[targets.extra]
x = 1
[a.b]
"quoted key".c = { d = 1, e = [2] }
'''


def test_each_kind_of_statement_is_found() -> None:
    assert line_numbers(DOCUMENT) == {
        ("slow",): 2,
        ("score",): 4,
        ("score", "latency_weight"): 5,
        ("score", "loss_weight"): 6,
        ("score", "loss_weight", 0): 6,
        ("score", "loss_weight", 1): 6,
        ("score", "text"): 10,
        ("targets",): 15,
        ("targets", 0): 15,
        ("targets", 0, "host"): 16,
        ("targets", 1): 17,
        ("targets", 1, "host"): 18,
        ("targets", 1, "extra"): 19,
        ("targets", 1, "extra", "x"): 20,
        ("a", "b"): 21,
        ("a", "b", "quoted key"): 22,
        ("a", "b", "quoted key", "c"): 22,
        ("a", "b", "quoted key", "c", "d"): 22,
        ("a", "b", "quoted key", "c", "e"): 22,
        ("a", "b", "quoted key", "c", "e", 0): 22,
    }


FILLER = st.lists(st.sampled_from(["", "# [x]", "  # y = 1", "\t"]), max_size=3)
KEYS = st.text(st.characters(categories=("L", "N", "P", "Zs"), exclude_characters="\x7f"), max_size=6)
VALUES = st.sampled_from(['"x"', '"""\n[a]\nb = 1\n"""', "1", "[\n1,\n# c\n2]", "'''\n'''", "{a = 1}"])
BLOCKS = st.lists(
    st.tuples(FILLER, st.lists(st.tuples(KEYS, VALUES, FILLER), max_size=4, unique_by=lambda x: x[0])), max_size=5
)


@settings(max_examples=60)
@given(BLOCKS)
def test_every_key_is_found_where_it_was_written(blocks) -> None:
    lines: list[str] = []
    written = {}
    for index, (filler, entries) in enumerate(blocks):
        lines += [*filler, "[[block]]"]
        for key, value, after in entries:
            written["block", index, key] = len(lines) + 1
            lines += [*f"{json.dumps(key, ensure_ascii=False)} = {value}".split("\n"), *after]
    document = "\n".join(lines)
    tomllib.loads(document)
    found = line_numbers(document)
    assert {path: found[path] for path in written} == written
