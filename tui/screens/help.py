"""Help: the keys as they are bound now, and what the words on the screen mean."""

from typing import Any, Final

from textual.screen import Screen

from tui.screens.detail import Detail
from tui.text import N_, _
from tui.widgets.keybar import live_keys
from tui.widgets.runs import Glyphs, Row
from tui.widgets.wrap import entry_rows

GLOSSARY: Final = (
    (N_("p50, p99"), N_("Half, and 99 of 100, of the answers came within this time.")),
    (N_("jitter"), N_("How much one answer's time differs from the next one's, smoothed (RFC 3550).")),
    (N_("loss"), N_("Probes without an answer in time, of all that have been decided; n says how many those are.")),
    (N_("late"), N_("An answer came after its time-out: slow, not lost.")),
    (N_("score"), N_("Latency 40 %, loss 30 %, bandwidth 30 %. What is not measured is left out, and said.")),
    (
        N_("risk"),
        N_("R0 no effect on traffic. R1 a moment. R2 may cut your session. R3 reboot. R4 others."),
    ),
    ("–", N_("Not measured. It is never counted as zero.")),
)
_SIGNS: Final[dict[Glyphs, tuple[str, ...]]] = {
    "unicode": ("▁ … █", "~", "─", "◆", "┊", "×", "↑"),
    "ascii": ("1 .. #", "~", "-", "*", "!", "x", "^"),
}
_MEANINGS: Final = (
    N_("Probes were lost then: few … all."),
    N_("Slow then: half of the answers took more than 150 ms."),
    N_("All was well then; a blank: nothing was probed."),
    N_("A mark."),
    N_("A route or a gateway changed."),
    N_("Probes that never left this box."),
    N_("More than the graph is high."),
)


def help_detail(screen: Screen[Any], width: int, glyphs: Glyphs | None = None) -> Detail:
    """Return the help page for a screen's keys; `glyphs`: and what the signs of its time line and graphs mean."""
    rows: list[Row] = []
    for key, label, explanation in live_keys(screen):
        rows += entry_rows(key, explanation or label, width, 13)
    rows += [(), ((_("Words"), "head"),)]
    for term, meaning in GLOSSARY:
        rows += entry_rows(_(term), _(meaning), width, 13)
    if glyphs is not None:
        rows += [(), ((_("Signs"), "head"),)]
        for sign, meaning in zip(_SIGNS[glyphs], _MEANINGS, strict=True):
            rows += entry_rows(sign, _(meaning), width, 13)
    return Detail(_("Help"), tuple(rows))
