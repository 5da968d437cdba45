"""What is assumed of a terminal."""

import pytest

from tui.output.terminal import Terminal, detect

XTERM = {"TERM": "xterm-256color"}


@pytest.mark.parametrize(
    ("env", "encoding", "expected"),
    [
        (XTERM | {"COLORTERM": "truecolor"}, "utf-8", Terminal("unicode", "truecolor", ssh=False, mouse=True)),
        (XTERM | {"SSH_CONNECTION": "a b c d"}, "UTF-8", Terminal("unicode", "256", ssh=True, mouse=False)),
        (XTERM | {"NO_COLOR": "1"}, "utf8", Terminal("unicode", "none", ssh=False, mouse=True)),
        (XTERM | {"NO_COLOR": ""}, "utf8", Terminal("unicode", "256", ssh=False, mouse=True)),
        (XTERM, "iso-8859-1", Terminal("ascii", "256", ssh=False, mouse=True)),
        ({"TERM": "linux"}, "utf-8", Terminal("ascii", "16", ssh=False, mouse=False)),
        ({}, "ascii", Terminal("ascii", "none", ssh=False, mouse=True)),
    ],
)
def test_what_is_drawn_follows_the_environment(env: dict[str, str], encoding: str, expected: Terminal) -> None:
    assert detect(env, encoding) == expected
