"""What the terminal on the other end can show, read from the environment; the terminal itself is not asked."""

from collections.abc import Mapping
from typing import Literal

import msgspec

from tui.widgets.runs import Glyphs

_SSH = ("SSH_CONNECTION", "SSH_TTY", "SSH_CLIENT")


class Terminal(msgspec.Struct, frozen=True):
    """What drawing may use."""

    glyphs: Glyphs
    colours: Literal["none", "16", "256", "truecolor"]
    ssh: bool
    mouse: bool
    """Off over SSH: any-motion reporting sends a packet upstream for each cell the mouse crosses."""


def detect(env: Mapping[str, str], encoding: str) -> Terminal:
    """Return what a terminal with environment `env`, written to in `encoding`, can show.

    The Linux console (TERM=linux) speaks UTF-8, but its font has 512 glyphs and no braille.
    """
    name = env.get("TERM", "")
    ssh = any(env.get(variable) for variable in _SSH)
    utf8 = encoding.lower().replace("-", "").replace("_", "") in ("utf8", "utf8sig")
    glyphs: Glyphs = "unicode" if utf8 and name not in ("linux", "dumb", "vt100", "vt220") else "ascii"
    return Terminal(glyphs, _colours(env, name), ssh, mouse=not ssh and name not in ("linux", "dumb"))


def _colours(env: Mapping[str, str], name: str) -> Literal["none", "16", "256", "truecolor"]:
    if env.get("NO_COLOR") or name in ("", "dumb", "vt100", "vt220"):
        return "none"
    if env.get("COLORTERM", "").lower() in ("truecolor", "24bit"):
        return "truecolor"
    return "256" if "256color" in name or name.endswith("-direct") else "16"
