"""How grave something is, told by glyph and word before colour."""

from typing import Final

from analysis.advice.plan import Severity as AdviceSeverity
from analysis.severity import Severity
from analysis.text import Sentence
from tui.text import N_, _, tell
from tui.widgets.runs import Glyphs, Role, Row
from tui.widgets.wrap import wrap_rows

_GLYPHS: Final[dict[Severity, tuple[str, str]]] = {
    "ok": ("✓", "+"),
    "notice": ("·", "-"),
    "warn": ("▲", "!"),
    "bad": ("✖", "X"),
    "unknown": ("?", "?"),
}
_WORDS: Final[dict[Severity, str]] = {
    "ok": N_("OK"),
    "notice": N_("NOTE"),
    "warn": N_("WARNING"),
    "bad": N_("BAD"),
    "unknown": N_("UNKNOWN"),
}
_ROLES: Final[dict[Severity, Role]] = {"ok": "ok", "notice": "plain", "warn": "warn", "bad": "bad", "unknown": "dim"}
_ADVICE: Final[dict[AdviceSeverity, Severity]] = {"bad": "bad", "warn": "warn", "info": "notice"}


def glyph(severity: Severity, glyphs: Glyphs) -> str:
    """Return the one-cell sign of a severity."""
    return _GLYPHS[severity][glyphs == "ascii"]


def word(severity: Severity) -> str:
    """Return the severity's name in the person's language."""
    return _(_WORDS[severity])


def role(severity: Severity) -> Role:
    """Return the role that colours a severity."""
    return _ROLES[severity]


def of_advice(severity: AdviceSeverity) -> Severity:
    """Return the severity that a recommendation's own stands for."""
    return _ADVICE[severity]


def judged_rows(severity: Severity, what: Sentence, glyphs: Glyphs, width: int) -> list[Row]:
    """Return a sentence with its severity before it, by glyph and word."""
    text = f"{glyph(severity, glyphs)} {word(severity)}  {tell(what)}"
    return wrap_rows(text, width, role(severity), indent=2)
