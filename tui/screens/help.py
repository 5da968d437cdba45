"""Help: the keys as they are bound now, and what the words on the screen mean."""

from typing import Any, Final

from textual.screen import Screen

from tui.screens.detail import Detail
from tui.text import N_, _
from tui.widgets.keybar import live_keys
from tui.widgets.runs import Row
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


def help_detail(screen: Screen[Any], width: int) -> Detail:
    """Return the help page for a screen's keys."""
    rows: list[Row] = []
    for key, label, explanation in live_keys(screen):
        rows += entry_rows(key, explanation or label, width, 13)
    rows += [(), ((_("Words"), "head"),)]
    for term, meaning in GLOSSARY:
        rows += entry_rows(_(term), _(meaning), width, 13)
    return Detail(_("Help"), tuple(rows))
