"""What the terminal can show, from what it says of itself. Settings decide; "auto" is decided here."""

import os
import sys
from collections.abc import Mapping
from typing import Literal

Glyphs = Literal["unicode", "ascii"]
Wish = Literal["auto", "on", "off"]


def glyphs_for(wish: Literal["auto", "unicode", "ascii"], encoding: str, term: str) -> Glyphs:
    """Return what to draw with: Unicode where the encoding has it; the Linux console's font has no braille."""
    if wish != "auto":
        return wish
    utf8 = encoding.lower().replace("-", "").replace("_", "") == "utf8"
    return "unicode" if utf8 and term not in ("linux", "dumb", "vt100") else "ascii"


def mouse_for(wish: Wish, environ: Mapping[str, str]) -> bool:
    """Return whether to ask for mouse events: over SSH each movement costs a packet, so not by itself."""
    return not over_ssh(environ) if wish == "auto" else wish == "on"


def over_ssh(environ: Mapping[str, str]) -> bool:
    """Return whether this session comes over SSH (sshd(8) sets both; sudo keeps neither on some systems)."""
    return bool(environ.get("SSH_CONNECTION") or environ.get("SSH_TTY"))


def own_glyphs(wish: Literal["auto", "unicode", "ascii"]) -> Glyphs:
    """Return what to draw with on this process's own terminal."""
    return glyphs_for(wish, sys.stdout.encoding or "", os.environ.get("TERM", ""))
